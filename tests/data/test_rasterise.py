"""Outlines equal COCO's own, strokes follow their definition, runs round-trip."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from segwright.core import Size
from segwright.data.rasterise import (
    ellipse_outline,
    polygon_patch,
    polyline_patch,
    runs_mask,
    turned,
    unpacked_runs,
)

# the reference implementation itself warns under numpy 2
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
COORDINATE = st.floats(-15, 45, allow_nan=False, width=32)


def _reference(points: np.ndarray, size: Size) -> np.ndarray:
    runs = coco.frPyObjects([points.ravel().tolist()], size.height, size.width)
    return coco.decode(runs)[..., 0].astype(bool)


def test_polygon_patch__equals_coco_on_every_polygon_of_the_shared_set(shared_data: Path) -> None:
    data = json.loads((shared_data / "instance_coco_mini/annotations/instances_train2017.json").read_text())
    sizes = {image["id"]: Size(image["height"], image["width"]) for image in data["images"]}
    polygons = [
        (np.array(ring).reshape(-1, 2), sizes[row["image_id"]])
        for row in data["annotations"]
        if isinstance(row["segmentation"], list)
        for ring in row["segmentation"]
    ]
    different = [at for at, (ring, size) in enumerate(polygons)
                 if not np.array_equal(polygon_patch(ring, size).over(size), _reference(ring, size))]  # fmt: skip
    assert len(polygons) == 798
    assert different == []


@settings(max_examples=300)
@given(
    points=st.lists(st.tuples(COORDINATE, COORDINATE), min_size=3, max_size=9),
    height=st.integers(1, 32),
    width=st.integers(1, 32),
)
def test_polygon_patch__equals_coco_on_any_polygon(points: list, height: int, width: int) -> None:
    ring, size = np.array(points, dtype=np.float64), Size(height, width)
    assert np.array_equal(polygon_patch(ring, size).over(size), _reference(ring, size))


def test_polygon_patch__checked_by_eye() -> None:
    ring = np.array([[1, 1], [3, 1], [3, 4], [1, 4]], dtype=np.float64)
    assert polygon_patch(ring, Size(5, 4)).over(Size(5, 4)).astype(int).tolist() == [
        [0, 0, 0, 0],
        [0, 1, 1, 0],
        [0, 1, 1, 0],
        [0, 1, 1, 0],
        [0, 0, 0, 0],
    ]


def test_polygon_patch__two_points_and_outside_paint_nothing() -> None:
    size = Size(8, 8)
    assert not polygon_patch(np.array([[1.0, 1.0], [5.0, 5.0]]), size).over(size).any()
    assert not polygon_patch(np.array([[20.0, 20.0], [30.0, 20.0], [30.0, 30.0]]), size).over(size).any()


def test_polyline_patch__width_counts_in_pixels() -> None:
    size, line = Size(9, 12), np.array([[2.0, 4.5], [10.0, 4.5]])
    for width in (1, 3, 5):
        column = polyline_patch(line, width, size).over(size)[:, 6]
        assert column.sum() == width
        assert column[4]


@settings(max_examples=60)
@given(
    points=st.lists(st.tuples(COORDINATE, COORDINATE), min_size=1, max_size=5),
    width=st.floats(0.5, 9),
)
def test_polyline_patch__is_the_set_of_near_centres(points: list, width: float) -> None:
    line, size = np.array(points, dtype=np.float64), Size(20, 30)
    centres = np.stack(np.meshgrid(np.arange(30) + 0.5, np.arange(20) + 0.5), axis=2)
    nearest = np.full((20, 30), np.inf)
    ends = line if len(line) > 1 else np.repeat(line, 2, axis=0)
    for start, end in pairwise(ends):
        length = max(float((end - start) @ (end - start)), 1e-300)
        share = np.clip((centres - start) @ (end - start) / length, 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(centres - start - share[..., None] * (end - start), axis=2))
    painted = polyline_patch(line, width, size).over(size)
    clear = np.abs(nearest - width / 2) > 1e-6
    assert np.array_equal(painted[clear], (nearest <= width / 2)[clear])


def test_polyline_patch__long_slanted_line_in_a_large_frame_is_quick() -> None:
    size = Size(10_000, 10_000)
    patch = polyline_patch(np.array([[0.0, 0.0], [10_000.0, 10_000.0]]), 3, size)
    assert 30_000 < patch.painted.sum() < 60_000


def test_ellipse_outline__area_and_symmetry() -> None:
    size = Size(60, 80)
    painted = polygon_patch(ellipse_outline((40, 30), (20, 10)), size).over(size)
    assert painted.sum() == pytest.approx(np.pi * 200, rel=0.02)
    assert np.abs(painted.astype(int) - painted[::-1]).sum() <= 2 * 80


def test_turned__quarter_turn_of_a_box() -> None:
    corners = np.array([[0, 0], [4, 0], [4, 2], [0, 2]], dtype=np.float64)
    quarter = turned(corners, 90)
    assert np.allclose(quarter[0], [3, -1])  # the top left corner goes to the top right: clockwise
    assert np.allclose(quarter.max(axis=0) - quarter.min(axis=0), [2, 4])


MASKS = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(0, 999))


@given(MASKS)
def test_unpacked_runs__equals_coco(shape: tuple[int, int, int]) -> None:
    height, width, seed = shape
    mask = np.random.default_rng(seed).random((height, width)) < 0.4
    packed = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    runs = unpacked_runs(packed["counts"])
    assert np.array_equal(runs_mask(runs, Size(height, width), by_column=True), mask)


@given(MASKS)
def test_runs_mask__by_row_round_trip(shape: tuple[int, int, int]) -> None:
    height, width, seed = shape
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    flat = np.concatenate([[False], mask.ravel(), [not mask.ravel()[-1]]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    runs = np.diff(np.concatenate([[0], edges])).tolist()
    assert np.array_equal(runs_mask(runs, Size(height, width), by_column=False), mask)


def test_runs_mask__that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="cover 5 pixels, not the 6 of 3x2"):
        runs_mask([2, 3], Size(2, 3), by_column=True)
    with pytest.raises(ValueError, match="negative"):
        runs_mask([7, -1], Size(2, 3), by_column=True)


def test_unpacked_runs__damaged_text_is_refused() -> None:
    with pytest.raises(ValueError, match="not part of a compressed run"):
        unpacked_runs("ab~")
    with pytest.raises(ValueError, match="end inside a number"):
        unpacked_runs("a")
