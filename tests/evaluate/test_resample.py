"""Intervals by drawing groups again: bounded, repeatable, and as wide as groups differ, not as frames are many."""

from __future__ import annotations

import numpy as np
import pytest

from segwright.core import DataError
from segwright.evaluate import Evaluation, confidence_intervals, score_frames
from tests.evaluate.maps import CLASSES, pair, random_map


def evaluated(*, copies: int = 1, groups: int = 6) -> Evaluation:
    """`groups` groups whose predictions get worse from one to the next, each of `copies` frames that are the same."""
    frames = []
    for group in range(groups):
        rng = np.random.default_rng(group)
        truth = random_map(rng, (24, 24))
        prediction = np.where(rng.random(truth.shape) < 0.1 * group, random_map(rng, truth.shape), truth)
        frames += [pair(prediction, truth, f"{group}-{copy}", session=f"s{group}") for copy in range(copies)]
    return score_frames(frames, CLASSES)


def test_confidence_intervals__hold_the_score_and_stay_between_0_and_1():
    found = confidence_intervals(evaluated(), by="session")
    assert found.groups == 6
    for interval in (*found.scores.values(), *found.classes["scratch"].values()):
        assert 0 <= interval.low <= interval.score <= interval.high <= 1
        assert interval.low < interval.high


def test_confidence_intervals__copies_of_frames_make_a_session_no_surer():
    once, often = (confidence_intervals(evaluated(copies=copies), by="session").scores for copies in (1, 9))
    assert often["pooled_miou"].low == pytest.approx(once["pooled_miou"].low)
    assert often["pooled_miou"].high == pytest.approx(once["pooled_miou"].high)
    single = confidence_intervals(evaluated(copies=9)).scores["pooled_miou"]
    assert single.high - single.low < 0.6 * (once["pooled_miou"].high - once["pooled_miou"].low)


def test_confidence_intervals__are_those_of_drawing_the_frames_one_by_one():
    evaluation = evaluated(copies=2)
    rng = np.random.default_rng(0)
    counts = {
        group: np.sum([[row.correct_px[1], row.truth_px[1], row.predicted_px[1]] for row in evaluation.frames
                       if row.columns["session"] == f"s{group}"], axis=0)
        for group in range(6)
    }  # fmt: skip
    drawn = []
    for _ in range(4000):
        correct, truth, predicted = np.sum([counts[group] for group in rng.integers(0, 6, 6)], axis=0)
        drawn.append(correct / (truth + predicted - correct))
    found = confidence_intervals(evaluation, by="session", rounds=4000).classes["scratch"]["iou"]
    assert [found.low, found.high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.02)


def test_confidence_intervals__an_absent_class_has_none():
    blank = [pair(np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8), str(n)) for n in range(4)]
    interval = confidence_intervals(score_frames(blank, CLASSES)).classes["dent"]["iou"]
    assert (interval.score, interval.low, interval.high) == (None, None, None)


def test_confidence_intervals__one_group_says_nothing():
    with pytest.raises(DataError, match="cannot be drawn again"):
        confidence_intervals(evaluated(groups=1, copies=3), by="session")
    with pytest.raises(DataError, match="has no value on 2 of 2 frames"):
        confidence_intervals(evaluated(groups=2), by="line")
