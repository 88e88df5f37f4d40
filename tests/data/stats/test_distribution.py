"""Distributions: exact for small whole numbers, sums of parts equal the whole, quantiles equal numpy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.data.stats import Distribution

WHOLE = st.lists(st.integers(1, 999), min_size=1, max_size=60)


@given(WHOLE, st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]))
def test_distribution__quantiles_equal_numpy(values: list[int], share: float) -> None:
    assert Distribution.of(values).quantile(share) == np.quantile(values, share, method="inverted_cdf")


@given(WHOLE, WHOLE)
def test_distribution__parts_add_up_to_the_whole(one: list[int], other: list[int]) -> None:
    added = Distribution.total([Distribution.of(one), Distribution.of(other)])
    whole = Distribution.of([*one, *other])
    assert np.array_equal(added.values, whole.values)
    assert np.array_equal(added.weights, whole.weights)


@given(st.lists(st.floats(1, 1e9), min_size=1, max_size=60))
def test_distribution__keeps_values_within_half_a_percent(values: list[float]) -> None:
    found = Distribution.of(values)
    assert found.quantile(1.0) == pytest.approx(max(values), rel=0.005)
    assert found.quantile(0.0) == pytest.approx(min(values), rel=0.005)
    assert sum(weight for *_, weight in found.histogram()) == len(values)


def test_distribution__stays_small_however_much_is_counted() -> None:
    found = Distribution.of(np.geomspace(1, 1e6, 200_000))
    assert len(found.values) <= 6 * 900 + 1


def test_distribution__weights_and_what_lies_below() -> None:
    found = Distribution.of([1, 5, 100], [1, 1, 8])
    assert (found.quantile(0.5), found.below(10)) == (100, 0.2)


def test_distribution__of_nothing() -> None:
    empty = Distribution.total([])
    assert (empty.quantile(0.5), empty.below(3), empty.histogram(), empty.weight) == (None, 0, [], 0)
