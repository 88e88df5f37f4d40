from __future__ import annotations

import json
from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import ClassTable, Probabilities
from segwright.evaluate import (
    Evaluation,
    FramePair,
    Reliability,
    count_reliability,
    score_frames,
    with_reliability,
)
from segwright.evaluate.kernels import compiled
from tests.evaluate.maps import CLASSES, VOID, labels, pair, random_map, soft


def probabilities(*columns) -> Probabilities:
    """One pixel a column, side by side."""
    return Probabilities(np.array(columns, np.float32).T[:, None, :], CLASSES)


def test_count_reliability__by_hand():
    answer = probabilities((0.8, 0.1, 0.1), (0.1, 0.6, 0.3), (0.0, 0.0, 1.0))
    counted = count_reliability(answer, labels([[0, 2, VOID]]))
    assert sum(counted.pixels) == 2
    assert sum(counted.correct) == 1
    assert counted.ece == pytest.approx((abs(1 - 0.8) + abs(0 - 0.6)) / 2, abs=1e-6)
    brier = ((0.2**2 + 0.1**2 + 0.1**2) + (0.1**2 + 0.6**2 + 0.7**2)) / 2
    assert counted.brier == pytest.approx(brier, abs=1e-6)


def test_count_reliability__full_confidence_is_in_the_last_bin():
    counted = count_reliability(probabilities((1.0, 0.0, 0.0)), labels([[0]]))
    assert counted.pixels[-1] == 1
    assert counted.ece == 0.0


@given(st.integers(0, 2**31))
def test_count_reliability__void_changes_nothing_and_frames_add_up(seed):
    rng = np.random.default_rng(seed)
    truth = random_map(rng, (8, 9), void=0.3)
    answer = soft(truth, rng, evidence=2)
    values = answer.values.copy()
    values[:, truth == VOID] = values[::-1][:, truth == VOID]
    whole = count_reliability(Probabilities(values, CLASSES), labels(truth))
    parts = [
        count_reliability(Probabilities(answer.values[:, rows], CLASSES), labels(truth[rows]))
        for rows in (slice(0, 3), slice(3, 8))
    ]
    together = parts[1] + parts[0]
    assert together.pixels == whole.pixels
    assert together.correct == whole.correct
    assert together.squared_error == pytest.approx(whole.squared_error)


def test_reliability__without_a_pixel_is_none():
    assert Reliability().ece is None
    assert Reliability().brier is None


def test_reliability__json_round_trip():
    counted = count_reliability(probabilities((0.8, 0.1, 0.1)), labels([[0]]))
    assert Reliability.from_json(counted.to_json()) == counted


def test_class_reliability__by_hand():
    answer = probabilities((0.75, 0.25, 0.0), (0.5, 0.5, 0.0), (0.0, 0.0, 1.0))
    classes = count_reliability(answer, labels([[0, 1, VOID]])).classes
    assert classes is not None
    assert list(classes) == ["background", "scratch", "dent"]
    # p = 0.25 is in bin 3 (0.2, 0.267], 0.5 in bin 7, 0.75 in bin 11
    scratch = classes["scratch"]
    assert {index: count for index, count in enumerate(scratch.pixels) if count} == {3: 1, 7: 1}
    assert {index: count for index, count in enumerate(scratch.truth_px) if count} == {7: 1}
    assert scratch.ece == (0.25 + 0.5) / 2
    assert scratch.brier == (0.25**2 + 0.5**2) / 2


def test_class_reliability__a_class_nowhere_true_is_scored_and_counts():
    counted = count_reliability(probabilities((0.5, 0.25, 0.25), (1.0, 0.0, 0.0)), labels([[0, 0]]))
    assert counted.classes is not None
    assert counted.classes["dent"].ece == 0.125
    assert counted.classes["dent"].brier == 0.03125
    assert counted.classwise_ece == (0.25 + 0.125 + 0.125) / 3
    without = count_reliability(probabilities((0.5, 0.5, 0.0)), labels([[1]]))
    assert without.classes is not None
    assert without.classes["dent"].ece == 0.0


@pytest.mark.parametrize("numba", [True, False])
@given(seed=st.integers(0, 2**31))
def test_class_reliability__void_changes_nothing_and_frames_add_up_in_any_order(numba, seed):
    rng = np.random.default_rng(seed)
    truth = random_map(rng, (9, 7), void=0.3)
    answer = soft(truth, rng, evidence=2)
    values = answer.values.copy()
    values[:, truth == VOID] = values[::-1][:, truth == VOID]
    with patch("segwright.evaluate.reliability.compiled", lambda: numba and compiled()):
        whole = count_reliability(Probabilities(values, CLASSES), labels(truth))
        parts = [
            count_reliability(Probabilities(answer.values[:, rows], CLASSES), labels(truth[rows]))
            for rows in np.array_split(np.arange(9), rng.integers(1, 9))
        ]
    rng.shuffle(parts)
    same(sum(parts, Reliability()), whole)


@pytest.mark.parametrize("numba", [True, False])
@given(seed=st.integers(0, 2**31))
def test_class_reliability__a_sure_and_right_answer_has_no_error(numba, seed):
    truth = random_map(np.random.default_rng(seed), (6, 5), void=0.2)
    values = np.stack([truth == channel for channel in range(len(CLASSES))]).astype(np.float32)
    with patch("segwright.evaluate.reliability.compiled", lambda: numba and compiled()):
        counted = count_reliability(Probabilities(values, CLASSES), labels(truth))
    assert counted.classes is not None
    if (truth != VOID).any():
        assert counted.classwise_ece == 0.0
        assert [(row.ece, row.brier) for row in counted.classes.values()] == [(0.0, 0.0)] * 3


