"""Simplified outlines: borders move by the tolerance at most, and no seam opens between neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.ndimage import distance_transform_edt

from segwright.core import Size
from segwright.data.drawing import Drawing, patch_of, runs_shape
from segwright.data.shapes import Outlines, Runs
from segwright.data.simplify import arcs_of, simplified

maps = arrays.arrays(np.int32, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.integers(0, 3))


def drawing_of_map(ids: np.ndarray) -> Drawing:
    """Each id but 0 as one shape of runs."""
    shapes = [runs_shape(ids == value, int(value)) for value in np.unique(ids) if value]
    return Drawing(Size(*ids.shape), tuple(shape for shape in shapes if shape is not None), 0)


def smooth_map(seed: int, side: int = 60) -> np.ndarray:
    """Regions with long curved borders: the nearest of a few points."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, side, (6, 2))
    rows, columns = np.mgrid[:side, :side]
    distance = [(rows - y) ** 2 + (columns - x) ** 2 for y, x in centres]
    return np.argmin(distance, axis=0).astype(np.int32) % 4


@given(maps)
@settings(max_examples=150)
def test_simplified__at_no_tolerance_is_exact(ids: np.ndarray) -> None:
    drawing = drawing_of_map(ids)
    again = simplified(drawing, 0)
    assert np.array_equal(again.ids(), ids)
    assert all(isinstance(shape, Outlines) for shape in again.shapes)


@given(maps, st.sampled_from([0.6, 1.0, 2.5]))
@settings(max_examples=200)
def test_simplified__opens_no_seam_and_moves_no_border_farther(ids: np.ndarray, tolerance: float) -> None:
    """Every pixel lies in a region or the background's outline; a changed pixel lies by a border of both its ids."""
    drawing = drawing_of_map(ids)
    again = simplified(drawing, tolerance).ids()
    reach = tolerance + 0.5 * np.sqrt(2) + 0.2 + 1  # the border, half a pixel's diagonal, COCO's grid; centre to centre
    for value in np.unique(again):
        changed = (again == value) & (ids != value)
        if changed.any():
            assert distance_transform_edt(ids != value)[changed].max() <= reach


@given(maps, st.sampled_from([0.6, 1.0, 2.5, 30.0]))
@settings(max_examples=200)
def test_simplified__no_shape_vanishes_and_facts_stay(ids: np.ndarray, tolerance: float) -> None:
    drawing = drawing_of_map(ids)
    again = simplified(drawing, tolerance)
    assert {shape.class_id for shape in again.shapes} == {shape.class_id for shape in drawing.shapes}
    assert set(np.unique(again.ids())) >= {shape.class_id for shape in drawing.shapes}


@pytest.mark.parametrize("seed", range(5))
def test_simplified__no_pixel_between_neighbours_is_unlabelled(seed: int) -> None:
    ids = smooth_map(seed) + 1  # no background at all
    again = simplified(drawing_of_map(ids), 1.5)
    assert (again.ids() > 0).all()
    changed = again.ids() != ids
    assert 0 < changed.mean() < 0.1
    points = sum(len(ring) for shape in again.shapes for ring in (*shape.outlines, *shape.holes))
    exact = sum(len(ring) for shape in simplified(drawing_of_map(ids), 0).shapes for ring in shape.outlines)
    assert points < exact / 3


def test_simplified__shapes_that_were_drawn_stay(tmp_path) -> None:
    outline = Outlines(1, (np.array([[0, 0], [3.3, 0.1], [3, 3]], float),))
    drawing = Drawing(Size(5, 5), (outline,), 0)
    assert simplified(drawing, 5) is drawing


def test_simplified__a_hole_keeps_its_border_with_what_fills_it() -> None:
    ids = np.ones((20, 20), np.int32)
    ids[5:15, 5:15] = 2
    first, second = simplified(drawing_of_map(ids), 1).shapes
    assert isinstance(first, Outlines)
    assert isinstance(second, Outlines)
    assert len(first.holes) == 1
    assert sorted(first.holes[0].tolist()) == sorted(second.outlines[0].tolist())


def test_arcs_of__three_regions_meet_in_a_junction() -> None:
    arcs = arcs_of(np.array([[0, 1], [2, 2]], np.int32))
    inner = [arc for arc in arcs if min(arc.left, arc.right) >= 0]
    assert sorted({arc.left, arc.right} == {0, 1} for arc in inner) == [False, False, True]
    assert all([1, 1] in arc.corners.tolist() for arc in inner)


def test_runs_shape__nothing_painted_is_no_shape() -> None:
    assert runs_shape(np.zeros((3, 3), bool), 1) is None
    shape = runs_shape(np.ones((1, 2), bool), 1, at=(2, 3))
    assert isinstance(shape, Runs)
    assert patch_of(shape, Size(5, 9)).over(Size(5, 9)).sum() == 2


@pytest.mark.parametrize("tolerance", [0, 1])
def test_simplified__an_island_in_a_hole_stays(tolerance: float) -> None:
    ids = np.ones((30, 30), np.int32)
    ids[5:25, 5:25] = 2
    ids[10:20, 10:20] = 1
    assert np.array_equal(simplified(drawing_of_map(ids), tolerance).ids(), ids)


@given(arrays.arrays(np.int32, (18, 18), elements=st.integers(0, 1)))
@settings(max_examples=50)
def test_simplified__at_no_tolerance_is_exact_for_islands_too(ids: np.ndarray) -> None:
    assert np.array_equal(simplified(drawing_of_map(ids), 0).ids(), ids)
