"""Instances: torchmetrics' mean average precision is ours but for its thresholds, as the convention says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask
from torchmetrics.detection import MeanAveragePrecision

from segwright.evaluate import evaluate_instances
from segwright.evaluate.instances import pair_instances
from segwright.evaluate.reconcile import ultralytics_objects
from segwright.evaluate.reconcile.objects import instance_conventions

SIDE = 48


def squares(rng: np.random.Generator, count: int) -> np.ndarray:
    masks = np.zeros((count, SIDE, SIDE), np.uint8)
    for mask in masks:
        top, left = rng.integers(0, SIDE - 14, 2)
        mask[top : top + rng.integers(5, 14), left : left + rng.integers(5, 14)] = 1
    return masks


def test_instance_conventions__torchmetrics_differs_by_its_single_precision_thresholds() -> None:
    rng = np.random.default_rng(3)
    exact = {"iou_thresholds": np.linspace(0.5, 0.95, 10).tolist(), "rec_thresholds": np.linspace(0, 1, 101).tolist()}
    as_it_is, exactly = MeanAveragePrecision(iou_type="segm"), MeanAveragePrecision(iou_type="segm", **exact)
    images, annotations, results = [], [], []
    for image_id in range(1, 6):
        images.append({"id": image_id, "file_name": f"{image_id}.png", "height": SIDE, "width": SIDE})
        truth, labels = squares(rng, 4), rng.integers(1, 3, 4)
        found = np.roll(truth, rng.integers(0, 3, 2), axis=(1, 2))
        scores = rng.random(4).astype(np.float32)
        detected, true = (
            {"masks": torch.from_numpy(masks).bool(), "labels": torch.from_numpy(labels)} for masks in (found, truth)
        )
        for metric in (as_it_is, exactly):
            metric.update([{**detected, "scores": torch.from_numpy(scores)}], [true])
        for index in range(4):
            true_runs, found_runs = (coco_mask.encode(np.asfortranarray(each[index])) for each in (truth, found))
            for runs in (true_runs, found_runs):
                runs["counts"] = runs["counts"].decode()
            box = coco_mask.toBbox(true_runs).tolist()
            common = {"image_id": image_id, "category_id": int(labels[index])}
            annotations.append(
                {**common, "id": len(annotations) + 1, "segmentation": true_runs, "iscrowd": 0, "bbox": box}
                | {"area": float(truth[index].sum())}
            )
            results.append({**common, "segmentation": found_runs, "score": float(scores[index])})
    categories = [{"id": 1, "name": "bolt"}, {"id": 2, "name": "nut"}]
    ours = evaluate_instances(
        results, {"images": images, "annotations": annotations, "categories": categories}, kinds=("mask",)
    )
    rows = {row.name: row for row in instance_conventions(ours)}
    assert float(exactly.compute()["map"]) == pytest.approx(rows["AP (segm)"].value, abs=1e-6)
    assert abs(float(as_it_is.compute()["map"]) - (rows["AP (segm)"].value or 0)) > 1e-3
    assert rows['map (iou_type="segm")'].value is None
    assert "single precision" in rows['map (iou_type="segm")'].why


def square(left: int, width: int, **known: object) -> dict[str, object]:
    """A box of 10 rows, and the same as a polygon."""
    right = left + width
    return {
        "image_id": 1, "category_id": 1, "bbox": [left, 0, width, 10],
        "segmentation": [[left, 0, right, 0, right, 10, left, 10]], **known,
    }  # fmt: skip


def one_image(*annotations: dict[str, object]) -> dict[str, object]:
    rows = [{"id": number, "area": 100, **row} for number, row in enumerate(annotations, start=1)]
    image = {"id": 1, "file_name": "plate.png", "height": 12, "width": 100}
    return {"images": [image], "categories": [{"id": 1, "name": "dent"}], "annotations": rows}


def ultralytics(truth: dict[str, object], *results: dict[str, object], kind: str = "mask") -> dict[str, float | None]:
    pairs = pair_instances(results, truth, kinds=[kind])  # type: ignore[list-item]
    return {row.name: row.value for row in ultralytics_objects.conventions(pairs)}


def test_ultralytics__lines_between_recalls_and_trapezoids() -> None:
    truth = one_image(square(0, 10), square(20, 8))
    found = square(0, 10, score=0.9), square(50, 10, score=0.8), square(20, 6, score=0.7)  # right, false, IoU 0.75
    rows = ultralytics(truth, *found)
    # up to 0.75: precision 1 before recall 0.5 (50 of 101 recalls), 2/3 from there (50), 0 at recall 1; ends count half
    both = (50 + 50 * 2 / 3 - 0.5) / 100
    assert rows["metrics/mAP50(M)"] == pytest.approx(both)
    # above: recall 0.5 is reached and no more, so precision is 0 from 0.5 on
    assert rows["metrics/mAP50-95(M)"] == pytest.approx((6 * both + 4 * (50 - 0.5) / 100) / 10)
    ours = evaluate_instances(list(found), truth, kinds=["mask"]).scores["mask_ap50"]
    assert ours == pytest.approx((51 + 50 * 2 / 3) / 101)  # COCO: at 101 recalls, 1 up to and with 0.5


def test_ultralytics__a_detection_takes_the_truth_it_overlaps_most_or_none() -> None:
    truth = one_image(square(0, 10), square(10, 10))
    first, second = square(0, 10, score=0.9), square(1, 10, score=0.8)
    rows = ultralytics(truth, first, second, kind="box")
    assert rows["metrics/mAP50(B)"] == pytest.approx((50 - 0.5) / 100)
    stacked = one_image(square(0, 10), square(2, 10))  # 8 of 12: each detection reaches both
    rows = ultralytics(stacked, square(0, 10, score=0.9), square(0, 10, score=0.8), kind="box")
    assert rows["metrics/mAP50(B)"] == pytest.approx((50 - 0.5) / 100)  # both want the first; one of two is found
    coco = evaluate_instances([square(0, 10, score=0.9), square(0, 10, score=0.8)], stacked, kinds=["box"])
    assert coco.scores["box_ap50"] == pytest.approx(1.0)  # COCO gives the second detection the other truth


def test_ultralytics__crowds_are_no_truths_and_weak_detections_do_not_count() -> None:
    truth = one_image(square(0, 10), square(40, 30, iscrowd=1))
    found = square(40, 10, score=0.95), square(0, 10, score=0.9), square(0, 10, score=0.0005)
    assert ultralytics(truth, *found)["metrics/mAP50(M)"] == pytest.approx(
        (1 + 99 * 2 / 4 + 50 * 0 - 0.5) / 100, abs=0.01
    )
    assert evaluate_instances(list(found), truth, kinds=["mask"]).scores["mask_ap50"] == pytest.approx(1.0)


def test_ultralytics__no_truth_is_no_number_and_no_detection_is_zero() -> None:
    assert ultralytics(one_image(), square(0, 10, score=0.9))["metrics/mAP50(M)"] is None
    assert ultralytics(one_image(square(0, 10)))["metrics/mAP50(M)"] == 0.0
