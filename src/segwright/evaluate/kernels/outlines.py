"""Outlines of all classes of two maps, matched in one walk over the pixels where a map changes.

What an outline is, and when one is matched: see `segwright.evaluate.boundary`, whose plain counterpart gives the same
counts. A pixel that differs from its right, lower or lower-right neighbour lies on the outline of every class among the
four, and of no other. So a pixel's outlines fit in one word, a bit a class, and all of them are looked up together.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

MOST_CLASSES = 64  # bits of a word
NONE = np.uint64(0)

# A de Bruijn sequence: multiplied by a power of two, its six highest bits tell which power.
DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
PLACE_OF = np.zeros(64, dtype=np.int64)
for _bit in range(64):
    PLACE_OF[(int(DE_BRUIJN) << _bit & (1 << 64) - 1) >> 58] = _bit


@numba.njit(cache=True, nogil=True)
def find_outlines(
    ids: npt.NDArray, bit_of: npt.NDArray[np.uint64], margin: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """The pixels that differ from their right, lower or lower-right neighbour, and which classes' outlines run there.

    Positions are flat on a canvas with `margin` pixels around the map, ascending; the bits are those of the four ids.
    """
    height, width = ids.shape
    stride, found = width + 2 * margin, 0
    changed = np.zeros((width + 7) // 8 * 8, dtype=np.uint8)
    words = changed.view(np.uint64)
    count = _count_changes(ids, changed)
    positions, bits = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.uint64)
    for row in range(height):
        below = min(row + 1, height - 1)
        _changes_of_row(ids, row, below, changed)
        for word in range(words.size):
            if words[word]:
                for column in range(8 * word, 8 * word + 8):
                    if changed[column]:
                        right = min(column + 1, width - 1)
                        upper = bit_of[ids[row, column]] | bit_of[ids[row, right]]
                        bits[found] = upper | bit_of[ids[below, column]] | bit_of[ids[below, right]]
                        positions[found] = (row + margin) * stride + column + margin
                        found += 1
    return positions, bits


@numba.njit(cache=True, nogil=True)
def _count_changes(ids: npt.NDArray, changed: npt.NDArray[np.uint8]) -> int:
    count = 0
    for row in range(ids.shape[0]):
        _changes_of_row(ids, row, min(row + 1, ids.shape[0] - 1), changed)
        for column in range(changed.size):
            count += changed[column]
    return count


@numba.njit(cache=True, nogil=True)
def _changes_of_row(ids: npt.NDArray, row: int, below: int, changed: npt.NDArray[np.uint8]) -> None:
    """1 in `changed` where a pixel of the row differs from the next, the one below or that one's next."""
    last = ids.shape[1] - 1
    for column in range(last):
        own = ids[row, column]
        changed[column] = (own != ids[row, column + 1]) | (own != ids[below, column]) | (own != ids[below, column + 1])
    changed[last] = ids[row, last] != ids[below, last]


@numba.njit(cache=True, nogil=True)
def write_bits(canvas: npt.NDArray, positions: npt.NDArray[np.int64], bits: npt.NDArray[np.uint64]) -> None:
    """Put the bits on the canvas (flat)."""
    for index in range(positions.size):
        canvas[positions[index]] = bits[index]


@numba.njit(cache=True, nogil=True)
def clear_bits(canvas: npt.NDArray, positions: npt.NDArray[np.int64]) -> None:
    """Take them off again."""
    for index in range(positions.size):
        canvas[positions[index]] = 0


@numba.njit(cache=True, nogil=True)
def count_matches(
    positions: npt.NDArray[np.int64],
    bits: npt.NDArray[np.uint64],
    canvas: npt.NDArray,
    offsets: npt.NDArray[np.int64],
    rings: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
) -> None:
    """Add outline pixels of each class to `counts` (1 + distances, classes), and how many of them are matched.

    `canvas` (flat) holds the bits of the other map, with a margin of 0; `positions` are on it. `offsets` are flat,
    nearest first; `rings` (rings, 3) says where each ring starts and ends, and which of the distances reaches it first.
    Row 0 of `counts` is of outline pixels, row 1 + k of those matched within distance k.
    """
    distances = counts.shape[0] - 1
    for index in range(positions.size):
        centre, missing = positions[index], bits[index]
        _add(counts, 0, missing)
        for ring in range(rings.shape[0]):
            near = NONE
            for place in range(rings[ring, 0], rings[ring, 1]):
                # unsigned: an index that may be negative costs numba a comparison each time
                near |= canvas[np.uint64(centre + offsets[np.uint64(place)])]
            found = missing & near
            if found:
                for distance in range(rings[ring, 2], distances):
                    _add(counts, 1 + distance, found)
                missing &= ~found
                if not missing:
                    break


@numba.njit(cache=True, nogil=True)
def _add(counts: npt.NDArray[np.int64], row: int, bits: np.uint64) -> None:
    """One more for every bit."""
    while bits:
        lowest = bits & (~bits + np.uint64(1))
        counts[row, PLACE_OF[(lowest * DE_BRUIJN) >> np.uint64(58)]] += 1
        bits ^= lowest
