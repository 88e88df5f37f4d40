"""Frequency weighted IoU and mean accuracy, as the paper's formulas over the confusion say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import jaccard_score, recall_score

from segwright.evaluate import PixelCounts, count_pixels
from segwright.evaluate.pooled import frequency_weighted_iou, mean_accuracy
from tests.evaluate.maps import CLASSES, VOID, labels, map_pairs


def weighted_iou(pixels: PixelCounts) -> float | None:
    return frequency_weighted_iou(pixels.correct_px, pixels.truth_px, pixels.predicted_px)


def accuracy(pixels: PixelCounts) -> float | None:
    return mean_accuracy(pixels.correct_px, pixels.truth_px)


@given(map_pairs())
def test_pooled__equals_scikit_learn_weighted_by_support(maps) -> None:
    prediction, truth = maps
    pixels = count_pixels(labels(prediction), labels(truth))
    valid = truth != VOID
    if not valid.any():
        assert weighted_iou(pixels) is None
        assert accuracy(pixels) is None
        return
    true, said = truth[valid], prediction[valid]
    weighted = jaccard_score(true, said, labels=CLASSES.ids, average="weighted", zero_division=0.0)  # pyright: ignore[reportArgumentType]
    assert weighted_iou(pixels) == pytest.approx(weighted, abs=1e-12)
    recalls = recall_score(true, said, labels=np.unique(true), average="macro", zero_division=0.0)  # pyright: ignore[reportArgumentType]
    assert accuracy(pixels) == pytest.approx(recalls, abs=1e-12)


def test_pooled__a_class_nowhere_true_weighs_nothing() -> None:
    pixels = PixelCounts(np.array([[1, 1, 0], [0, 0, 0]]))
    assert weighted_iou(pixels) == 0.5
    assert accuracy(pixels) == 0.5
