from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import Probabilities
from segwright.evaluate import Reliability, count_reliability
from tests.evaluate.maps import CLASSES, VOID, labels, random_map, soft


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
