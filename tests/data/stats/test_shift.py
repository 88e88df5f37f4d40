"""Shift: equal to SciPy's distance, symmetric, and beyond chance only where something differs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from segwright.data.stats.shift import Sides, outliers, shifts, wasserstein

VALUES = st.lists(st.floats(-100, 100), min_size=1, max_size=30)


@given(VALUES, VALUES)
def test_wasserstein__equals_scipy_and_is_symmetric(one: list[float], other: list[float]) -> None:
    assert wasserstein(one, other) == pytest.approx(wasserstein_distance(one, other), abs=1e-9)
    assert wasserstein(one, other) == pytest.approx(wasserstein(other, one), abs=1e-9)


def test_shifts__what_differs_is_beyond_chance_and_what_does_not_is_not() -> None:
    rng = np.random.default_rng(3)
    inside = np.arange(60) < 20
    numbers = {("image", "brightness"): np.where(inside, 150, 100) + rng.normal(0, 5, 60)}
    numbers |= {("image", f"noise {number}"): rng.normal(0, 1, 60) for number in range(10)}
    found = shifts(Sides("line", "a", "other frames", inside, np.ones(60, bool)), numbers)
    assert found[0].differs
    assert found[0].distance > 4 * found[0].chance
    assert (found[0].here, found[0].there) == pytest.approx((150, 100), abs=3)
    assert sum(row.differs for row in found[1:]) <= 2


def test_shifts__few_frames_say_nothing_and_constants_do_not_differ() -> None:
    sides = Sides("line", "a", "other frames", np.array([True, True, False, False, False]), np.ones(5, bool))
    assert shifts(sides, {("image", "x"): np.arange(5.0)}) == []
    whole = Sides("line", "a", "other frames", np.arange(8) < 4, np.ones(8, bool))
    assert shifts(whole, {("class", "c"): np.full(8, 0.3)})[0].distance == 0


def test_outliers__one_far_value_is_found_and_two_kinds_are_none() -> None:
    values = np.random.default_rng(0).normal(100, 3, 50)
    stems = [f"f{number}" for number in range(50)]
    assert outliers(values, stems) == []
    values[7] = 200
    assert [stem for stem, _ in outliers(values, stems)] == ["f7"]
    values[30:45] = 200
    assert outliers(values, stems) == []
