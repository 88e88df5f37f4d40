"""What COCO JSON may hold, and what is refused: every finding at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from segwright.core import ClassTable, ConfigError, DataError
from segwright.evaluate.instances import evaluate_instances
from tests.evaluate.instances.sets import random_set

SQUARE = [1, 1, 5, 1, 5, 5, 1, 5]


def tiny() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One image with one object, found."""
    truth = {
        "images": [{"id": 1, "file_name": "a.png", "height": 8, "width": 10}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "area": 16, "bbox": [1, 1, 4, 4], "segmentation": [SQUARE]}
        ],
        "categories": [{"id": 1, "name": "dent"}],
    }
    results = [{"image_id": 1, "category_id": 1, "score": 0.9, "bbox": [1, 1, 4, 4], "segmentation": [SQUARE]}]
    return truth, results


def test_evaluate_instances__reads_files_and_folders_as_it_reads_their_content(tmp_path: Path) -> None:
    truth, results = random_set(7)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "instances.json").write_text(json.dumps(results))
    expected = evaluate_instances(results, truth)
    read = evaluate_instances(tmp_path / "instances.json", str(tmp_path / "truth.json"))
    known = {"predictions": str(tmp_path / "instances.json"), "truth": str(tmp_path / "truth.json")}
    assert read == replace(expected, provenance={**expected.provenance, **known})
    of_folder = evaluate_instances(tmp_path, tmp_path / "truth.json", workers=1)
    assert of_folder == replace(read, provenance={**read.provenance, "predictions": str(tmp_path)})
    expected.write(tmp_path / "evaluation.json")
    written = json.loads((tmp_path / "evaluation.json").read_text())
    assert written["task"] == "instance"
    assert set(written["definitions"]) == {*written["scores"], *written["classes"]["class 1"], "absent"}
    curve = next(curve for curve in written["details"]["precision_recall"]["mask"].values() if curve)
    assert [len(curve[name]) for name in ("recall", "precision", "score")] == [101] * 3


def test_evaluate_instances__has_a_row_a_frame() -> None:
    truth, results = tiny()
    truth["images"].append({"id": 2, "file_name": "b.png", "height": 8, "width": 10})
    results.append({**results[0], "image_id": 2})
    results.append({**results[0], "bbox": [7, 6, 1, 1], "segmentation": [[7, 6, 8, 6, 8, 7, 7, 7]]})
    evaluation = evaluate_instances(results, truth)
    for row in evaluation.details["frames"]:
        kept = [row[kind].pop("matches") for kind in ("mask", "box")]
        assert {each["truths"] for each in kept} == ({"1"} if row["image_id"] == 1 else {""})
    one, none = ({"tp": hits, "fp": 1, "fn": 0} for hits in (1, 0))
    one, none = ({**row, "at_best_f1": row} for row in (one, none))  # one score for all of them
    assert evaluation.details["frames"] == [
        {"image_id": 1, "name": "a.png", "columns": {}, "mask": one, "box": one},
        {"image_id": 2, "name": "b.png", "columns": {}, "mask": none, "box": none},
    ]


def test_evaluate_instances__no_detection_at_all_is_zero_and_no_truth_at_all_is_none() -> None:
    truth, results = tiny()
    assert evaluate_instances([], truth).scores["mask_ap"] == 0.0
    truth["annotations"] = []
    assert set(evaluate_instances(results, truth).scores.values()) == {None}


def test_evaluate_instances__classes_are_those_of_a_given_table() -> None:
    truth, results = tiny()
    table = ClassTable.of(["background", "scratch", "dent"])
    evaluation = evaluate_instances(results, truth, class_table=table)
    assert [row["mask_ap"] for row in evaluation.classes.values()] == [None, None, pytest.approx(1.0)]
    assert evaluation.class_table == table
    with pytest.raises(DataError, match="is not in the class table"):
        evaluate_instances(results, truth, class_table=ClassTable.of(["background", "scratch"]))


def test_evaluate_instances__category_ids_that_no_mask_can_hold_are_numbered_anew() -> None:
    truth, results = tiny()
    for row in (truth["annotations"][0], results[0]):
        row["category_id"] = 1_000_000
    truth["categories"] = [{"id": 1_000_000, "name": "dent"}]
    evaluation = evaluate_instances(results, truth)
    assert (evaluation.class_table.ids, evaluation.scores["box_ap"]) == ((0,), pytest.approx(1.0))


def test_evaluate_instances__says_which_areas_it_takes() -> None:
    truth, results = tiny()
    del truth["annotations"][0]["area"]
    assert "results have boxes" in " ".join(evaluate_instances(results, truth).notes)
    assert "1 annotations have no area" in " ".join(evaluate_instances(results, truth, kinds=["box"]).notes)
    truth["annotations"][0]["ignore"] = 1
    assert "marked `ignore`" in " ".join(evaluate_instances(results, truth).notes)


Change = Callable[[dict[str, Any], list[dict[str, Any]]], object]


def result(**values: Any) -> Change:
    return lambda truth, results: results[0].update(values)


def annotation(**values: Any) -> Change:
    return lambda truth, results: truth["annotations"][0].update(values)


