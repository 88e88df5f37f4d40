"""How far is the nearest point of a set, on a plane of pixels?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

_FAR = np.int32(2**30)


@njit(cache=True, nogil=True, boundscheck=False)
def nearest_squared(
    asked: npt.NDArray[np.int32], other: npt.NDArray[np.int32], row_step: float, column_step: float
) -> npt.NDArray[np.float64]:
    """The squared distance (asked,) from each place of `asked` to the nearest of `other`, exactly.

    Both are int32 (2, count), rows and columns, `other` with at least one. Steps are the distances between rows and
    between columns. Rows to the nearest place above or below are found for the whole box around both sets in two
    sweeps; from an asked place one then walks sideways until no column can be nearer.
    """
    top, left = min(asked[0].min(), other[0].min()), min(asked[1].min(), other[1].min())
    width = max(asked[1].max(), other[1].max()) - left + 1
    rows = _rows_to_nearest(other, top, left, max(asked[0].max(), other[0].max()) - top + 1, width)
    found = np.empty(asked.shape[1], dtype=np.float64)
    for index in range(asked.shape[1]):
        line, column = rows[asked[0, index] - top], asked[1, index] - left
        best = np.float64(line[column]) * row_step
        best *= best
        for away in range(1, max(column, width - 1 - column) + 1):
            across = away * column_step
            across *= across
            if across >= best:
                break
            nearer = _FAR
            if column >= away:
                nearer = line[column - away]
            if column + away < width:
                nearer = min(nearer, line[column + away])
            down = np.float64(nearer) * row_step
            best = min(best, down * down + across)
        found[index] = best
    return found


@njit(cache=True, nogil=True, boundscheck=False)
def _rows_to_nearest(
    other: npt.NDArray[np.int32], top: int, left: int, height: int, width: int
) -> npt.NDArray[np.int32]:
    rows = np.full((height, width), _FAR, dtype=np.int32)
    for index in range(other.shape[1]):
        rows[other[0, index] - top, other[1, index] - left] = 0
    for row in range(1, height):
        for column in range(width):
            rows[row, column] = min(rows[row, column], rows[row - 1, column] + 1)
    for row in range(height - 2, -1, -1):
        for column in range(width):
            rows[row, column] = min(rows[row, column], rows[row + 1, column] + 1)
    return rows
