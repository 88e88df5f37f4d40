"""The reliability bins of every class, and of the most probable one, in one pass over the probabilities.

The pixels are taken in blocks, and each block in three loops: the first and the last work on several pixels at once,
which a loop that also adds to tables cannot.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

LANES = 4  # neighbours fall into the same bin; in tables of their own they do not wait for one another
BLOCK = 4096  # pixels that are looked at class by class while they are near; a multiple of LANES

Integers = npt.NDArray[np.int32]
Reals = npt.NDArray[np.float32]


@numba.njit(cache=True, nogil=True)
def count_bins(
    values: Reals, channels: npt.NDArray[np.int64], bins: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Pixels (classes + 1, bins, 2), sums of probabilities (classes + 1, bins), of squared errors (classes,).

    `values` is (classes, pixels), `channels` (pixels,) with a negative number where void; those are left out. Pixels
    are counted apart by whether their truth is another class or the class. Bin b holds (b/bins, (b+1)/bins]. The last
    row of the first two is of each pixel's most probable class, of equal ones the first.
    """
    classes = values.shape[0]
    counted = np.zeros((classes + 1, LANES, 2 * bins + 2), dtype=np.int64)
    summed = np.zeros((classes + 1, LANES, 2 * bins + 2), dtype=np.float64)
    squares = np.zeros(classes, dtype=np.float64)
    true, decided, codes = (
        np.empty(BLOCK, dtype=np.int32), np.empty(BLOCK, dtype=np.int32), np.empty(BLOCK, dtype=np.int32)
    )  # fmt: skip
    top = np.empty(BLOCK, dtype=np.float32)
    for first in range(0, channels.size, BLOCK):
        size = min(BLOCK, channels.size - first)
        for pixel in range(size):
            true[pixel] = channels[first + pixel]
        top[:], decided[:] = -1.0, 0
        for channel in range(classes):
            block = values[channel, first : first + size]
            _raise_top(block, np.int32(channel), top, decided)
            _find_codes(block, true, np.int32(channel), bins, codes)
            _add(block, codes, counted[channel], summed[channel])
            squares[channel] += _squared_errors(block, true, np.int32(channel))
        for pixel in range(size):  # in the class's place: 1 where the decided class is true, -1 where void
            decided[pixel] = -1 if true[pixel] < 0 else (1 if decided[pixel] == true[pixel] else 0)
        _find_codes(top[:size], decided, np.int32(1), bins, codes)
        _add(top[:size], codes, counted[classes], summed[classes])
    pixels = counted.sum(axis=1)[:, : 2 * bins].copy().reshape(classes + 1, bins, 2)
    sums = summed.sum(axis=1)[:, : 2 * bins].copy().reshape(classes + 1, bins, 2).sum(axis=2)
    return pixels, sums, squares


@numba.njit(cache=True, nogil=True)
def _raise_top(block: Reals, channel: np.int32, top: Reals, decided: Integers) -> None:
    """The channel is the decided one where its probability is higher than any before."""
    for pixel in range(block.size):
        higher = block[pixel] > top[pixel]
        decided[pixel] = channel if higher else decided[pixel]
        top[pixel] = block[pixel] if higher else top[pixel]


@numba.njit(cache=True, nogil=True)
def _find_codes(block: Reals, true: Integers, channel: np.int32, bins: int, codes: Integers) -> None:
    """Twice the bin of each pixel, and one more where `true` is the channel; void has a place of its own at the end."""
    last = np.int32(bins - 1)
    for pixel in range(block.size):
        place = np.int32(np.ceil(np.float64(block[pixel]) * bins)) - np.int32(1)
        place = min(max(place, np.int32(0)), last)
        hit = np.int32(1) if true[pixel] == channel else np.int32(0)
        codes[pixel] = np.int32(2) * (place if true[pixel] >= 0 else last + np.int32(1)) + hit


@numba.njit(cache=True, nogil=True)
def _add(block: Reals, codes: Integers, counted: npt.NDArray[np.int64], summed: npt.NDArray[np.float64]) -> None:
    """Add the block's pixels to the tables (lanes, codes)."""
    for pixel in range(block.size):
        lane, code = np.uint64(pixel % LANES), np.uint64(codes[pixel])
        counted[lane, code] += 1
        summed[lane, code] += np.float64(block[pixel])


@numba.njit(cache=True, nogil=True, fastmath={"reassoc"})
def _squared_errors(block: Reals, true: Integers, channel: np.int32) -> float:
    """The summed squares of how far valid pixels' probabilities are from 1 where the channel is true, else from 0."""
    total = 0.0
    for pixel in range(block.size):
        away = np.float64(block[pixel]) - (1.0 if true[pixel] == channel else 0.0)
        total += away * away if true[pixel] >= 0 else 0.0
    return total
