"""One warp for image and labels: aligned, repeatable, no id made up, void outside the frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import Size
from segwright.data.augment import GeometryRanges, warped_crop

VOID = 255
STILL = GeometryRanges(flip_horizontal=False, flip_vertical=False, rotate_degrees=0, scale=(1, 1), warp_share=0)
FLIPS = GeometryRanges(flip_horizontal=True, flip_vertical=True, rotate_degrees=0, scale=(1, 1), warp_share=0)
WILD = GeometryRanges(flip_horizontal=True, flip_vertical=True, rotate_degrees=40, scale=(0.5, 2.0), warp_share=1)


def frame(height: int = 40, width: int = 50, bands: int = 3, dtype: Any = np.uint8) -> npt.NDArray:
    values = np.arange(height * width * bands, dtype=np.int64) * 7 % 251
    return values.reshape(height, width, bands).astype(dtype)


def labels(height: int = 40, width: int = 50) -> npt.NDArray[np.uint8]:
    rng = np.random.default_rng(3)
    return rng.choice(np.array([0, 3, 9, VOID], np.uint8), (height, width))


def crop(
    pixels: npt.NDArray, channels: npt.NDArray[np.uint8], ranges: GeometryRanges, seed: int = 0, **where: Any
) -> tuple[npt.NDArray, npt.NDArray[np.uint8]]:
    centre, size = where.get("centre", (19.5, 24.5)), where.get("size", Size(16, 20))
    return warped_crop(pixels, channels, centre, size, ranges, np.random.default_rng(seed), void=VOID)


def test_crop__without_change_is_exactly_the_slice() -> None:
    pixels, channels = crop(frame(), labels(), STILL, centre=(19.5, 24.5), size=Size(16, 20))
    assert np.array_equal(pixels, frame()[12:28, 15:35])
    assert np.array_equal(channels, labels()[12:28, 15:35])


@pytest.mark.parametrize("seed", range(8))
def test_crop__flips_are_exact_and_of_both_alike(seed: int) -> None:
    pixels, channels = crop(frame(), labels(), FLIPS, seed)
    window = slice(12, 28), slice(15, 35)
    steps = [(down, right) for down in (1, -1) for right in (1, -1)]
    fitting = [(d, r) for d, r in steps if np.array_equal(channels, labels()[window][::d, ::r])]
    assert len(fitting) == 1
    down, right = fitting[0]
    assert np.array_equal(pixels, frame()[window][::down, ::right])


def test_crop__every_flip_happens() -> None:
    seen = {crop(frame(), labels(), FLIPS, seed)[1].tobytes() for seed in range(40)}
    assert len(seen) == 4


@pytest.mark.parametrize("ranges", [FLIPS, WILD])
def test_crop__the_same_state_of_chance_gives_the_same_crop(ranges: GeometryRanges) -> None:
    for first, second in zip(crop(frame(), labels(), ranges, 5), crop(frame(), labels(), ranges, 5), strict=True):
        assert np.array_equal(first, second)
    assert not np.array_equal(crop(frame(), labels(), ranges, 5)[0], crop(frame(), labels(), ranges, 9)[0])


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 60), st.integers(1, 48), st.integers(1, 48))
def test_crop__labels_hold_only_ids_of_the_frame_or_void(
    seed: int, height: int, width: int, crop_height: int, crop_width: int
) -> None:
    channels = labels(height, width)
    rng = np.random.default_rng(seed)
    centre = (rng.uniform(-5, height + 5), rng.uniform(-5, width + 5))
    size = Size(crop_height, crop_width)
    pixels, warped = crop(frame(height, width), channels, WILD, seed, centre=centre, size=size)
    assert warped.shape == (crop_height, crop_width)
    assert pixels.shape == (crop_height, crop_width, 3)
    assert set(np.unique(warped)) <= {*np.unique(channels), VOID}


@pytest.mark.parametrize("ranges", [STILL, WILD])
def test_crop__outside_the_frame_is_void(ranges: GeometryRanges) -> None:
    ones = np.ones((40, 50), np.uint8)
    _, channels = crop(frame(), ones, ranges, centre=(-200.0, 25.0))
    assert np.all(channels == VOID)
    _, channels = crop(frame(), ones, ranges, centre=(0.0, 0.0), size=Size(32, 32))
    assert set(np.unique(channels)) == {1, VOID}


def test_crop__past_the_border_labels_lie_where_the_frame_does() -> None:
    pixels, channels = crop(frame(), labels(), STILL, centre=(3.5, 5.5), size=Size(16, 20))
    assert np.array_equal(channels[4:, 4:], labels()[:12, :16])
    assert np.array_equal(pixels[4:, 4:], frame()[:12, :16])
    assert np.all(channels[:4] == VOID)
    assert np.all(channels[:, :4] == VOID)


@pytest.mark.parametrize("side", [1, 2, 7])
def test_crop__of_a_frame_smaller_than_itself_holds_all_of_it(side: int) -> None:
    ones = np.ones((side, side), np.uint8)
    centre = ((side - 1) / 2, (side - 1) / 2)
    _, channels = crop(frame(side, side), ones, STILL, centre=centre, size=Size(32, 32))
    assert np.count_nonzero(channels == 1) == side * side


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_crop__any_bands_and_types_are_warped_alike(bands: int, dtype: Any) -> None:
    """Each band of a many-band frame is what the band alone would have become."""
    pixels = frame(bands=bands, dtype=dtype)
    warped, _ = crop(pixels, labels(), WILD, 2)
    assert warped.dtype == dtype
    assert warped.shape == (16, 20, bands)
    for band in range(bands):
        alone, _ = crop(pixels[:, :, band : band + 1], labels(), WILD, 2)
        # OpenCV rounds sampling positions to 1/32 px for two bands, and not for one, three or four.
        assert np.abs(warped[:, :, band].astype(float) - alone[:, :, 0]).mean() < 2


@pytest.mark.parametrize("seed", range(12))
def test_crop__image_and_labels_stay_aligned(seed: int) -> None:
    """A bright rectangle labelled 1: after any warp the bright pixels are the labelled ones, to the pixel."""
    pixels, channels = np.zeros((120, 140, 1), np.uint8), np.zeros((120, 140), np.uint8)
    pixels[40:70, 50:95], channels[40:70, 50:95] = 200, 1
    warped, moved = crop(pixels, channels, WILD, seed, centre=(57.0, 71.0), size=Size(64, 64))
    bright, inside = warped[:, :, 0] > 100, moved == 1
    assert 0 < inside.sum() < inside.size
    assert warped[:, :, 0][inside].mean() > 190
    assert warped[:, :, 0][~inside].mean() < 10
    # Interpolation rounds the half-bright edge either way; a shift by one pixel would differ on a whole edge.
    assert np.count_nonzero(bright != inside) <= 0.15 * _outline_px(inside)


def _outline_px(inside: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(inside[1:] != inside[:-1]) + np.count_nonzero(inside[:, 1:] != inside[:, :-1]))


def test_crop__scale_is_the_magnification() -> None:
    channels = np.zeros((200, 200), np.uint8)
    channels[90:110, 90:110] = 1
    twice = GeometryRanges(flip_horizontal=False, rotate_degrees=0, scale=(2, 2), warp_share=1)
    _, warped = crop(frame(200, 200), channels, twice, centre=(99.5, 99.5), size=Size(96, 96))
    assert np.count_nonzero(warped == 1) == pytest.approx(40 * 40, rel=0.06)
