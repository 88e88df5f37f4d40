from __future__ import annotations

import json

import pytest

from segwright.cli.datasets import dataset_at
from segwright.data import open_dataset
from segwright.infer.bundle import read_bundle
from tests.cli.verbs.test_evaluate import command, project_file, root, split_file, trained_with  # noqa: F401  # fixtures
from tests.infer.bundles import make_bundle


@pytest.fixture
def bundle(tmp_path):
    return make_bundle(tmp_path)


@pytest.fixture
def parts(tmp_path, root):  # noqa: F811
    return split_file(tmp_path / "split.json", root, train=("f0",), validation=("f1",), calibration=("f2", "f3"))


def test_calibrate__writes_a_new_bundle_and_leaves_the_old_one(command, bundle, parts, root, tmp_path):  # noqa: F811
    before, new = (bundle.path / "bundle.json").read_bytes(), tmp_path / "new.bundle"
    code, out, _ = command("calibrate", bundle.path, "--data", root, "--split", parts, "--to", new, "--json")
    assert code == 0
    assert (bundle.path / "bundle.json").read_bytes() == before
    calibrated, content = read_bundle(new), json.loads(out)
    assert calibrated.decision.thresholds == content["thresholds"]
    assert calibrated.calibration["on"]["part"] == "calibration"
    assert calibrated.lineage.parent == bundle.content_hash
    assert content["images"] == 2
    assert set(content["before"]) == {"objective", "classes"}


def test_calibrate__tells_people_before_and_after(command, bundle, parts, root, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = command("calibrate", bundle.path, "--data", root, "--split", parts, "--to", tmp_path / "new.bundle")
    assert "2 images" in out
    table = out[: out.index("f1:")].splitlines()
    assert max(map(len, table)) <= 80
    assert "…" not in out
    assert [line.split()[:3] for line in table if "scratch" in line] == [["scratch", "largest", "p"]]
    assert "p ≥ 0." in out
    assert "by the largest probability" in out
    assert "gives the honest number" in out.replace("\n", " ")


@pytest.mark.parametrize("part", ["train", "validation"])
def test_calibrate__frames_that_were_used_are_refused_unless_allowed(command, bundle, parts, root, tmp_path, part):  # noqa: F811
    given = (
        "calibrate",
        bundle.path,
        "--data",
        root,
        "--split",
        parts,
        "--part",
        part,
        "--to",
        tmp_path / "new.bundle",
    )
    code, _, err = command(*given)
    assert code == 2
    assert "cannot be calibrated on" in err
    assert command(*given, "--allow")[0] == 0


@pytest.mark.parametrize("form", ["folder", "project"])
def test_calibrate__the_training_set_without_a_split_is_refused(
    command,  # noqa: F811
    parts,
    root,  # noqa: F811
    tmp_path,
    trained_with,  # noqa: F811
    form,
):
    places = {"folder": root, "project": project_file(tmp_path)}
    path = trained_with(dataset_at(places["project"]))
    given = ("calibrate", path, "--data", places[form], "--to", tmp_path / "new.bundle")
    code, _, err = command(*given)
    assert code == 2
    assert "without a split" in err
    code, _, err = command(*given, "--split", parts)
    assert code == 2
    assert "not the split the model was trained with" in err


def test_calibrate__other_data_needs_no_split(command, bundle, root, tmp_path):  # noqa: F811
    assert command("calibrate", bundle.path, "--data", root, "--to", tmp_path / "new.bundle")[0] == 0


def test_calibrate__data_may_be_a_project_file(command, bundle, parts, root, tmp_path):  # noqa: F811
    new = tmp_path / "new.bundle"
    code, out, _ = command(
        "calibrate", bundle.path, "--data", project_file(tmp_path), "--split", parts, "--to", new, "--json"
    )
    assert code == 0
    assert json.loads(out)["images"] == 2
    assert read_bundle(new).calibration["on"]["dataset_hash"] != open_dataset(root).content_hash  # it has columns


def test_calibrate__what_exists_is_not_written_over(command, bundle, root):  # noqa: F811
    code, _, err = command("calibrate", bundle.path, "--data", root, "--to", bundle.path)
    assert code == 2
    assert "a bundle is never edited" in err


def test_calibrate__an_unknown_target_is_refused_before_any_work(command, bundle, root, tmp_path):  # noqa: F811
    code, _, err = command(
        "calibrate", bundle.path, "--data", root, "--to", tmp_path / "n.bundle", "--target", "accuracy"
    )
    assert code == 2
    assert "precision>=P" in err
