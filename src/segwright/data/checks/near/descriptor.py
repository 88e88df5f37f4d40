"""What a frame looks like in 48 numbers: low frequencies of its grey thumbnail, brightness and contrast taken out.

A cosine transform is used because the eight symmetries of the square (flips, turns by 90 degrees) act on its
coefficients without loss: a flip changes the sign of the odd ones, a turn exchanges rows and columns.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Image

SIDE_PX = 128
FREQUENCIES = 7
SYMMETRIES = 8
# Pictures of the world have amplitudes that fall as one over the frequency: this brings them half-way back, so that
# "light above, dark below" alone does not make two frames alike.
_WHITENING = 0.7
_FLAT = 1.0  # standard deviation in grey levels of 255 below which a frame shows nothing

Floats = npt.NDArray[np.float32]
Thumbnail = npt.NDArray[np.uint8]


def thumbnail(image: Image, side_px: int = SIDE_PX) -> Thumbnail | None:
    """The frame in grey as (side, side), squeezed to a square and stretched to 0..255; None where it shows nothing.

    Of more than three bands the first three are taken.
    """
    small = cv2.resize(image.pixels[..., :3], (side_px, side_px), interpolation=cv2.INTER_AREA).astype(np.float32)
    grey = small if small.ndim == 2 else small @ _grey_weights(small.shape[2])
    full = 255.0 if image.pixels.dtype == np.uint8 else float(np.ptp(grey)) or 1.0
    if not np.isfinite(grey).all() or grey.std() * 255 / full < _FLAT:
        return None
    low, high = float(grey.min()), float(grey.max())
    return np.round((grey - low) * (255 / (high - low))).astype(np.uint8)


def _grey_weights(bands: int) -> Floats:
    return np.array([0.299, 0.587, 0.114] if bands == 3 else [1 / bands] * bands, np.float32)


def normalised(thumbnails: npt.NDArray) -> Floats:
    """Thumbnails (..., 128, 128) of mean 0 and standard deviation 1."""
    values = thumbnails.astype(np.float32)
    values -= values.mean(axis=(-2, -1), keepdims=True)
    return values / (values.std(axis=(-2, -1), keepdims=True) + 1e-3)


def describe(thumbnails: npt.NDArray) -> Floats:
    """Unit vectors (..., 49) of thumbnails (..., 128, 128); the first number, the brightness, is always 0."""
    basis = cosines(0.0, 1.0)
    return as_unit(basis @ normalised(thumbnails) @ basis.T)


def similarity(first: Floats, second: Floats) -> float:
    """How alike two descriptors are, at most 1: the largest correlation under the eight symmetries."""
    return float(np.max(symmetric(first) @ second))


def symmetric(descriptors: Floats) -> Floats:
    """The descriptors (n, 49) or (49,) of the same frames under each symmetry, in `turned`'s order: (..., 8, 49)."""
    square = descriptors.reshape(*descriptors.shape[:-1], FREQUENCIES, FREQUENCIES)
    sign = ((-1.0) ** np.arange(FREQUENCIES)).astype(np.float32)
    variants = []
    for number in range(SYMMETRIES):
        transpose, flip_rows, flip_columns = number >> 2 & 1, number >> 1 & 1, number & 1
        turned_square = square * sign[:, None] if flip_rows else square
        turned_square = turned_square * sign[None, :] if flip_columns else turned_square
        turned_square = np.swapaxes(turned_square, -1, -2) if transpose else turned_square
        variants.append(turned_square.reshape(descriptors.shape))
    return np.stack(variants, axis=-2)


def turned(pixels: npt.NDArray, number: int) -> npt.NDArray:
    """An array (height, width, ...) under symmetry `number` 0-7: rows reversed, columns reversed, then transposed."""
    pixels = pixels[::-1] if number >> 1 & 1 else pixels
    pixels = pixels[:, ::-1] if number & 1 else pixels
    return np.ascontiguousarray(np.swapaxes(pixels, 0, 1) if number >> 2 & 1 else pixels)


@cache
def cosines(start: float, share: float) -> Floats:
    """The cosine basis (7, 128) over the part start..start+share of an axis; outside that part it is 0."""
    position = ((np.arange(SIDE_PX) + 0.5) / SIDE_PX - start) / share
    inside = (position >= 0) & (position < 1)
    basis = np.cos(np.pi * np.arange(FREQUENCIES)[:, None] * position) * inside
    basis[1:] -= basis[1:].sum(axis=1, keepdims=True) / inside.sum() * inside  # blind to brightness
    return (basis / np.linalg.norm(basis, axis=1, keepdims=True)).astype(np.float32)


def as_unit(coefficients: npt.NDArray) -> Floats:
    """Coefficients (..., 7, 7) whitened, without brightness, as unit vectors (..., 49)."""
    order = np.arange(FREQUENCIES)
    weights = (np.hypot(order[:, None], order[None, :]) ** _WHITENING).astype(np.float32)
    weighted = (coefficients * weights).reshape(*coefficients.shape[:-2], -1)
    return (weighted / np.maximum(np.linalg.norm(weighted, axis=-1, keepdims=True), 1e-6)).astype(np.float32)
