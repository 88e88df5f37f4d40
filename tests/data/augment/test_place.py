"""Where a crop lies: a wanted pixel is always in it, and the frame is left only where there is no other way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import Size
from segwright.data.augment import GeometryRanges, centre_anywhere, centre_on, cut, draw_geometry
from segwright.data.augment.place import REACH

VOID = 255
STILL = GeometryRanges(flip_horizontal=False, flip_vertical=False, rotate_degrees=0, scale=(1, 1), warp_share=0)
WILD = GeometryRanges(flip_horizontal=True, flip_vertical=True, rotate_degrees=180, scale=(0.3, 3.0), warp_share=0.8)
sides = st.integers(1, 90)


def labels_about(shape: tuple[int, int], ranges: GeometryRanges, size: Size, place: tuple[int, int], seed: int):
    """The labels of a crop cut for the one marked pixel of an empty frame."""
    channels = np.zeros(shape, np.uint8)
    channels[place] = 1
    rng = np.random.default_rng(seed)
    geometry = draw_geometry(size, ranges, rng)
    centre = centre_on(geometry, Size(*shape), place, rng)
    return cut(channels[:, :, np.newaxis], channels, geometry, centre, void=VOID)[1]


@settings(max_examples=300, deadline=None)
@given(sides, sides, sides, sides, st.data(), st.integers(0, 10_000))
def test_centre_on__a_single_pixel_is_in_its_crop_whatever_the_warp(
    height: int, width: int, crop_height: int, crop_width: int, data: st.DataObject, seed: int
) -> None:
    place = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    assert 1 in labels_about((height, width), WILD, Size(crop_height, crop_width), place, seed)


@pytest.mark.parametrize("place", [(0, 0), (0, 99), (79, 50), (79, 99), (40, 0)])
def test_centre_on__a_straight_crop_at_the_border_stays_in_the_frame(place: tuple[int, int]) -> None:
    for seed in range(20):
        labels = labels_about((80, 100), STILL, Size(32, 32), place, seed)
        assert VOID not in labels
        assert np.count_nonzero(labels == 1) == 1


def test_centre_on__far_from_the_border_the_pixel_lies_in_the_middle_of_the_crop_and_all_over_it() -> None:
    found = np.array([np.argwhere(labels_about((300, 300), WILD, Size(50, 40), (150, 150), n) == 1)[0]
                      for n in range(300)]) / (49, 39)  # fmt: skip
    assert found.min() >= 0.5 - REACH - 0.05
    assert found.max() <= 0.5 + REACH + 0.05
    assert found.std(axis=0) == pytest.approx(2 * REACH / 12**0.5, rel=0.15)


@settings(max_examples=60, deadline=None)
@given(st.integers(40, 90), st.integers(40, 90), st.integers(0, 10_000))
def test_centre_anywhere__a_crop_that_is_not_turned_stays_in_the_frame(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    zoomed = GeometryRanges(rotate_degrees=0, flip_vertical=True, scale=(0.8, 3.0), warp_share=1)
    channels = np.ones((height, width), np.uint8)
    geometry = draw_geometry(Size(32, 32), zoomed, rng)
    centre = centre_anywhere(geometry, Size(height, width), rng)
    assert VOID not in cut(channels[:, :, np.newaxis], channels, geometry, centre, void=VOID)[1]


def test_centre_anywhere__every_pixel_of_the_frame_is_seen() -> None:
    numbers = np.arange(22 * 20, dtype=np.uint16).reshape(22, 20, 1)
    seen = set()
    for seed in range(400):
        rng = np.random.default_rng(seed)
        geometry = draw_geometry(Size(16, 16), STILL, rng)
        centre = centre_anywhere(geometry, Size(22, 20), rng)
        seen |= set(np.unique(cut(numbers, np.zeros((22, 20), np.uint8), geometry, centre, void=VOID)[0]).tolist())
    assert seen == set(range(22 * 20))
