from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from segwright.core import ArtefactError, ConfigError
from segwright.infer import Decision, read_bundle, with_thresholds
from segwright.infer.bundle import _digest
from tests.infer.bundles import make_bundle


@dataclass
class Chosen:
    decision: Decision

    def to_json(self):
        return {"target": "f1", "kept": True, "thresholds": dict(self.decision.thresholds or {}), "images": 7}


@pytest.fixture
def bundle(tmp_path):
    return make_bundle(
        tmp_path,
        alerts={"area_percent": 2.0, "part": "frame"},
        scores={"images": 12, "scores": {"pooled_miou": 0.81}, "classes": {"scratch": {"iou": 0.74, "dice": None}}},
        parity={"exported": "a", "reference": "b", "frames": 3, "pixel_share": 0.0, "thresholds": None,
                "largest_probability_difference": 1e-6},
    )  # fmt: skip


def edit(bundle, *, seal: bool = True, **changes) -> None:
    """Change the manifest; with `seal` its digest too, to reach what is checked behind it."""
    path = bundle.path / "bundle.json"
    data = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    if seal:
        data["content_hash"] = _digest({key: value for key, value in data.items() if key != "content_hash"})
    path.write_text(json.dumps(data), encoding="utf-8")


def test_read_bundle__gives_back_what_was_written(bundle):
    assert read_bundle(bundle.path) == bundle
    assert read_bundle(bundle.path).content_hash == bundle.content_hash


def test_write_bundle__leaves_manifest_weights_and_card_and_nothing_else(bundle, tmp_path):
    assert sorted(path.name for path in bundle.path.iterdir()) == ["bundle.json", "card.md", "model.onnx"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["colours.bundle", "colours.onnx"]


def test_write_bundle__never_edits_an_old_one(tmp_path):
    make_bundle(tmp_path)
    with pytest.raises(ArtefactError, match="exists, and a bundle is never edited"):
        make_bundle(tmp_path)


def test_write_bundle__says_why_it_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    bundle = make_bundle(tmp_path)
    with pytest.raises(ArtefactError, match="cannot be written"):
        with_thresholds(bundle, Chosen(Decision()), tmp_path / "file" / "new.bundle")


def test_card__says_what_it_sees_where_it_comes_from_and_how_good_it_is(bundle):
    card = (bundle.path / "card.md").read_text(encoding="utf-8")
    for text in ("| 1 | scratch | 0.4 |", "dataset hash: `ddd", "seed: `3`", "| pooled_miou | 0.8100 |",
                 "| scratch | 0.7400 | absent |", "images 12", "on 3 whole frames", "## Limits"):  # fmt: skip
        assert text in card


def test_with_thresholds__is_a_new_bundle_that_names_its_parent(bundle, tmp_path):
    before = bundle.content_hash
    chosen = Chosen(Decision({"scratch": 0.2, "dent": 0.6}))
    renewed = with_thresholds(bundle, chosen, tmp_path / "sure.bundle", on={"part": "calibration"})
    again = read_bundle(tmp_path / "sure.bundle")
    assert again == renewed
    assert again.decision == chosen.decision
    assert again.lineage.parent == before == read_bundle(bundle.path).content_hash
    assert again.calibration == {**chosen.to_json(), "on": {"part": "calibration"}}
    assert again.weights == bundle.weights
    assert "calibrated from" in (again.path / "card.md").read_text(encoding="utf-8")


def test_with_thresholds__refuses_a_class_the_bundle_does_not_know(bundle, tmp_path):
    with pytest.raises(ConfigError, match="rust"):
        with_thresholds(bundle, Chosen(Decision({"rust": 0.2})), tmp_path / "sure.bundle")
    assert not (tmp_path / "sure.bundle").exists()


@pytest.mark.parametrize(("section", "key", "value"), [
    ("preprocessing", "scale", 1.0), ("decision", "thresholds", {"scratch": 0.41, "dent": 0.5}),
    ("cleanup", "min_area_px", 5), ("alerts", "area_percent", 3.0), ("scores", "images", 13),
])  # fmt: skip
def test_read_bundle__refuses_an_edited_manifest(bundle, section, key, value):
    before = bundle.to_json()[section]
    assert before[key] != value
    edit(bundle, seal=False, **{section: {**before, key: value}})
    with pytest.raises(ArtefactError, match=r"bundle\.json: is not as it was written[\s\S]*found:[\s\S]*calibrate"):
        read_bundle(bundle.path)


def test_read_bundle__refuses_a_manifest_without_a_digest(bundle):
    edit(bundle, seal=False, content_hash=None)
    with pytest.raises(ArtefactError, match=r"is not as it was written[\s\S]*none is in it"):
        read_bundle(bundle.path)


def test_read_bundle__spacing_and_order_are_no_content(bundle):
    path = bundle.path / "bundle.json"
    rows = json.loads(path.read_text(encoding="utf-8")).items()
    path.write_text(json.dumps(dict(reversed(rows)), indent=4), encoding="utf-8")
    assert read_bundle(bundle.path) == bundle


def test_with_thresholds__refuses_a_source_that_was_edited_or_replaced_meanwhile(bundle, tmp_path):
    chosen, to = Chosen(Decision({"scratch": 0.2, "dent": 0.6})), tmp_path / "sure.bundle"
    edit(bundle, name="another")
    with pytest.raises(ArtefactError, match="is no longer the bundle that was calibrated"):
        with_thresholds(bundle, chosen, to)
    edit(bundle, seal=False, name="edited")
    with pytest.raises(ArtefactError, match="is not as it was written"):
        with_thresholds(bundle, chosen, to)
    assert not to.exists()


@pytest.mark.parametrize("kind", ["nothing there", "a file", "no bundle.json in it"])
def test_read_bundle__refuses_what_is_no_bundle(tmp_path, kind):
    path = tmp_path / "x"
    if kind == "a file":
        path.write_text("")
    elif kind != "nothing there":
        path.mkdir()
    with pytest.raises(ArtefactError, match=rf"is not a bundle[\s\S]*found:\s+{kind}[\s\S]*segwright export"):
        read_bundle(path)


def test_read_bundle__refuses_another_schema_version(bundle):
    edit(bundle, schema_version=9, segwright="7.0")
    with pytest.raises(ArtefactError, match=r"another schema version[\s\S]*found:\s+9, written by segwright 7.0"):
        read_bundle(bundle.path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "\x00"])