@pytest.mark.skipif(not compiled(), reason="numba is not installed: there is nothing to compare")
@pytest.mark.parametrize("classes", [1, 2, 4, 19])
def test_class_reliability__compiled_and_plain_are_equal(classes):
    rng = np.random.default_rng(classes)
    table = ClassTable.of([f"class {index}" for index in range(classes)])
    truth = rng.integers(0, classes, (37, 41)).astype(np.uint8)
    truth[rng.random(truth.shape) < 0.2] = VOID
    values = rng.dirichlet(np.full(classes, 0.1), truth.shape).transpose(2, 0, 1).astype(np.float32)
    values[:, :5] = np.round(values[:, :5] * 15) / 15  # on the edges of bins
    for answer in (np.ascontiguousarray(values), values[:, ::-1, ::-1]):
        fast = count_reliability(Probabilities(answer, table), labels(truth, table))
        with patch("segwright.evaluate.reliability.compiled", lambda: False):
            same(fast, count_reliability(Probabilities(answer, table), labels(truth, table)))


@pytest.mark.parametrize("evidence", [0.5, 2, 6])
def test_class_reliability__is_the_definition_and_scikit_learns_brier(evidence):
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(5)
    truth = random_map(rng, (60, 50), void=0.1)
    answer = soft(truth, rng, evidence=evidence)
    counted = count_reliability(answer, labels(truth))
    assert counted.classes is not None
    valid, found = truth != VOID, []
    for channel, row in enumerate(counted.classes.values()):
        p, y = answer.values[channel][valid].astype(np.float64), truth[valid] == channel
        found.append(direct_ece(p, y))
        assert row.ece == pytest.approx(found[-1], abs=1e-9)
        assert row.brier == pytest.approx(metrics.brier_score_loss(y, p), abs=1e-9)
    assert counted.classwise_ece == pytest.approx(np.mean(found), abs=1e-9)
    assert counted.brier == pytest.approx(sum(row.brier for row in counted.classes.values()), abs=1e-9)


def test_class_reliability__of_other_classes_does_not_add_up():
    ours = count_reliability(probabilities((1.0, 0.0, 0.0)), labels([[0]]))
    table = ClassTable.of(["sky", "road"])
    theirs = count_reliability(Probabilities(np.full((2, 1, 1), 0.5, np.float32), table), labels([[0]], table))
    with pytest.raises(ValueError, match="same classes"):
        ours + theirs


def test_reliability__of_earlier_versions_is_read_and_makes_a_sum_without_classes():
    counted = count_reliability(probabilities((0.8, 0.1, 0.1)), labels([[0]]))
    written = counted.to_json()
    del written["classes"], written["classwise_ece"]
    earlier = Reliability.from_json(written)
    assert earlier.classes is None
    assert earlier.classwise_ece is None
    assert earlier.ece == counted.ece
    assert Reliability.from_json(earlier.to_json()) == earlier
    assert (earlier + counted).classes is None
    assert (counted + earlier).classes is None
    assert (Reliability() + counted).classes == counted.classes == (counted + Reliability()).classes


def test_class_reliability__without_a_valid_pixel_is_none():
    counted = count_reliability(probabilities((0.8, 0.1, 0.1)), labels([[VOID]]))
    assert counted.classes is not None
    assert [(row.ece, row.brier) for row in counted.classes.values()] == [(None, None)] * 3
    assert counted.classwise_ece is None


def test_with_reliability__gives_each_class_its_part_and_says_what_it_is():
    truth = random_map(np.random.default_rng(1), (12, 12))
    reliability = count_reliability(soft(truth, np.random.default_rng(2), evidence=1), labels(truth))
    plain = score_frames([pair(truth, truth)], CLASSES)
    evaluation = with_reliability(plain, reliability)
    assert list(evaluation.scores)[-4:] == ["ece", "classwise_ece", "brier", "pixel_accuracy"]
    rows = [evaluation.classes[name] for name in CLASSES.names]
    assert evaluation.scores["classwise_ece"] == sum(row["ece"] for row in rows) / 3
    assert sum(row["brier"] for row in rows) == pytest.approx(evaluation.scores["brier"])
    assert set(evaluation.scores) | set(rows[0]) <= set(evaluation.definitions)
    assert Evaluation.from_json(json.loads(json.dumps(evaluation.to_json()))) == evaluation
    other = ClassTable.of(["sky", "road", "car"])
    with pytest.raises(ValueError, match="other classes"):
        with_reliability(score_frames([FramePair("f", labels(truth, other), labels(truth, other))], other), reliability)


def same(one: Reliability, other: Reliability) -> None:
    """Counts are equal, sums within 1e-12 of themselves."""
    assert one.classes is not None
    assert other.classes is not None
    assert list(one.classes) == list(other.classes)
    for ours, theirs in zip(one.classes.values(), other.classes.values(), strict=True):
        assert ours.pixels == theirs.pixels
        assert ours.truth_px == theirs.truth_px
        assert ours.probability_sum == pytest.approx(theirs.probability_sum, rel=1e-12, abs=1e-300)
        assert ours.squared_error == pytest.approx(theirs.squared_error, rel=1e-12, abs=1e-300)


def direct_ece(p: np.ndarray, y: np.ndarray) -> float:
    """The formula of the paper, pixel by pixel and bin by bin."""
    edges, total = np.arange(16) / 15, 0.0
    for low, high in pairwise(edges):
        inside = (p > low) & (p <= high) | (p == 0) & (low == 0)
        if inside.any():
            total += inside.mean() * abs(y[inside].mean() - p[inside].mean())
    return total
