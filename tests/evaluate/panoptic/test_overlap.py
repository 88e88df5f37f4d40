"""The compiled and the plain counting of overlaps are one function, and it is `np.unique` of pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.evaluate.kernels import compiled
from segwright.evaluate.panoptic import overlap
from segwright.evaluate.panoptic.overlap import count_overlaps, plain_pair_keys
from tests.evaluate.panoptic.frames import random_ids

WAYS = ["compiled", "plain"]


@pytest.fixture(params=WAYS)
def way(request, monkeypatch) -> str:
    if request.param == "compiled" and not compiled():
        pytest.skip("numba is not installed")
    if request.param == "plain":
        monkeypatch.setattr(overlap, "compiled", lambda: False)
    return request.param


def by_unique(one: np.ndarray, other: np.ndarray) -> list[list[int]]:
    pairs, px = np.unique(np.stack([one.ravel(), other.ravel()]).astype(np.int64), axis=1, return_counts=True)
    return [*pairs.tolist(), px.tolist()]


def counted(one: np.ndarray, other: np.ndarray) -> list[list[int]]:
    found = count_overlaps(one.astype(np.uint32), other.astype(np.uint32))
    return [found.one.tolist(), found.other.tolist(), found.px.tolist()]


@given(st.tuples(st.integers(1, 9), st.integers(1, 9)), st.integers(0, 2**32 - 1))
def test_count_overlaps__both_ways_are_unique_pairs(shape, seed) -> None:
    rng = np.random.default_rng(seed)
    one, other = (random_ids(rng, shape).astype(np.uint32) for _ in range(2))
    expected = by_unique(one, other)
    assert counted(one, other) == expected
    keys, px = plain_pair_keys(one, other)
    assert [(keys >> 32).tolist(), (keys & 0xFFFFFFFF).tolist(), px.tolist()] == expected


def test_count_overlaps__as_many_pairs_as_pixels(way) -> None:
    rng = np.random.default_rng(1)
    one, other = rng.integers(0, 2**32, (2, 130, 77), dtype=np.uint32)
    assert counted(one, other) == by_unique(one, other)


def test_count_overlaps__one_pixel_and_one_value(way) -> None:
    assert counted(np.full((1, 1), 2**32 - 1), np.zeros((1, 1))) == [[2**32 - 1], [0], [1]]
    assert counted(np.full((40, 50), 3), np.full((40, 50), 4)) == [[3], [4], [2000]]


def test_count_overlaps__of_maps_that_are_views(way) -> None:
    rng = np.random.default_rng(2)
    one, other = rng.integers(0, 5, (2, 30, 40), dtype=np.uint32)
    views = one[::2, ::-1].T, other[::2, ::-1].T
    assert counted(*views) == by_unique(*views)


def test_count_overlaps__refuses_two_shapes() -> None:
    with pytest.raises(ValueError, match=r"one shape, got \(2, 3\) and \(3, 2\)"):
        count_overlaps(np.zeros((2, 3), np.uint32), np.zeros((3, 2), np.uint32))