def test_read_bundle__refuses_a_damaged_manifest(bundle, text):
    (bundle.path / "bundle.json").write_text(text, encoding="utf-8")
    with pytest.raises(ArtefactError, match="is not a bundle's manifest"):
        read_bundle(bundle.path)


def test_read_bundle__refuses_a_lost_section(bundle):
    edit(bundle, classes=None)
    with pytest.raises(ArtefactError, match="is not a bundle's manifest"):
        read_bundle(bundle.path)


def test_read_bundle__refuses_a_section_that_makes_no_sense(bundle):
    edit(bundle, decision={"thresholds": {"scratch": 40}})
    with pytest.raises(ArtefactError, match=r"is not a bundle's manifest[\s\S]*outside their range"):
        read_bundle(bundle.path)


def test_read_bundle__refuses_changed_weights(bundle):
    with (bundle.path / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ArtefactError, match="not the weights the bundle was made with"):
        read_bundle(bundle.path)


def test_read_bundle__refuses_lost_weights(bundle):
    (bundle.path / "model.onnx").unlink()
    with pytest.raises(ArtefactError, match="has lost its weights"):
        read_bundle(bundle.path)


def test_read_bundle__refuses_weights_outside_its_folder(bundle):
    edit(bundle, weights={**bundle.to_json()["weights"], "file": "../colours.onnx"})
    with pytest.raises(ArtefactError, match="names weights outside its folder"):
        read_bundle(bundle.path)
