"""Comparing instances and panoptic maps: AP counted again under weights is AP, and chance is told from change."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import ArtefactError, DataError
from segwright.evaluate import ObjectEvaluation, evaluate_instances, evaluate_panoptic
from segwright.evaluate.compare_objects import compare_objects, object_intervals
from segwright.evaluate.domains import ColumnSource
from segwright.evaluate.earlier_objects import earlier_instances, earlier_panoptic
from segwright.evaluate.instances import pair_instances
from segwright.evaluate.instances.kept import read_kept
from segwright.evaluate.instances.resampled import Ranked, image_ap, weighted_plainly
from segwright.evaluate.kernels import compiled
from segwright.evaluate.object_draws import Resampler
from segwright.evaluate.panoptic import pair_panoptic
from segwright.evaluate.report.object_changed import InstanceChanges, PanopticChanges, changed_panels
from segwright.evaluate.report.object_compare_page import ComparedObjects, write_object_comparison
from segwright.evaluate.report.object_pictures import FrameImages
from tests.cli.verbs.test_evaluate import command  # noqa: F401  # a fixture
from tests.evaluate.instances.sets import random_set


def scored(seed: int, **options: object) -> ObjectEvaluation:
    truth, results = random_set(seed, images=8)
    return evaluate_instances(results, truth, **options)  # type: ignore[arg-type]


def right_set(seed: int) -> tuple[dict, list[dict]]:
    """A truth, and results that are exactly right."""
    truth, _ = random_set(seed, images=8)
    keys = ("image_id", "category_id", "segmentation")
    found = [row for row in truth["annotations"] if not row["iscrowd"]]
    return truth, [{**{key: row[key] for key in keys}, "score": 0.9} for row in found]


def two_models(seed: int) -> tuple[ObjectEvaluation, ObjectEvaluation]:
    """The same truth with all results, and with the results of every second image alone."""
    truth, results = right_set(seed)
    return tuple(  # type: ignore[return-value]
        evaluate_instances(kept, truth, kinds=["mask"])
        for kept in (results, [row for row in results if row["image_id"] % 2])
    )


@given(st.integers(0, 40))
@settings(max_examples=12)
def test_ranked__every_frame_once_gives_the_scores(seed: int) -> None:
    evaluation = scored(seed)
    side = Resampler.of(evaluation)
    assert side is not None
    drawn = side.scored(np.ones((1, evaluation.images), np.int64))
    for name, values in drawn.overall.items():
        assert evaluation.scores[name] == (pytest.approx(float(values[0])) if values[0] == values[0] else None)
    for name, values in drawn.classes.items():
        ours = [row[name] for row in evaluation.classes.values()]
        assert [None if each is None else round(each, 12) for each in ours] == [
            None if each != each else round(float(each), 12) for each in values[0]
        ]


def test_ranked__a_frame_drawn_twice_counts_like_its_copy() -> None:
    truth, results = random_set(11, images=4)
    weights = np.array([[2, 0, 1, 3]])
    copies, found, annotations = [], [], []
    for position, row in enumerate(sorted(truth["images"], key=lambda row: row["id"])):
        for _ in range(weights[0, position]):
            image_id = len(copies) + 1
            copies.append({**row, "id": image_id})
            found += [{**each, "image_id": image_id} for each in results if each["image_id"] == row["id"]]
            annotations += [
                {**each, "image_id": image_id} for each in truth["annotations"] if each["image_id"] == row["id"]
            ]
    annotations = [{**row, "id": number} for number, row in enumerate(annotations, start=1)]
    for row in found:
        row["score"] = row["score"] + 1e-6 * hash_of(row)  # no ties: a copy stands beside its original
    drawn = evaluate_instances(found, {**truth, "images": copies, "annotations": annotations}, kinds=["mask"])
    for row in results:
        row["score"] = row["score"] + 1e-6 * hash_of(row)
    side = Resampler.of(evaluate_instances(results, truth, kinds=["mask"]))
    assert side is not None
    for name, values in side.scored(weights).overall.items():
        assert drawn.scores[name] == pytest.approx(float(values[0]))


def hash_of(row: dict) -> int:
    return sum(row["segmentation"]["counts"].encode()) % 997


@pytest.mark.skipif(not compiled(), reason="numba is not installed")
@pytest.mark.parametrize("seed", range(3))
def test_weighted__the_kernel_and_numpy_agree(seed: int) -> None:
    evaluation = scored(seed, kinds=["mask"])
    matches = read_kept(evaluation.details["frames"], "mask", len(evaluation.class_table))
    assert matches is not None
    ranked = Ranked.of(matches)
    weights = np.random.default_rng(seed).integers(0, 3, (6, evaluation.images))
    from segwright.evaluate.instances.resampled import _weighted

    plain = weighted_plainly(ranked, weights, weights @ ranked.truths)
    for ours, theirs in zip(_weighted(ranked, weights), plain, strict=True):
        assert np.allclose(ours, theirs, atol=1e-12, equal_nan=True)


def test_image_ap__is_that_of_the_image_alone() -> None:
    truth, results = random_set(9, images=5)
    evaluation = evaluate_instances(results, truth, kinds=["mask"])
    matches = read_kept(evaluation.details["frames"], "mask", len(evaluation.class_table))
    assert matches is not None
    for row, found in zip(evaluation.details["frames"], image_ap(matches), strict=True):
        image = row["image_id"]
        alone = evaluate_instances(
            [each for each in results if each["image_id"] == image],
            {**truth, "images": [each for each in truth["images"] if each["id"] == image],
             "annotations": [each for each in truth["annotations"] if each["image_id"] == image]},
            kinds=["mask"],
        ).scores["mask_ap"]  # fmt: skip
        assert found == (None if alone is None else pytest.approx(alone))


def test_compare_objects__a_model_against_itself_is_no_change() -> None:
    evaluation = scored(4)
    found = compare_objects(evaluation, evaluation)
    assert {row.difference for row in found.scores.values()} <= {0.0, None}
    assert found.scores["mask_ap"].p_value == 1.0
    assert (found.scores["mask_ap"].low, found.scores["mask_ap"].high) == (0.0, 0.0)
    assert found.lost(9) == found.won(9) == ()
    assert (found.exact, found.rounds, found.groups) == (True, 2**8, 8)


def test_compare_objects__a_loss_is_told_from_chance_and_by_frame(tmp_path: Path) -> None:
    old, new = two_models(6)
    old.write(tmp_path / "old.json")
    found = compare_objects(ObjectEvaluation.read(tmp_path / "old.json"), new, rounds=300)
    row = found.scores["mask_ap"]
    assert row.difference is not None
    assert row.difference < 0
    assert row.p_value is not None
    assert row.p_value <= 0.2
    assert row.high is not None
    assert row.low is not None
    assert row.low <= row.difference <= row.high + 0.2
    assert {int(each.stem.removesuffix(".png")) % 2 for each in found.lost(8)} == {0}
    assert found.to_json()["scores"]["mask_ap"]["low"] == row.low
    assert found.scores["mask_ap_small"].p_value is None  # areas are not kept


def test_compare_objects__groups_stay_together() -> None:
    truth, results = random_set(6, images=8)
    for row in truth["images"]:
        row["file_name"] = f"{'ab'[row['id'] % 2]}_{row['id']}.png"
    old, new = (
        evaluate_instances(kept, truth, kinds=["mask"], columns=ColumnSource("(?P<line>[ab])_"))
        for kept in (results, results[::2])
    )
    found = compare_objects(old, new, by="line")
    assert (found.groups, found.rounds) == (2, 4)
    assert object_intervals(new, by="line").groups == 2
    with pytest.raises(DataError, match=r"(?s)column 'session'.*has no value on 8 of 8 frames"):
        object_intervals(new, by="session")


def test_compare_objects__refuses_another_truth_other_frames_and_garbled_files() -> None:
    truth, results = random_set(6, images=8)
    old = evaluate_instances(results, truth, kinds=["mask"])
    first = next(place for place, row in enumerate(truth["annotations"]) if not row["iscrowd"])
    less = {**truth, "annotations": [row for place, row in enumerate(truth["annotations"]) if place != first]}
    with pytest.raises(DataError, match="1 have another truth in the new evaluation"):
        compare_objects(old, evaluate_instances(results, less, kinds=["mask"]))
    renamed = copy.deepcopy(truth)
    renamed["images"][0]["file_name"] = "other.png"
    with pytest.raises(DataError, match=r"(?s)in the old evaluation only.*in the new evaluation only.*other.png"):
        compare_objects(old, evaluate_instances(results, renamed, kinds=["mask"]))
    details = copy.deepcopy(dict(old.details))
    details["frames"][0]["mask"]["matches"]["class"] += " 7"
    with pytest.raises(ArtefactError, match="garbles the matches of its frames"):
        compare_objects(replace(old, details=details), old)


def test_compare_objects__only_the_kinds_that_both_were_scored_by() -> None:
    truth, results = right_set(6)
    both, masks = (evaluate_instances(results, truth, kinds=kinds) for kinds in (["mask", "box"], ["mask"]))
    for old, new in ((both, masks), (masks, both)):
        found = compare_objects(old, new, rounds=50)
        assert found.scores["mask_ap"].p_value == 1.0
        assert "box_ap" not in found.scores
    boxes = evaluate_instances(results, truth, kinds=["box"])
    assert "scored by different kinds" in compare_objects(boxes, masks).untested


def test_compare_objects__an_older_file_is_compared_without_p_values() -> None:
    old, new = two_models(6)
    details = copy.deepcopy(dict(old.details))
    for row in details["frames"]:
        del row["mask"]["matches"]
    found = compare_objects(replace(old, details=details), new)
    assert "the old evaluation keeps no matches" in found.untested
    assert found.scores["mask_ap"].p_value is None
    assert found.scores["mask_ap"].difference is not None


def test_compare_objects__panoptic_maps(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "metric_bdd100k" / "pan_seg"
    perfect, found = (evaluate_panoptic(folder / name, folder / "gt") for name in ("gt", "pred"))
    side = Resampler.of(found)
    assert side is not None
    drawn = side.scored(np.ones((1, found.images), np.int64))
    assert {name: float(values[0]) for name, values in drawn.overall.items()} == pytest.approx(dict(found.scores))
    changes = compare_objects(perfect, found)
    assert changes.scores["pq"].p_value == 2 / 2**found.images
    assert changes.scores["pq_stuff"].difference == pytest.approx((found.scores["pq_stuff"] or 0) - 1)
    assert object_intervals(found).scores["pq"].low is not None
    pairs = pair_panoptic(folder / "pred", folder / "gt")
    painter = PanopticChanges(found, pairs, FrameImages({}), earlier_panoptic(perfect, pairs))
    lost = list(changed_panels(changes.lost(3), painter))
    assert [panel.missing for panel in lost] == [""] * found.images
    assert all(panel.pictures.broken for panel in lost)
    write_object_comparison(tmp_path / "page.html", ComparedObjects(perfect, found, changes), lost)
    assert "px broken" in (tmp_path / "page.html").read_text()


def test_changed_instances__old_predictions_that_changed_since_are_not_shown(tmp_path: Path) -> None:
    truth, results = right_set(6)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    sides = {}
    for name, kept in (("old", results), ("new", [row for row in results if row["image_id"] % 2])):
        (tmp_path / f"{name}.json").write_text(json.dumps(kept))
        sides[name] = evaluate_instances(tmp_path / f"{name}.json", tmp_path / "truth.json", kinds=["mask"])
    pairs = pair_instances(tmp_path / "new.json", tmp_path / "truth.json", kinds=["mask"])
    both = sides["old"], sides["new"]
    changes = compare_objects(*both, rounds=50)
    painter = InstanceChanges(both, pairs, FrameImages({}), earlier_instances(sides["old"], pairs))
    lost = list(changed_panels(changes.lost(3), painter))
    assert all(panel.pictures.change and panel.pictures.broken for panel in lost)
    (tmp_path / "old.json").write_text(json.dumps(results[::2]))
    painter = InstanceChanges(both, pairs, FrameImages({}), earlier_instances(sides["old"], pairs))
    lost = list(changed_panels(changes.lost(8), painter))
    assert any("gives other matches than were scored" in panel.missing for panel in lost)
    (tmp_path / "old.json").unlink()
    with pytest.raises(ArtefactError, match="no longer holds the old predictions"):
        earlier_instances(sides["old"], pairs)


def test_evaluate_objects__compared_from_the_command_line(command, tmp_path: Path) -> None:  # noqa: F811
    truth, results = right_set(6)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "old.json").write_text(json.dumps(results))
    (tmp_path / "new.json").write_text(json.dumps([row for row in results if row["image_id"] % 2]))
    first = ("evaluate", "--task", "instance", "--kind", "mask", "--truth", tmp_path / "truth.json")
    earlier, page = tmp_path / "earlier.json", tmp_path / "changes.html"
    assert command(*first, "--predictions", tmp_path / "old.json", "--json", earlier)[0] == 0
    second = (*first, "--predictions", tmp_path / "new.json")
    code, out, _ = command(*second, "--compare", earlier, "--compare-report", page)
    assert code == 0
    assert "p of no difference by every swap of 8 groups" in out
    assert "lost most" in out
    text = page.read_text()
    assert "95 % interval" in text
    assert "objects broken" in text
    code, out, err = command(*second, "--no-worse-than", earlier, "--json")
    assert code == 1
    assert ", p 0." in err
    assert json.loads(out)["comparison"]["test"]["exact"] is True
    code, out, _ = command(*second, "--columns", "^(?P<name>[0-9])", "--groups", "name", "--json")
    assert code == 0
    assert json.loads(out)["intervals"]["groups"] == 8
