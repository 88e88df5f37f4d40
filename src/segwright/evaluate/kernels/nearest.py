"""How far is the nearest point of a set, on a grid of pixels or voxels?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

_FAR = np.int32(2**30)


@njit(cache=True, nogil=True, boundscheck=False)
def nearest_squared(
    asked: npt.NDArray[np.int32], other: npt.NDArray[np.int32], spacing: tuple[float, float, float]
) -> npt.NDArray[np.float64]:
    """The squared distance (asked,) from each place of `asked` to the nearest of `other`, exactly.

    Both are int32 (3, count), slice, row and column, `other` with at least one; `spacing` is the distance between
    neighbours along each axis. A plane of pixels has height and width as its first and last axis. Steps to the nearest
    place along the first axis are found for the whole box around both sets in two sweeps; from an asked place one then
    walks away along the other two, until nothing there can be nearer.
    """
    corner, shape = np.empty(3, np.int64), np.empty(3, np.int64)
    for axis in range(3):
        corner[axis] = min(asked[axis].min(), other[axis].min())
        shape[axis] = max(asked[axis].max(), other[axis].max()) - corner[axis] + 1
    steps = _steps_to_nearest(other, corner, (shape[0], shape[1], shape[2]))
    found = np.empty(asked.shape[1], dtype=np.float64)
    for index in range(asked.shape[1]):
        plane, row, column = (
            steps[asked[0, index] - corner[0]],
            asked[1, index] - corner[1],
            asked[2, index] - corner[2],
        )
        best = _nearer_in_row(plane[row], column, spacing, 0.0, np.inf)
        for away in range(1, max(row, shape[1] - 1 - row) + 1):
            down = away * spacing[1]
            down *= down
            if down >= best:
                break
            if row >= away:
                best = _nearer_in_row(plane[row - away], column, spacing, down, best)
            if row + away < shape[1]:
                best = _nearer_in_row(plane[row + away], column, spacing, down, best)
        found[index] = best
    return found


@njit(cache=True, nogil=True, boundscheck=False)
def _nearer_in_row(
    steps: npt.NDArray[np.int32], column: int, spacing: tuple[float, float, float], down: float, best: float
) -> float:
    """The least of `best` and the squared distances to places above and below a row that is `down` (squared) away."""
    for away in range(max(column, steps.size - 1 - column) + 1):
        across = away * spacing[2]
        across *= across
        if down + across >= best:
            break
        nearer = _FAR
        if column >= away:
            nearer = min(nearer, steps[column - away])
        if column + away < steps.size:
            nearer = min(nearer, steps[column + away])
        over = np.float64(nearer) * spacing[0]
        best = min(best, over * over + down + across)
    return best


@njit(cache=True, nogil=True, boundscheck=False)
def _steps_to_nearest(
    other: npt.NDArray[np.int32], corner: npt.NDArray[np.int64], shape: tuple[int, int, int]
) -> npt.NDArray[np.int32]:
    """Steps along the first axis to the nearest place, for every place of the box."""
    steps = np.full(shape, _FAR, dtype=np.int32)
    for index in range(other.shape[1]):
        steps[other[0, index] - corner[0], other[1, index] - corner[1], other[2, index] - corner[2]] = 0
    for layer in range(1, shape[0]):
        _take_step(steps[layer - 1], steps[layer])
    for layer in range(shape[0] - 2, -1, -1):
        _take_step(steps[layer + 1], steps[layer])
    return steps


@njit(cache=True, nogil=True, boundscheck=False)
def _take_step(before: npt.NDArray[np.int32], here: npt.NDArray[np.int32]) -> None:
    for row in range(here.shape[0]):
        for column in range(here.shape[1]):
            here[row, column] = min(here[row, column], before[row, column] + 1)
