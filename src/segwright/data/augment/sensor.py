"""What the sensor and the moment of exposure do to a crop: photon and read noise, bands, hot pixels, motion.

float32 crops of 0..1, which 8-bit and 16-bit frames become; any number of bands. Float frames are measurements without
a full scale: the plan leaves all of this off for them.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

Crop = npt.NDArray[np.float32]
NOISE_TABLE = 1 << 20
# At strength 1: a pixel full at 1,000 electrons and 10 of read noise, as a small industrial sensor at high gain.
FULL_WELL, READ_NOISE = 1000.0, 0.01
BAND_LEVEL = 0.03
HOT_SHARE = 5e-4


def gaussian(shape: tuple[int, ...], rng: np.random.Generator) -> Crop:
    """Standard normal noise cut from one table at a random place: a tenth of the time that drawing it anew takes."""
    table = _noise_table()
    wanted = int(np.prod(shape))
    start = int(rng.integers(max(1, len(table) - wanted)))
    return np.resize(table[start : start + wanted], shape)


@cache
def _noise_table() -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal(NOISE_TABLE, dtype=np.float32)


def sensor_noise(crop: Crop, strength: float, rng: np.random.Generator) -> Crop:
    """Shot noise, which grows with the root of the light, and read noise, which does not.

    Source: the affine noise model of Foi et al. 2008 (Gaussian in place of Poisson, as for more than a few electrons).
    """
    factor = np.float32(rng.uniform(0, strength))
    spread = np.sqrt(crop * np.float32(1 / FULL_WELL) + np.float32(READ_NOISE**2))
    spread *= gaussian(crop.shape, rng)
    spread *= factor
    crop += spread
    return crop


def banding(crop: Crop, strength: float, rng: np.random.Generator) -> Crop:
    """An offset of its own for each row, or each column: what a readout circuit adds, the same in every band."""
    axis = int(rng.integers(2))
    level = np.float32(rng.uniform(0, strength) * BAND_LEVEL)
    offsets = gaussian((crop.shape[axis],), rng) * level
    crop += offsets[:, np.newaxis, np.newaxis] if axis == 0 else offsets[np.newaxis, :, np.newaxis]
    return crop


def hot_pixels(crop: Crop, strength: float, rng: np.random.Generator) -> Crop:
    """Single pixels that are full in one band whatever the light."""
    count = int(rng.binomial(crop.size, min(1.0, rng.uniform(0, strength) * HOT_SHARE)))
    crop.reshape(-1)[rng.integers(crop.size, size=count)] = 1.0
    return crop


def motion_blur(crop: Crop, longest_px: float, rng: np.random.Generator) -> Crop:
    """The part moved up to `longest_px` along a straight line while the shutter was open."""
    length, angle = rng.uniform(0, longest_px), rng.uniform(0, np.pi)
    kernel = line_kernel(float(length), float(angle))
    moved = cv2.filter2D(crop, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.float32).reshape(crop.shape)


def line_kernel(length_px: float, angle: float) -> npt.NDArray[np.float32]:
    """Weights that add up to 1 along a line about the middle: a single 1 where the length is 0."""
    reach = int(np.ceil(length_px / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    steps = np.linspace(-length_px / 2, length_px / 2, 8 * reach + 1)
    rows, columns = reach + steps * np.sin(angle), reach + steps * np.cos(angle)
    # each point of the line is shared between the four pixels about it, so that no angle is better than another
    for row, row_share in ((np.floor(rows), 1 - rows % 1), (np.floor(rows) + 1, rows % 1)):
        for column, share in ((np.floor(columns), 1 - columns % 1), (np.floor(columns) + 1, columns % 1)):
            inside = (row < len(kernel)) & (column < len(kernel))
            places = row[inside].astype(int), column[inside].astype(int)
            np.add.at(kernel, places, (row_share * share)[inside].astype(np.float32))
    return kernel / kernel.sum()
