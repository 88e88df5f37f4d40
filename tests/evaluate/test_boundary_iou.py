"""Boundary IoU equals the authors' definition, one class at a time, on whatever maps there are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given

from segwright.core import Size
from segwright.evaluate import score_frames
from segwright.evaluate.boundary_iou import boundary_distance_px, count_boundary_regions
from tests.evaluate.maps import CLASSES, VOID, labels, map_pairs, pair, random_map


def near_outline(mask: np.ndarray, distance_px: int) -> np.ndarray:
    """What `distance_px` erosions by a 3x3 square take from a mask with nothing around it (Cheng et al. 2021)."""
    padded = np.pad(mask.astype(np.uint8), 1)
    eroded = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=distance_px)
    return mask & (eroded[1:-1, 1:-1] == 0)


def by_definition(prediction: np.ndarray, truth: np.ndarray, distance_px: int) -> list[list[int]]:
    prediction = np.where(truth == VOID, VOID, prediction)
    rows = []
    for class_id in CLASSES.ids:
        predicted, true = (near_outline(ids == class_id, distance_px) for ids in (prediction, truth))
        rows.append([(predicted & true).sum(), true.sum(), predicted.sum()])
    return np.array(rows).T.tolist()


@given(map_pairs())
def test_count_boundary_regions__is_the_definition(maps) -> None:
    prediction, truth = maps
    for distance_px in (1, 2, 3):
        found = count_boundary_regions(labels(prediction), labels(truth), distance_px=distance_px)
        assert found.tolist() == by_definition(prediction, truth, distance_px)


def test_count_boundary_regions__at_the_usual_distance() -> None:
    rng = np.random.default_rng(0)
    maps = [np.kron(random_map(rng, (16, 24), void=0.02), np.ones((12, 12), np.uint8)) for _ in range(2)]
    reach = boundary_distance_px(Size(192, 288))
    assert reach == 7
    assert count_boundary_regions(labels(maps[0]), labels(maps[1])).tolist() == by_definition(*maps, reach)


@given(map_pairs())
def test_count_boundary_regions__void_hides_whatever_is_predicted_there(maps) -> None:
    prediction, truth = maps
    other = np.where(truth == VOID, 1, prediction).astype(np.uint8)
    counts = (
        count_boundary_regions(labels(each), labels(truth), distance_px=2).tolist() for each in (prediction, other)
    )
    assert next(counts) == next(counts)


def test_score_frames__boundary_iou_is_pooled_over_frames() -> None:
    square = np.zeros((4, 4), np.uint8)
    square[1:3, 1:3] = 1
    evaluation = score_frames([pair(np.roll(square, 1, 1), square, "a"), pair(square, square, "b")], CLASSES)
    assert evaluation.classes["scratch"]["boundary_iou"] == pytest.approx((2 + 4) / (6 + 4))
    assert evaluation.scores["boundary_iou"] == pytest.approx(0.6)
    assert evaluation.classes["dent"]["boundary_iou"] is None
    assert "diagonal" in evaluation.definitions["boundary_iou"]
    assert "boundary_iou" not in score_frames([pair(square, square)], CLASSES, boundary_px=()).scores
