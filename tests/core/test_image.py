"""Frames as values: read-only, equal by value, RGB or named bands."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from segwright.core import GREY, RGB, Box, Image, Size, adopt


def ramp(height: int = 4, width: int = 5, bands: int = 3, dtype: type = np.uint8) -> np.ndarray:
    return np.arange(height * width * bands, dtype=dtype).reshape(height, width, bands)


def test_image__does_not_change_when_its_source_does() -> None:
    source = ramp()
    image = Image(source)
    source[:] = 0
    assert np.array_equal(image.pixels, ramp())


def test_image__does_not_change_when_the_base_of_a_read_only_view_does() -> None:
    source = ramp().copy()
    view = source[:]
    view.flags.writeable = False
    image = Image(view)
    source[:] = 0
    assert np.array_equal(image.pixels, ramp())


def test_image__pixels_cannot_be_written_and_fields_cannot_be_set() -> None:
    image = Image(ramp())
    with pytest.raises(ValueError, match="read-only"):
        image.pixels[0, 0, 0] = 1
    with pytest.raises(FrozenInstanceError, match="bands"):
        image.bands = GREY  # type: ignore[misc]


def test_adopt__gives_its_memory_without_a_copy_and_locks_the_base_too() -> None:
    base = np.zeros((4, 5), np.uint8)
    adopted = adopt(base[..., None])
    image = Image(adopted, GREY)
    assert np.shares_memory(image.pixels, base)
    with pytest.raises(ValueError, match="read-only"):
        base[0, 0] = 1


def test_image__equal_by_value_bands_and_type() -> None:
    assert Image(ramp()) == Image(ramp())
    assert Image(ramp()) != Image(ramp(), ("nir", "red", "green"))
    assert Image(ramp()) != Image(ramp(dtype=np.uint16))
    assert Image(ramp()) != Image(ramp()[::-1])
    assert Image(ramp()) != "an image"


def test_image__is_not_hashable() -> None:
    with pytest.raises(TypeError, match="unhashable type: 'Image'"):
        hash(Image(ramp()))


@pytest.mark.parametrize(
    ("pixels", "bands", "message"),
    [
        (np.zeros((4, 5), np.uint8), GREY, r"\(height, width, 1 bands\), got shape \(4, 5\)"),
        (np.zeros((4, 5, 4), np.uint8), RGB, r"3 bands\), got shape \(4, 5, 4\)"),
        (np.zeros((4, 5, 3), np.float64), RGB, "uint8, uint16 or float32, got float64"),
        (np.zeros((4, 5, 3), bool), RGB, "got bool"),
        (np.zeros((0, 5, 3), np.uint8), RGB, "at least one pixel"),
    ],
)
def test_image__refuses_other_arrays(pixels: np.ndarray, bands: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Image(pixels, bands)


def test_image__crop_is_half_open_and_must_lie_inside() -> None:
    image = Image(ramp())
    assert np.array_equal(image.crop(Box(1, 2, 3, 5)).pixels, ramp()[1:3, 2:5])
    assert image.crop(Box.of(image.size)).size == Size(4, 5)
    with pytest.raises(ValueError, match="does not lie inside a frame of 5x4"):
        image.crop(Box(0, 0, 5, 5))
    with pytest.raises(ValueError, match="does not lie inside"):
        image.crop(Box(1, 1, 1, 3))


def test_image__as_rgb_repeats_grey_and_refuses_other_bands() -> None:
    grey = Image(ramp(bands=1), GREY)
    assert grey.as_rgb().bands == RGB
    assert np.array_equal(grey.as_rgb().pixels, np.repeat(ramp(bands=1), 3, axis=2))
    with pytest.raises(ValueError, match="have no RGB rendering"):
        Image(ramp(), ("nir", "red", "green")).as_rgb()
