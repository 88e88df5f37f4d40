"""Numbers of one picture: brightness, contrast, sharpness, exposure, size. Void pixels are in none of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Image

# name -> what it is, as pages and answers define it. Values are on the scale 0..255, whatever the file's type.
IMAGE_STATISTICS = {
    "brightness": "mean of all bands",
    "spread": "standard deviation, mean of the bands",
    "contrast": "95th minus 5th percentile of the mean of the bands",
    "sharpness": "variance of the 3x3 Laplacian of the mean of the bands, at the file's own scale (Pech-Pacheco 2000)",
    "saturated": "share of pixels with a band at or above 99 % of the range",
    "black": "share of pixels with all bands at or below 1 % of the range",
}
_BITS = range(8, 17)


@dataclass(frozen=True)
class FrameRow:
    """One frame: where it belongs, its size, its pictures' numbers, and the share of each class.

    `values` are those of `IMAGE_STATISTICS` and `mean_BAND` and `std_BAND`; None where the frame has no valid pixel, or
    no range is known (floats have no saturation). `shares` are of valid pixels in the order of the class table; None
    where the frame has no labels, or is void all over.
    """

    stem: str
    columns: Mapping[str, str]
    height: int
    width: int
    values: Mapping[str, float | None]
    shares: tuple[float, ...] | None

    def to_json(self) -> dict[str, Any]:
        """The row as plain values."""
        size = {"height": self.height, "width": self.width}
        return {"stem": self.stem, "columns": dict(self.columns), **size, **self.values}


@dataclass(frozen=True)
class RawNumbers:
    """A picture's numbers in raw units, until the range of all pictures is known.

    `clipped` are (saturated, black) for each number of bits from 8 to 16; none for floats.
    """

    bands: tuple[str, ...]
    dtype: str
    largest: float
    means: tuple[float, ...]
    stds: tuple[float, ...]
    contrast: float
    sharpness: float
    clipped: tuple[tuple[float, float], ...]


def measure_image(image: Image, valid: npt.NDArray[np.bool_]) -> RawNumbers | None:
    """The numbers of the pixels `valid` (height, width); None where there are none."""
    if not valid.any():
        return None
    pixels = image.pixels
    mask = valid.view(np.uint8)
    moments = [cv2.meanStdDev(np.ascontiguousarray(pixels[..., band]), mask=mask) for band in range(pixels.shape[2])]
    grey = pixels.mean(axis=2, dtype=np.float32)
    low, high = np.percentile(grey[valid], (5, 95))
    brightest = pixels.max(axis=2)[valid]
    return RawNumbers(
        bands=image.bands,
        dtype=str(pixels.dtype),
        largest=float(brightest.max()),
        means=tuple(float(mean[0, 0]) for mean, _ in moments),
        stds=tuple(float(std[0, 0]) for _, std in moments),
        contrast=float(high - low),
        sharpness=_sharpness(grey, valid),
        clipped=tuple(_clipped(brightest, bits) for bits in _BITS) if pixels.dtype != np.float32 else (),
    )


def scale_of(rows: Sequence[RawNumbers]) -> float:
    """The value that is full white in all of these pictures.

    255 for 8 bits; for 16 bits the smallest power of two minus one that covers the values (a 12-bit sensor spans
    0..4095); the largest value, or 1, for floats.
    """
    largest = max((row.largest for row in rows), default=255.0)
    if not rows or rows[0].dtype == "uint8":
        return 255.0
    return float(2 ** max(8, int(largest).bit_length()) - 1) if rows[0].dtype == "uint16" else max(1.0, largest)


def values_of(raw: RawNumbers | None, white: float) -> dict[str, float | None]:
    """The statistics of a picture on the scale 0..255, `white` being 255."""
    if raw is None:
        return dict.fromkeys(IMAGE_STATISTICS)
    factor = 255.0 / white
    bits = int(white).bit_length()
    clipped = raw.clipped[bits - 8] if raw.clipped else (None, None)
    bands = {f"mean_{band}": factor * value for band, value in zip(raw.bands, raw.means, strict=True)}
    bands |= {f"std_{band}": factor * value for band, value in zip(raw.bands, raw.stds, strict=True)}
    return {
        "brightness": factor * float(np.mean(raw.means)),
        "spread": factor * float(np.mean(raw.stds)),
        "contrast": factor * raw.contrast,
        "sharpness": factor**2 * raw.sharpness,
        "saturated": clipped[0],
        "black": clipped[1],
        **bands,
    }


def with_values(row: FrameRow, raw: RawNumbers | None, white: float) -> FrameRow:
    """The row with its picture's numbers, now that the range is known."""
    return replace(row, values=values_of(raw, white))


def _clipped(brightest: npt.NDArray, bits: int) -> tuple[float, float]:
    """Shares of saturated and of black pixels if the range is 0 to 2 ** bits - 1."""
    white = 2**bits - 1
    return float(np.mean(brightest >= 0.99 * white)), float(np.mean(brightest <= 0.01 * white))


def _sharpness(grey: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]) -> float:
    """Variance of the Laplacian where it sees valid pixels only; 0 where it sees none such."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    whole = cv2.erode(valid.view(np.uint8), cross, borderType=cv2.BORDER_CONSTANT, borderValue=1) > 0
    if not whole.any():
        return 0.0
    return float(cv2.Laplacian(grey, cv2.CV_32F, ksize=1, borderType=cv2.BORDER_REFLECT_101)[whole].var())
