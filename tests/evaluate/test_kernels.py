"""The compiled kernels give what their plain counterparts give, on every kind of map."""

from __future__ import annotations

from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import ClassSpec, ClassTable, LabelMap
from segwright.evaluate.boundary import count_boundaries
from segwright.evaluate.boundary_iou import count_boundary_regions
from segwright.evaluate.component_overlap import Matching, class_objects
from segwright.evaluate.component_sizes import count_by_size
from segwright.evaluate.components import count_components
from segwright.evaluate.counts import count_pixels
from segwright.evaluate.kernels import compiled

pytestmark = pytest.mark.skipif(not compiled(), reason="numba is not installed: there is nothing to compare")


def table(classes: int, void_id: int = 255) -> ClassTable:
    ids = [value for value in range(classes + 1) if value != void_id][:classes]
    return ClassTable(tuple(ClassSpec(value, f"class_{value}") for value in ids), void_id)


@st.composite
def map_pairs(draw: st.DrawFn) -> tuple[LabelMap, LabelMap]:
    """Two maps with blocks of random size, void in both, of 8 or 16 bits, contiguous or not."""
    classes = draw(st.sampled_from([1, 2, 5, 33, 64, 70]))
    wide = draw(st.booleans())
    names = table(classes, draw(st.sampled_from([0, 255])) if not wide else 65535)
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    block = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = np.array([*names.ids, names.void_id], np.uint16 if wide else np.uint8)
    maps = []
    for _ in range(2):
        coarse = values[rng.integers(0, len(values), (height // block + 1, width // block + 1))]
        ids = np.kron(coarse, np.ones((block, block), values.dtype))[:height, :width]
        maps.append(ids[::-1, ::-1] if draw(st.booleans()) else np.ascontiguousarray(ids))
    if draw(st.booleans()):
        maps[0] = np.roll(maps[1], draw(st.integers(-3, 3)), axis=1)
    return LabelMap(maps[0], names), LabelMap(maps[1], names)


@settings(max_examples=150, deadline=None)
@given(map_pairs(), st.sampled_from([(1,), (3,), (1, 2, 5), (2, 30)]))
def test_boundaries__compiled_and_plain_are_equal(pair, distances):
    fast = count_boundaries(*pair, boundary_px=distances)
    with patch("segwright.evaluate.boundary.compiled", lambda: False):
        assert count_boundaries(*pair, boundary_px=distances) == fast


@settings(max_examples=150, deadline=None)
@given(map_pairs(), st.sampled_from([None, 1, 2, 7, 100]))
def test_boundary_regions__compiled_and_plain_are_equal(pair, distance):
    fast = count_boundary_regions(*pair, distance_px=distance)
    with (
        patch("segwright.evaluate.boundary_iou.compiled", lambda: False),
        patch("segwright.evaluate.boundary.compiled", lambda: False),
    ):
        assert np.array_equal(count_boundary_regions(*pair, distance_px=distance), fast)


@settings(max_examples=100, deadline=None)
@given(map_pairs())
def test_pixels__compiled_and_plain_are_equal(pair):
    fast = count_pixels(*pair)
    with patch("segwright.evaluate.counts.compiled", lambda: False):
        assert count_pixels(*pair) == fast


@settings(max_examples=150, deadline=None)
@given(map_pairs(), st.sampled_from([4, 8]), st.sampled_from([1, 2, 9]), st.sampled_from([0.2, 0.5]))
def test_objects__compiled_and_plain_are_equal(pair, connectivity, min_area_px, iou):
    rules = {"iou": iou, "connectivity": connectivity, "min_area_px": min_area_px}
    fast = count_components(*pair, **rules), count_by_size(*pair, **rules)
    with plain_objects():
        assert (count_components(*pair, **rules), count_by_size(*pair, **rules)) == fast


@pytest.mark.parametrize("holes", [0, 0.0005, 0.01, 0.3])
def test_objects__the_radii_of_large_shapes_with_holes_are_equal(holes):
    rng = np.random.default_rng(3)
    down, across = np.mgrid[:210, :340]
    ids = ((down - 100) ** 2 / 2 + (across - 150) ** 2 < 90**2).astype(np.uint8)
    ids[down + across > 400] = 2
    ids[rng.random(ids.shape) < holes] = 0
    maps = LabelMap(np.roll(ids, 3, axis=1), table(3)), LabelMap(ids, table(3))
    fast = list(class_objects(*maps, Matching(), radii=True))
    with plain_objects():
        plain = list(class_objects(*maps, Matching(), radii=True))
    for mine, theirs in zip(fast, plain, strict=True):
        for name in ("true_px", "predicted_px", "pairs", "shared_px", "squared_radius"):
            assert np.array_equal(getattr(mine, name), getattr(theirs, name)), name


@contextmanager
def plain_objects():
    """As where numba is not installed."""
    with (
        patch("segwright.evaluate.component_overlap.compiled", lambda: False),
        patch("segwright.evaluate.boundary.compiled", lambda: False),
    ):
        yield


def test_boundaries__sparse_outlines_are_counted_by_the_kernel():
    names = table(3)
    truth = np.zeros((300, 400), np.uint8)
    truth[50:200, 100:300], truth[100:150, 150:250] = 1, 2
    with patch("segwright.evaluate.boundary._Matcher", side_effect=AssertionError("the plain way was taken")):
        counts = count_boundaries(
            LabelMap(np.roll(truth, 2, axis=0), names), LabelMap(truth, names), boundary_px=(1, 2)
        )
    assert counts.f_scores(2) == [1.0, 1.0, 1.0]
    assert all(score is not None and score < 1 for score in counts.f_scores(1))
