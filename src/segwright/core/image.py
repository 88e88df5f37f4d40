"""A frame as pixels with named bands. RGB order, always; BGR exists nowhere outside the codec module."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core.geometry import Box, Size

RGB = ("red", "green", "blue")
GREY = ("grey",)
_DTYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))


@dataclass(frozen=True, eq=False)
class Image:
    """Pixels `(height, width, bands)` of uint8, uint16 or float32, read-only, with one name a band.

    Integer pixels span the type's whole range; float32 pixels are in the sensor's own unit.
    Equal by value: same bands, type and pixels.
    """

    pixels: npt.NDArray
    bands: tuple[str, ...] = RGB

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.ndim != 3 or pixels.shape[2] != len(self.bands):
            raise ValueError(f"pixels are (height, width, {len(self.bands)} bands), got shape {pixels.shape}")
        if pixels.dtype not in _DTYPES:
            raise ValueError(f"pixels are uint8, uint16 or float32, got {pixels.dtype}")
        if 0 in pixels.shape:
            raise ValueError(f"an image has at least one pixel and one band, got shape {pixels.shape}")
        object.__setattr__(self, "pixels", frozen(pixels))

    @property
    def size(self) -> Size:
        """Height and width in px."""
        return Size(self.pixels.shape[0], self.pixels.shape[1])

    def crop(self, box: Box) -> Image:
        """The pixels inside `box`, which must lie inside the frame and not be empty."""
        if box.area_px == 0 or box.clipped(self.size) != box:
            raise ValueError(f"{box} does not lie inside a frame of {self.size}")
        return Image(self.pixels[box.slices], self.bands)

    def as_rgb(self) -> Image:
        """Three bands: grey is repeated, RGB is returned as it is. Other bands have no RGB rendering: ValueError."""
        if self.bands == RGB:
            return self
        if self.bands == GREY:
            return Image(np.repeat(self.pixels, 3, axis=2), RGB)
        raise ValueError(f"bands {self.bands} have no RGB rendering; name the three bands to show")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Image):
            return NotImplemented
        same_kind = self.bands == other.bands and self.pixels.dtype == other.pixels.dtype
        return same_kind and np.array_equal(self.pixels, other.pixels)

    __hash__ = None  # type: ignore[assignment]


def frozen(array: npt.NDArray) -> npt.NDArray:
    """A read-only C-ordered array of the same values: the array itself where nobody can write to it, else a copy."""
    if array.flags.c_contiguous and not any(part.flags.writeable for part in _with_bases(array)):
        return array
    copy = np.array(array, order="C", copy=True)
    copy.flags.writeable = False
    return copy


def adopt(array: npt.NDArray) -> npt.NDArray:
    """Mark an array its maker gives up as read-only, bases included, so that a value type takes it without a copy."""
    array = np.ascontiguousarray(array)
    for part in _with_bases(array):
        part.flags.writeable = False
    return array


def _with_bases(array: npt.NDArray) -> Iterator[npt.NDArray]:
    """The array and every array whose memory it is a view of: a read-only view of a writable array can still change."""
    part: object = array
    while isinstance(part, np.ndarray):
        yield part
        part = part.base