def runs(counts: Any, size: Any = (8, 10)) -> dict[str, Any]:
    return {"size": list(size), "counts": counts}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (result(image_id=7), "result 0: is of an image that the truth does not list"),
        (result(category_id=7), "result 0: is of an unknown category"),
        (result(category_id=True), "is of an unknown category"),
        (result(score=None), "has no usable score"),
        (result(score=float("nan")), "has no usable score"),
        (result(bbox=[1, 1, -4, 4]), "has no usable bbox"),
        (result(bbox=[1, 1, float("inf"), 4]), "has no usable bbox"),
        (result(segmentation=None), "score boxes only"),
        (result(segmentation=[]), "has no outline"),
        (result(segmentation=[[1, 2, 3, 4]]), "at least three points"),
        (result(segmentation=[[1, 2, 3, 4, 5, float("nan")]]), "not finite"),
        (result(segmentation=[[1, 2, 3, 4, 5, "6"]]), "hold what is not a number"),
        (result(segmentation=[[1, 2, 3, 4, 5, 1e300]]), "beyond 1,000,000 px"),
        (result(segmentation=runs([80], (8.0, 10.0))), "have no size"),
        (result(segmentation=runs([80], (10, 8))), "run lengths are for 8x10"),
        (result(segmentation=runs([79])), "cover 79 px, the image has 80"),
        (result(segmentation=runs([81, -1])), "neither text nor whole numbers"),
        (result(segmentation=runs("P2")), "the image has 80"),
        (result(segmentation=runs("~~")), "are not readable"),
        (result(segmentation={"counts": "P2"}), "have no size"),
        (annotation(image_id=None), "annotation 0: is of an image"),
        (annotation(id=None), "has no id of its own"),
        (annotation(area=-1), "has no usable area"),
        (annotation(bbox=None), "has no usable bbox"),
        (annotation(segmentation=runs([1])), "cover 1 px"),
        (lambda truth, results: truth["images"][0].pop("width"), "image 0: is no image"),
        (lambda truth, results: truth["images"].append(truth["images"][0]), "image 1: shares its id"),
        (lambda truth, results: truth["categories"].append(truth["categories"][0]), "shares its id"),
        (lambda truth, results: truth["categories"].append({"id": 2}), "is no category"),
        (lambda truth, results: truth.pop("annotations"), "is not COCO instances JSON"),
        (lambda truth, results: results.append(3), "result 1: is no object"),
    ],
)
def test_evaluate_instances__refuses(change: Change, told: str) -> None:
    truth, results = tiny()
    change(truth, results)
    with pytest.raises(DataError, match=told) as caught:
        evaluate_instances(results, truth)
    assert all(problem.fix for problem in caught.value.problems)


def test_evaluate_instances__tells_findings_together_and_counts_them() -> None:
    truth, results = tiny()
    results = [{**results[0], "image_id": number, "category_id": 5} for number in range(2, 9)]
    with pytest.raises(DataError) as caught:
        evaluate_instances(results, truth)
    text = str(caught.value)
    assert len(caught.value.problems) == 2
    assert "results 0, 1, 2 and 4 more: is of an image that the truth does not list" in text
    assert "2; 3; 4; and 4 others" in text
    assert "is of an unknown category" in text


def test_evaluate_instances__refuses_files_that_are_something_else(tmp_path: Path) -> None:
    truth, results = tiny()
    (tmp_path / "broken.json").write_text("{")
    for prediction, second, told in (
        (truth, truth, "is not COCO results JSON"),
        (results, results, "is not COCO instances JSON"),
        (results, tmp_path / "none.json", "does not exist"),
        (tmp_path / "broken.json", truth, "cannot be read as JSON"),
    ):
        with pytest.raises(DataError, match=told):
            evaluate_instances(prediction, second)
    with pytest.raises(ConfigError, match=r"allowed: +coco, lvis"):
        evaluate_instances(results, truth, rule="voc")


def test_evaluate_instances__lvis_needs_to_know_what_was_looked_for() -> None:
    truth, results = tiny()
    with pytest.raises(DataError, match="does not say which categories were looked for"):
        evaluate_instances(results, truth, rule="lvis")
    truth["images"][0].update(neg_category_ids=[], not_exhaustive_category_ids=[1])
    with pytest.raises(DataError, match="has no frequency"):
        evaluate_instances(results, truth, rule="lvis")
    truth["categories"][0]["frequency"] = "r"
    scores = evaluate_instances(results, truth, rule="lvis").scores
    assert (scores["mask_ap_rare"], scores["mask_ap_common"]) == (pytest.approx(1.0), None)


def test_evaluate_instances__a_record_of_null_is_no_record_and_nothing_else() -> None:
    truth, results = tiny()
    with pytest.raises(DataError) as caught:
        evaluate_instances([*results, None, 3], truth)  # type: ignore[list-item]
    assert [problem.rule for problem in caught.value.problems] == ["is no object"]
    assert caught.value.problems[0].found == "null; int"
    with pytest.raises(DataError, match="does not exist"):
        evaluate_instances(Path("nowhere.json"), truth)
