"""The reliability bins of every class in one pass over its probabilities."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

LANES = 4  # neighbours fall into the same bin; in tables of their own they do not wait for one another


@numba.njit(cache=True, nogil=True)
def count_class_bins(
    values: npt.NDArray[np.float32], channels: npt.NDArray[np.int64], bins: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Pixels (classes, bins, 2), sums of probabilities (classes, bins) and of squared errors (classes,).

    `values` is (classes, pixels), `channels` (pixels,) with a negative number where void; those are left out. Pixels
    are counted apart by whether their truth is another class or the class. Bin b holds (b/bins, (b+1)/bins].
    """
    classes = values.shape[0]
    pixels = np.zeros((classes, bins, 2), dtype=np.int64)
    sums = np.zeros((classes, bins), dtype=np.float64)
    squares = np.zeros(classes, dtype=np.float64)
    for channel in range(classes):
        counted = np.zeros((LANES, 2 * bins), dtype=np.int64)
        summed = np.zeros((LANES, bins), dtype=np.float64)
        squared = np.zeros(LANES, dtype=np.float64)
        for pixel in range(channels.size):
            true = channels[pixel]
            if true < 0:
                continue
            lane = pixel % LANES
            probability = np.float64(values[channel, pixel])
            place = min(max(int(np.ceil(probability * bins)) - 1, 0), bins - 1)
            hit = 1 if true == channel else 0
            counted[lane, 2 * place + hit] += 1
            summed[lane, place] += probability
            squared[lane] += (probability - hit) * (probability - hit)
        pixels[channel] = counted.sum(axis=0).reshape(bins, 2)
        sums[channel] = summed.sum(axis=0)
        squares[channel] = squared.sum()
    return pixels, sums, squares
