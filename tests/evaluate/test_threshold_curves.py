from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import ClassTable, Probabilities
from segwright.evaluate import Target, ThresholdCurves, count_threshold_curves
from tests.evaluate.maps import CLASSES, VOID, labels, random_map, soft


@given(st.integers(0, 2**31))
def test_counts__equal_thresholding_the_pixels(seed):
    rng = np.random.default_rng(seed)
    truth = random_map(rng, (9, 9), void=0.2)
    answer = soft(truth, rng, evidence=2)
    curves = count_threshold_curves(answer, labels(truth))
    valid = truth != VOID
    bins = np.minimum((answer.of("scratch") * np.float32(1000)).astype(int), 999)
    for step in (0, 100, 500, 999):
        predicted = (bins >= step) & valid
        correct, true, count = (int(values[step]) for values in curves.counts("scratch"))
        assert (correct, true, count) == (
            int((predicted & (truth == 1)).sum()),
            int((truth == 1).sum()),
            int(predicted.sum()),
        )


@given(st.integers(0, 2**31))
def test_curves__void_changes_nothing_and_frames_add_up(seed):
    rng = np.random.default_rng(seed)
    truth = random_map(rng, (8, 9), void=0.3)
    values = soft(truth, rng, evidence=2).values
    other = values.copy()
    other[:, truth == VOID] = 1 / 3
    parts = [
        count_threshold_curves(Probabilities(values[:, rows], CLASSES), labels(truth[rows]))
        for rows in (slice(0, 5), slice(5, 8))
    ]
    assert parts[1] + parts[0] == count_threshold_curves(Probabilities(other, CLASSES), labels(truth))


def test_best_threshold__lies_in_the_middle_of_the_gap():
    scratch = np.array([[0.1, 0.1, 0.1, 0.3, 0.3]], np.float32)
    answer = Probabilities(np.stack([1 - scratch, scratch, 0 * scratch]), CLASSES)
    curves = count_threshold_curves(answer, labels([[0, 0, 0, 1, 1]]))
    assert curves.best_threshold("scratch", Target.parse("f1")) == pytest.approx(0.2, abs=0.001)


def test_best_threshold__a_class_not_in_the_truth_has_none():
    assert ThresholdCurves.none(CLASSES).best_threshold("dent", Target.parse("f1")) is None


def test_curves__of_other_classes_do_not_add_up():
    with pytest.raises(ValueError, match="same classes"):
        ThresholdCurves.none(CLASSES) + ThresholdCurves.none(ClassTable.of(["a"]))


def test_to_json__has_a_curve_a_class_without_nan():
    curve = ThresholdCurves.none(CLASSES).to_json()["scratch"]
    assert curve["threshold"][0] == 0.0
    assert set(curve["precision"]) == {None}
