"""Outlines of all classes of two maps, matched in one walk over the pixels where a map changes.

What an outline is, and when one is matched: see `segwright.evaluate.boundary`, whose plain counterpart gives the same
counts. A pixel that differs from its right, lower or lower-right neighbour lies on the outline of every class among the
four, and of no other. So a pixel's outlines fit in one word, a bit a class, and all of them are looked up together, and
counted eight classes at a time.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

MOST_CLASSES = 64  # bits of a word
_BYTE = np.uint64(255)


@numba.njit(cache=True, nogil=True)
def find_outlines(
    ids: npt.NDArray, bit_of: npt.NDArray[np.uint64], most: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint64], Any]:
    """The pixels that differ from their right, lower or lower-right neighbour, and which classes' outlines run there.

    Where each row's pixels begin and the last row's end, int64 (height + 1,), their columns, ascending, and the bits of
    the four ids; then all bits there are in the map. Where they are more than `most`, none is given and their
    number is not known.
    """
    height, width = ids.shape
    found, seen = 0, bit_of[ids[0, 0]]
    changed = np.zeros((width + 7) // 8 * 8, dtype=np.uint8)
    words = changed.view(np.uint64)
    start = np.zeros(height + 1, dtype=np.int64)
    columns, bits = np.empty(most + width, dtype=np.int64), np.empty(most + width, dtype=np.uint64)
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
                        columns[found] = column
                        seen |= bits[found]
                        found += 1
        if found > most:
            start[height] = found
            return start, columns[:0], bits[:0], seen
        start[row + 1] = found
    return start, columns[:found], bits[:found], seen


@numba.njit(cache=True, nogil=True)
def _changes_of_row(ids: npt.NDArray, row: int, below: int, changed: npt.NDArray[np.uint8]) -> None:
    """1 in `changed` where a pixel of the row differs from the next, the one below or that one's next."""
    last = ids.shape[1] - 1
    for column in range(last):
        own = ids[row, column]
        changed[column] = (own != ids[row, column + 1]) | (own != ids[below, column]) | (own != ids[below, column + 1])
    changed[last] = ids[row, last] != ids[below, last]


@numba.njit(cache=True, nogil=True)
def count_matches(
    asked: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint64]],
    other: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint64]],
    canvas: npt.NDArray,
    offsets: npt.NDArray[np.int64],
    rings: npt.NDArray[np.int64],
    shape: tuple[int, int],
) -> npt.NDArray[np.int64]:
    """Outline pixels of each class, int64 (1 + distances, classes), `shape`: all, and those matched within a distance.

    `asked` and `other` are row starts, columns and bits as `find_outlines` gives them. `offsets` (offsets, 2) are rows
    down and columns to the right, nearest first; `rings` (rings, 3) says where each ring starts and ends, and which of
    the distances reaches it first.

    `canvas` is empty: some rows of a map, as many as a power of two, with the farthest offset as margin. It holds the
    other map's bits in the rows around the one that is looked at, so that it stays near the processor.
    """
    rows, classes = shape
    eights = (classes + 7) // 8
    counted = np.zeros((rows * eights, 256), dtype=np.int64)
    start = asked[0]
    height, reach, last = start.size - 1, offsets[:, 0].max(), canvas.shape[0] - 1
    flat, stride, line = canvas.reshape(-1), canvas.shape[1], np.empty(offsets.shape[0], np.int64)
    for row in range(-reach, height):
        _put_row(canvas[(row + reach) & last], other, row + reach, reach)
        if row > reach:
            _clear_row(canvas[(row - reach - 1) & last], other, row - reach - 1, reach)
        if row < 0 or start[row] == start[row + 1]:
            continue
        for place in range(line.size):
            line[place] = ((row + offsets[place, 0]) & last) * stride + offsets[place, 1] + reach
        _count_row(asked, row, flat, line, rings, eights, counted)
    return _of_classes(counted.reshape(rows, eights, 256), classes)


@numba.njit(cache=True, nogil=True)
def _count_row(
    asked: tuple,
    row: int,
    canvas: npt.NDArray,
    line: npt.NDArray[np.int64],
    rings: npt.NDArray[np.int64],
    eights: int,
    counted: npt.NDArray[np.int64],
) -> None:
    """Add a row's outline pixels; `line` has the places of the offsets on the flat canvas, for column 0."""
    start, columns, bits = asked
    for index in range(start[row], start[row + 1]):
        missing = bits[index]
        _add(counted, 0, eights, missing)
        for ring in range(rings.shape[0]):
            near = _near(canvas, columns[index], line, rings[ring, 0], rings[ring, 1])
            found = missing & near
            if found:
                _add(counted, (1 + rings[ring, 2]) * eights, eights, found)
                missing ^= found
                if not missing:
                    break


@numba.njit(cache=True, nogil=True)
def _near(canvas: npt.NDArray, column: int, line: npt.NDArray[np.int64], first: int, end: int) -> np.uint64:
    """The bits at some places around a column."""
    near = canvas[np.uint64(column + line[first])]
    for place in range(first + 1, end):
        # unsigned: an index that may be negative costs numba a comparison each time
        near |= canvas[np.uint64(column + line[np.uint64(place)])]
    return np.uint64(near)


@numba.njit(cache=True, nogil=True)
def _put_row(canvas: npt.NDArray, outlines: tuple, row: int, margin: int) -> None:
    """Write a row's bits; beyond the map there are none."""
    if row < outlines[0].size - 1:
        for index in range(outlines[0][row], outlines[0][row + 1]):
            canvas[np.uint64(outlines[1][index] + margin)] = outlines[2][index]


@numba.njit(cache=True, nogil=True)
def _clear_row(canvas: npt.NDArray, outlines: tuple, row: int, margin: int) -> None:
    for index in range(outlines[0][row], outlines[0][row + 1]):
        canvas[np.uint64(outlines[1][index] + margin)] = 0


@numba.njit(cache=True, nogil=True)
def _add(counted: npt.NDArray[np.int64], first: int, eights: int, bits: np.uint64) -> None:
    """One more of each eight bits as they are, in the rows from `first` on."""
    for eight in range(eights):
        counted[np.uint64(first + eight), (bits >> np.uint64(8 * eight)) & _BYTE] += 1


@numba.njit(cache=True, nogil=True)
def _of_classes(counted: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.int64]:
    """How often each class's bit was there; what is matched within one distance is within every larger one too."""
    counts = np.zeros((counted.shape[0], classes), dtype=np.int64)
    for row in range(counted.shape[0]):
        for channel in range(classes):
            for value in range(256):
                if (value >> (channel % 8)) & 1:
                    counts[row, channel] += counted[row, channel // 8, value]
            if row > 1:
                counts[row, channel] += counts[row - 1, channel]
    return counts
