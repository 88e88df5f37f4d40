"""What holds for every effect: shape, type, range, no invented id, one seed one answer, strength 0 is the identity.

Effects on pixels and labels together are in `MIXES`, those of light and sensor in `PIXEL_EFFECTS`, geometry in `BENDS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import Size
from segwright.data.augment import (
    ColourRanges,
    Geometry,
    GeometryRanges,
    centre_on,
    cut,
    cutmix_box,
    draw_geometry,
    erase,
    mosaic,
    mosaic_sizes,
    put,
    vary_colour,
)
from segwright.data.augment.light import shadow
from segwright.data.augment.sensor import banding, hot_pixels, line_kernel, motion_blur, sensor_noise

VOID = 255
STILL = GeometryRanges(flip_horizontal=False, rotate_degrees=0, scale=(1, 1), warp_share=1)
BENDS = {
    "quarter turns": {"quarter_turns": True},
    "shear": {"shear_degrees": 30.0},
    "perspective": {"perspective": 0.5},
    "elastic": {"elastic": 1.0},
    "distortion": {"distortion": 0.3},
    "all": {"quarter_turns": True, "shear_degrees": 20.0, "perspective": 0.4, "elastic": 1.0, "distortion": 0.3,
            "rotate_degrees": 180.0, "scale": (0.5, 2.0), "flip_horizontal": True, "flip_vertical": True},
}  # fmt: skip
PIXEL_EFFECTS: dict[str, Callable] = {
    "sensor_noise": sensor_noise,
    "banding": banding,
    "hot_pixels": hot_pixels,
    "motion_blur": lambda crop, strength, rng: motion_blur(crop, 6 * strength, rng),
}
Sample = tuple[npt.NDArray, npt.NDArray[np.uint8]]


def sample(height: int, width: int, seed: int, bands: int = 3, dtype: str = "uint8") -> Sample:
    rng = np.random.default_rng(seed)
    top = 1.0 if dtype == "float32" else np.iinfo(dtype).max
    pixels = (rng.random((height, width, bands)) * top).astype(dtype)
    return pixels, rng.choice(np.array([0, 3, 9, VOID], np.uint8), (height, width))


def erased(one: Sample, other: Sample, rng: np.random.Generator) -> Sample:
    return erase(*one, rng, void=VOID)


def cutmixed(one: Sample, other: Sample, rng: np.random.Generator) -> Sample:
    box = cutmix_box(Size(*one[1].shape), rng)
    return put(one, (other[0][box.slices], other[1][box.slices]), box)


def mosaicked(one: Sample, other: Sample, rng: np.random.Generator) -> Sample:
    sizes = mosaic_sizes(Size(*one[1].shape), rng)
    sources = [one, other, other, one]
    return mosaic([(source[0][: size.height, : size.width], source[1][: size.height, : size.width])
                   for source, size in zip(sources, sizes, strict=True)])  # fmt: skip


MIXES = {"erase": erased, "cutmix": cutmixed, "mosaic": mosaicked}


@pytest.mark.parametrize("name", MIXES)
@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.sampled_from(["uint8", "uint16", "float32"]), st.integers(1, 5),
       st.integers(0, 9999))  # fmt: skip
def test_mix__keeps_shape_and_type_and_invents_no_id(
    name: str, height: int, width: int, dtype: str, bands: int, seed: int
) -> None:
    one, other = (sample(height, width, seed + part, bands, dtype) for part in (0, 1))
    before = [array.copy() for array in (*one, *other)]
    pixels, channels = MIXES[name](one, other, np.random.default_rng(seed))
    assert (pixels.shape, pixels.dtype) == (one[0].shape, one[0].dtype)
    assert (channels.shape, channels.dtype) == (one[1].shape, np.uint8)
    assert set(np.unique(channels)) <= {*np.unique(one[1]), *np.unique(other[1]), VOID}
    again = MIXES[name](one, other, np.random.default_rng(seed))
    assert all(np.array_equal(*pair) for pair in zip((pixels, channels), again, strict=True))
    assert all(np.array_equal(*pair) for pair in zip(before, (*one, *other), strict=True))  # frames are shared


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(0, 9999))
def test_erase__labels_become_void_where_pixels_changed_and_nowhere_else(height: int, width: int, seed: int) -> None:
    pixels, channels = sample(height, width, seed)
    new_pixels, new_channels = erase(pixels, channels, np.random.default_rng(seed), void=VOID)
    taken = (new_channels == VOID) & (channels != VOID)
    changed = (new_pixels != pixels).any(axis=2)
    assert np.array_equal(new_channels[~taken], channels[~taken])
    assert np.all(new_channels[changed] == VOID)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(0, 9999))
def test_cutmix__each_pixel_has_the_label_of_the_crop_it_is_from(height: int, width: int, seed: int) -> None:
    one, other = sample(height, width, seed), sample(height, width, seed + 1)
    pixels, channels = cutmixed(one, other, np.random.default_rng(seed))
    from_other = (pixels == other[0]).all(axis=2) & (pixels != one[0]).any(axis=2)
    assert np.array_equal(channels[from_other], other[1][from_other])
    from_one = (pixels == one[0]).all(axis=2) & (pixels != other[0]).any(axis=2)
    assert np.array_equal(channels[from_one], one[1][from_one])
    assert from_other.any()


def test_mosaic__four_sizes_fill_the_crop() -> None:
    for seed in range(50):
        rng = np.random.default_rng(seed)
        size = Size(int(rng.integers(2, 50)), int(rng.integers(2, 50)))
        top_left, top_right, bottom_left, bottom_right = mosaic_sizes(size, rng)
        assert top_left.width + top_right.width == bottom_left.width + bottom_right.width == size.width
        assert top_left.height + bottom_left.height == top_right.height + bottom_right.height == size.height


def test_mix__a_grey_crop_beside_a_coloured_one_has_its_band_three_times() -> None:
    grey, red = sample(8, 8, 0, bands=1), sample(8, 8, 1)
    pixels, _ = cutmixed(grey, red, np.random.default_rng(0))
    assert pixels.shape == (8, 8, 3)


@pytest.mark.parametrize("name", BENDS)
@settings(max_examples=40, deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 40), st.integers(1, 40), st.data(), st.integers(0, 9999))
def test_bend__holds_the_wanted_pixel_and_no_id_of_its_own(
    name: str, height: int, width: int, crop_height: int, crop_width: int, data: st.DataObject, seed: int
) -> None:
    pixels, channels = sample(height, width, seed)
    place = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    channels[place] = 77
    ranges, answers = replace(STILL, **BENDS[name]), []
    for _ in range(2):
        rng = np.random.default_rng(seed)
        geometry = draw_geometry(Size(crop_height, crop_width), ranges, rng)
        centre = centre_on(geometry, Size(height, width), place, rng)
        answers.append(cut(pixels, channels, geometry, centre, void=VOID))
    (crop, labels), again = answers
    assert (crop.shape, crop.dtype) == ((crop_height, crop_width, 3), pixels.dtype)
    assert labels.shape == (crop_height, crop_width)
    assert 77 in labels
    assert set(np.unique(labels)) <= {*np.unique(channels), VOID}
    assert np.array_equal(crop, again[0])
    assert np.array_equal(labels, again[1])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("bands", [1, 3, 7])
@pytest.mark.parametrize("name", BENDS)
def test_bend__image_and_labels_stay_aligned(name: str, bands: int, dtype: str) -> None:
    """A bright rectangle labelled 1: after any bend the bright pixels are the labelled ones but for its outline."""
    channels = np.zeros((120, 140), np.uint8)
    channels[35:80, 40:100] = 1
    bright = 0.8 if dtype == "float32" else 200
    pixels = np.repeat((channels * bright)[:, :, np.newaxis], bands, axis=2).astype(dtype)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        geometry = draw_geometry(Size(64, 64), replace(STILL, **BENDS[name]), rng)
        crop, labels = cut(pixels, channels, geometry, (57.0, 70.0), void=VOID)
        assert crop.shape == (64, 64, bands)
        outline = np.count_nonzero(labels[1:] != labels[:-1]) + np.count_nonzero(labels[:, 1:] != labels[:, :-1])
        for band in range(bands):
            wrong = np.count_nonzero((crop[:, :, band] > bright / 2) != (labels == 1))
            assert wrong <= 0.15 * outline + np.count_nonzero(labels == VOID)


@pytest.mark.parametrize("name", ["shear", "perspective", "elastic", "distortion", "all"])
def test_bend__never_folds(name: str) -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        geometry = draw_geometry(Size(64, 96), replace(STILL, **BENDS[name], flip_horizontal=False, flip_vertical=False)
                                 if name != "all" else replace(STILL, **BENDS[name]), rng)  # fmt: skip
        x, y = (part + np.zeros((64, 96), np.float32) for part in geometry.grid())
        turn = np.gradient(x, axis=1) * np.gradient(y, axis=0) - np.gradient(x, axis=0) * np.gradient(y, axis=1)
        assert (np.sign(turn) == np.sign(np.linalg.det(geometry.linear))).all()


def test_bend__of_no_strength_is_the_slice() -> None:
    pixels, channels = sample(40, 50, 0)
    geometry = draw_geometry(Size(16, 20), STILL, np.random.default_rng(0))
    crop, labels = cut(pixels, channels, geometry, (19.5, 24.5), void=VOID)
    assert np.array_equal(crop, pixels[12:28, 15:35])
    assert np.array_equal(labels, channels[12:28, 15:35])


def test_bend__quarter_turns_and_flips_are_the_eight_of_the_square_to_the_pixel() -> None:
    pixels, channels = sample(24, 24, 0)
    ranges = GeometryRanges(flip_vertical=True, quarter_turns=True, warp_share=0)
    seen = set()
    for seed in range(120):
        geometry = draw_geometry(Size(24, 24), ranges, np.random.default_rng(seed))
        crop, labels = cut(pixels, channels, geometry, (11.5, 11.5), void=VOID)
        fits = [(turns, flip) for turns in range(4) for flip in (1, -1)
                if np.array_equal(np.rot90(pixels, turns)[:, ::flip], crop)]  # fmt: skip
        assert len(fits) == 1
        turns, flip = fits[0]
        assert np.array_equal(np.rot90(channels, turns)[:, ::flip], labels)
        seen.add(fits[0])
    assert len(seen) == 8


def test_bend__of_a_scene_longer_than_opencv_takes_is_what_a_part_of_it_gives() -> None:
    rng = np.random.default_rng(0)
    channels = np.zeros((33_000, 40), np.uint8)
    channels[32_900:] = rng.integers(0, 3, (100, 40))
    geometry = Geometry(Size(24, 24), np.eye(2), lens=0.2)
    whole = cut(channels[:, :, np.newaxis], channels, geometry, (32_960.0, 20.0), void=VOID)
    part = cut(channels[32_000:, :, np.newaxis], channels[32_000:], geometry, (960.0, 20.0), void=VOID)
    assert np.mean(whole[1] != part[1]) < 0.02  # float32 positions of a far place are rounded to 1/256 px


@pytest.mark.parametrize("name", PIXEL_EFFECTS)
@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 5), st.floats(0, 4), st.integers(0, 9999))
def test_pixel_effect__keeps_shape_and_type_and_depends_on_chance_alone(
    name: str, height: int, width: int, bands: int, strength: float, seed: int
) -> None:
    crop = np.random.default_rng(seed).random((height, width, bands), dtype=np.float32)
    one, other = (PIXEL_EFFECTS[name](crop.copy(), strength, np.random.default_rng(seed)) for _ in range(2))
    assert (one.shape, one.dtype) == (crop.shape, np.float32)
    assert np.isfinite(one).all()
    assert np.array_equal(one, other)
    assert np.allclose(PIXEL_EFFECTS[name](crop.copy(), 0.0, np.random.default_rng(seed)), crop, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(0, 9999), st.floats(0, 4))
def test_vary_colour__with_everything_on_stays_between_0_and_1(bands: int, seed: int, strength: float) -> None:
    crop = np.random.default_rng(seed).random((20, 24, bands), dtype=np.float32)
    ranges = ColourRanges(share=0.9, glare=0.5, shadow=0.5, motion_blur_px=2 * strength, sensor_noise=strength,
                          banding=strength, hot_pixels=strength)  # fmt: skip
    varied = vary_colour(crop.copy(), ranges, np.random.default_rng(seed))
    assert varied.min() >= 0
    assert varied.max() <= 1
    assert np.array_equal(varied, vary_colour(crop.copy(), ranges, np.random.default_rng(seed)))


def test_vary_colour__with_every_strength_at_0_is_the_identity() -> None:
    names = ("gain", "gamma", "contrast", "channel_gain", "saturation", "light_gradient", "blur_px", "sharpen", "noise")
    nothing = ColourRanges(**dict.fromkeys(names, 0.0), jpeg_quality=96, share=1.0)
    crop = np.random.default_rng(0).random((20, 24, 3), dtype=np.float32)
    assert np.array_equal(vary_colour(crop.copy(), nothing, np.random.default_rng(0)), crop)


def test_shadow__darkens_and_never_brightens_by_one_factor_for_all_bands() -> None:
    for seed in range(30):
        crop = np.random.default_rng(seed).random((40, 30, 3), dtype=np.float32) + np.float32(0.01)
        factor = shadow(crop.copy(), np.random.default_rng(seed)) / crop
        assert factor.max() <= 1 + 1e-6
        assert factor.min() >= 0.29
        assert np.allclose(factor[..., 0], factor[..., 2], atol=1e-5)


def test_sensor_noise__is_stronger_where_there_is_more_light() -> None:
    crop = np.zeros((200, 200, 1), np.float32)
    crop[:, 100:] = 1.0
    noisy = sensor_noise(crop.copy(), 1.0, np.random.default_rng(3)) - crop
    # shot noise of 1,000 electrons and 10 of read noise against read noise alone: 3.3 times
    assert noisy[:, 100:].std() / noisy[:, :100].std() == pytest.approx((1 / 1000 + 1e-4) ** 0.5 / 0.01, rel=0.05)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 30), st.floats(0, float(np.pi)))
def test_line_kernel__adds_up_to_one_and_is_symmetric(length: float, angle: float) -> None:
    kernel = line_kernel(length, angle)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert np.allclose(kernel, kernel[::-1, ::-1], atol=1e-4)
