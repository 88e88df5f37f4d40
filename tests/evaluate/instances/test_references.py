"""The numbers are COCOeval's, and faster-coco-eval's where pycocotools has none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segwright.evaluate.instances import COCO, LVIS, PairedFrames, accumulate, count_instances, evaluate_instances
from segwright.evaluate.instances.results import read_results
from segwright.evaluate.instances.truth import read_truth
from tests.evaluate.instances.sets import STATS, absent_as_none, random_set, reference, second_reference, uncompressed


@pytest.mark.parametrize("kind", ["mask", "box"])
def test_evaluate_instances__prints_the_24_numbers_of_cocoapi(kind: str, shared_data: Path) -> None:
    root = shared_data / "metric_coco"
    name = {"mask": "segm", "box": "bbox"}[kind]
    expected = json.loads((root / "EXPECTED.json").read_text())[name]
    annotations = root / "cocoapi/instances_val2014_100.json"
    evaluation = evaluate_instances(root / expected["results"], annotations, kinds=[kind])
    scores = [evaluation.scores[f"{kind}_{stat}"] for stat in STATS]
    assert [round(score, 3) for score in scores] == expected["published"]
    assert [round(score, 6) for score in scores] == expected["pycocotools_2.0.11"]
    truth, results = (json.loads(path.read_text()) for path in (annotations, root / expected["results"]))
    assert scores == absent_as_none(reference(truth, results, kind).stats)


def test_evaluate_instances__ignore_marks_and_ids_written_as_text(shared_data: Path) -> None:
    # tests/test_basic.py of faster-coco-eval: `test_ignore_coco_eval`
    root = shared_data / "metric_coco"
    evaluation = evaluate_instances(root / "dt_ignore_test.json", root / "gt_ignore_test.json", kinds=["box"])
    expected = [0.7099009900990099, 1.0, 0.8415841584158416, None, 0.7099009900990099, None,
                0.0, 0.45384615384615384, 0.7153846153846154, None, 0.7153846153846154, None]  # fmt: skip
    assert [evaluation.scores[f"box_{stat}"] for stat in STATS] == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("kind", ["mask", "box"])
@pytest.mark.parametrize("seed", range(8))
def test_accumulate__every_cell_is_that_of_pycocotools(seed: int, kind: str) -> None:
    truth, results = random_set(seed, classes=1 + seed % 4, boxes=seed % 2 == 1)
    require_equal(truth, results, kind)


@pytest.mark.parametrize("kind", ["mask", "box"])
def test_accumulate__more_than_a_hundred_detections_in_an_image(kind: str) -> None:
    truth, results = random_set(12, images=3, classes=1, most=60)
    results += [{**row, "score": row["score"] / 2} for row in results] * 12
    counts = {image["id"]: sum(row["image_id"] == image["id"] for row in results) for image in truth["images"]}
    assert max(counts.values()) > 300
    require_equal(truth, results, kind)


def require_equal(truth: dict, results: list[dict], kind: str) -> None:
    expected = reference(truth, results, kind)
    true = read_truth(truth, (kind,), COCO)
    counts = count_instances(PairedFrames(true, read_results(results, true, (kind,))), true.classes, kinds=[kind])
    found = accumulate(counts, kind)
    for name, values in (("precision", found.precision), ("recall", found.recall), ("scores", found.score)):
        assert np.array_equal(np.nan_to_num(values, nan=-1.0), expected.eval[name]), name
    evaluation = evaluate_instances(results, truth, kinds=[kind])
    assert [evaluation.scores[f"{kind}_{stat}"] for stat in STATS] == absent_as_none(expected.stats)


@pytest.mark.parametrize("kind", ["mask", "box", "boundary"])
@pytest.mark.parametrize("seed", range(3))
def test_evaluate_instances__is_faster_coco_eval_too(seed: int, kind: str) -> None:
    truth, results = random_set(100 + seed, images=8)
    expected = second_reference(truth, results, kind)
    evaluation = evaluate_instances(results, truth, kinds=[kind])
    assert [evaluation.scores[f"{kind}_{stat}"] for stat in STATS] == pytest.approx(
        absent_as_none(expected.stats), abs=1e-9
    )


@pytest.mark.parametrize("kind", ["mask", "box", "boundary"])
def test_evaluate_instances__lvis_is_that_of_faster_coco_eval(kind: str) -> None:
    truth, results = random_set(5, images=12, classes=6, federated=True)
    for row in truth["annotations"]:  # LVIS has neither
        row.update(iscrowd=0, ignore=0)
    expected = second_reference(truth, results, kind, lvis=True).stats_as_dict
    scores = evaluate_instances(results, truth, kinds=[kind], rule="lvis").scores
    names = {"ap": "AP_all", "ap50": "AP_50", "ap75": "AP_75", "ap_small": "AP_small", "ap_medium": "AP_medium",
             "ap_large": "AP_large", "ar@300": "AR_all", "ar_small": "AR_small", "ar_large": "AR_large",
             "ap_rare": "APr", "ap_common": "APc", "ap_frequent": "APf"}  # fmt: skip
    assert [scores[f"{kind}_{name}"] for name in names] == pytest.approx(
        absent_as_none(expected[name] for name in names.values()), abs=1e-9
    )
    assert LVIS.most_detections == (300,)


def test_evaluate_instances__bitmasks_of_bdd100k(shared_data: Path) -> None:
    root = shared_data / "metric_bdd100k"
    expected = json.loads((root / "EXPECTED.json").read_text())["ins_seg (pred.json holds the scores)"]
    frames = {part: np.asarray(Image.open(root / "ins_seg" / part / "a.png")) for part in ("gt", "pred")}
    scores = {row["index"]: row["score"] for row in json.loads((root / "ins_seg/pred.json").read_text())[0]["labels"]}
    truth = {
        "images": [{"id": 1, "height": frames["gt"].shape[0], "width": frames["gt"].shape[1]}],
        "categories": [{"id": number, "name": str(number)} for number in range(1, 9)],
        "annotations": [
            {"id": index, "image_id": 1, "category_id": category, "iscrowd": int(left_out), "area": int(mask.sum()),
             "segmentation": uncompressed(mask)}
            for index, category, left_out, mask in bitmask_objects(frames["gt"])
        ],
    }  # fmt: skip
    results = [
        {"image_id": 1, "category_id": category, "score": scores[index], "segmentation": uncompressed(mask)}
        for index, category, _, mask in bitmask_objects(frames["pred"])
    ]
    found = evaluate_instances(results, truth, kinds=["mask"]).scores
    names = {"mask_ap": "AP", "mask_ap50": "AP50", "mask_ap75": "AP75",
             "mask_ar@1": "AR1", "mask_ar@10": "AR10", "mask_ar@100": "AR100"}  # fmt: skip
    assert {ours: 100 * found[ours] for ours in names} == pytest.approx(
        {ours: expected[theirs] for ours, theirs in names.items()}, abs=1e-9
    )


def bitmask_objects(bitmask: np.ndarray) -> list[tuple[int, int, bool, np.ndarray]]:
    """Number, category, ignored or crowd, and mask of each object: R category, G attributes, B and A the number."""
    category, attributes, high, low = (bitmask[..., channel].astype(int) for channel in range(4))
    number = high * 256 + low
    found = []
    for index in np.unique(number[category > 0]).tolist():
        mask = (number == index) & (category > 0)
        flags = attributes[mask][0]
        found.append((index, int(category[mask][0]), bool(flags & 3), mask.astype(np.uint8)))
    return found
