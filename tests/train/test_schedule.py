"""The learning rate is a function of the step alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.train.schedule import FLOOR, rate_factor


def test_rate__warms_up_in_equal_steps_to_the_peak() -> None:
    assert [rate_factor(step, steps=100, warmup_steps=4) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_rate__ends_near_its_floor_and_is_half_way_in_the_middle() -> None:
    assert rate_factor(100, steps=100, warmup_steps=0) == pytest.approx(FLOOR)
    assert rate_factor(50, steps=100, warmup_steps=0) == pytest.approx((1 + FLOOR) / 2)


def test_rate__holds_its_peak_then_falls_over_what_is_left() -> None:
    rates = [rate_factor(step, steps=100, warmup_steps=10, hold=0.6) for step in (9, 10, 40, 60, 80, 100)]
    assert rates == pytest.approx([1, 1, 1, 1, (1 + FLOOR) / 2, FLOOR])


def test_rate__falls_from_the_end_of_a_warm_up_longer_than_the_hold() -> None:
    held = [rate_factor(step, steps=100, warmup_steps=30, hold=0.2) for step in range(100)]
    assert held == [rate_factor(step, steps=100, warmup_steps=30) for step in range(100)]


@given(st.integers(1, 500), st.integers(0, 600), st.floats(0, 1))
def test_rate__is_positive_at_most_the_peak_and_falls_after_the_warm_up(
    steps: int, warmup_steps: int, hold: float
) -> None:
    rates = [rate_factor(step, steps=steps, warmup_steps=warmup_steps, hold=hold) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates)
    after = rates[warmup_steps:]
    assert after == sorted(after, reverse=True)
    assert rates[:warmup_steps] == sorted(rates[:warmup_steps])
