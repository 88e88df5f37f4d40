"""Instances: torchmetrics' mean average precision is ours but for its thresholds, as the convention says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask
from torchmetrics.detection import MeanAveragePrecision

from segwright.evaluate import evaluate_instances
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
