"""Connected components of all classes at once, from the runs of equal ids in each row, and how wide they are.

Plain counterpart: `class_objects_plainly` of component_overlap.py, class after class.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def find_runs(ids: npt.NDArray, wanted: npt.NDArray[np.bool_], reach: int) -> tuple[Integers, Integers, Integers]:
    """Runs of equal wanted ids in the rows of a map: where each begins and ends (flat), and its object's first run.

    `ids` is (height, width). Runs of one id in neighbouring rows are one object where they share a column or, with
    `reach` 1, touch at a corner; with 0 that is not enough. Flat positions ascend, so objects are found in the order of
    their first pixels.
    """
    height, width = ids.shape
    count = _count_runs(ids, wanted)
    begin, end, first = np.empty(count, np.int64), np.empty(count, np.int64), np.arange(count)
    found, above, above_end = 0, 0, 0
    for row in range(height):
        row_start, column = found, 0
        while column < width:
            own, start = ids[row, column], column
            column += 1
            while column < width and ids[row, column] == own:
                column += 1
            if not wanted[own]:
                continue
            begin[found], end[found] = row * width + start, row * width + column
            before = (row - 1) * width
            while above < above_end and end[above] + reach <= before + start:
                above += 1
            other = above
            while other < above_end and begin[other] < before + column + reach:
                if ids[row - 1, begin[other] - before] == own:
                    _join(first, other, found)
                other += 1
            found += 1
        above, above_end = row_start, found
    for run in range(count):
        first[run] = first[first[run]]  # the first run of an object comes first, and is told already
    return begin, end, first


@numba.njit(cache=True, nogil=True)
def _count_runs(ids: npt.NDArray, wanted: npt.NDArray[np.bool_]) -> int:
    count = 0
    for row in range(ids.shape[0]):
        count += int(wanted[ids[row, 0]])
        for column in range(1, ids.shape[1]):
            count += int((ids[row, column] != ids[row, column - 1]) & wanted[ids[row, column]])
    return count


@numba.njit(cache=True, nogil=True)
def _join(first: Integers, one: int, other: int) -> None:
    """Make two runs one object: the root is the earlier of both roots."""
    one, other = _root(first, one), _root(first, other)
    if one < other:
        first[other] = one
    else:
        first[one] = other


@numba.njit(cache=True, nogil=True)
def _root(first: Integers, run: int) -> int:
    while first[run] != run:
        first[run] = first[first[run]]
        run = first[run]
    return run


@numba.njit(cache=True, nogil=True)
def shared(
    true: tuple[Integers, Integers, Integers],
    said: tuple[Integers, Integers, Integers],
    ids: npt.NDArray,
    other: npt.NDArray,
) -> tuple[Integers, Integers, Integers]:
    """Where runs of objects of one id meet: number of the true object, of the other one, and the pixels.

    A side is begin, end and number of each run, -1 for one that is passed over. `ids` and `other` are the maps, flat.
    """
    most = true[0].size + said[0].size
    ones, others, pixels = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    found, one, two = 0, 0, 0
    while one < true[0].size and two < said[0].size:
        first, last = max(true[0][one], said[0][two]), min(true[1][one], said[1][two])
        if last > first and true[2][one] >= 0 and said[2][two] >= 0 and ids[first] == other[first]:
            ones[found], others[found], pixels[found] = true[2][one], said[2][two], last - first
            found += 1
        if true[1][one] < said[1][two]:
            one += 1
        else:
            two += 1
    return ones[:found], others[:found], pixels[:found]


@numba.njit(cache=True, nogil=True)
def squared_radii(values: npt.NDArray, begin: Integers, end: Integers, number: Integers, objects: int) -> Integers:
    """The square of the largest distance of each object's pixels to the nearest pixel of another value, px^2.

    `values` is (height, width); beyond it is another value. Runs are as in `shared`.

    The distance up and down is known for all pixels after two sweeps, that to the ends of its run as well. A pixel is
    looked at closely only where both are more than what its object has already.
    """
    width = values.shape[1]
    away = _away_in_column(values)
    largest = np.zeros(objects, np.int64)
    for run in range(begin.size):
        if number[run] < 0:
            continue
        row, reached = begin[run] // width, largest[number[run]]
        left, right = begin[run] - row * width, end[run] - row * width
        for column in range(left, right):
            across = min(column - left + 1, right - column)
            best = min(across, away[row, column]) ** 2
            step = 1
            while best > reached and step * step < best and step < across:
                nearer = min(away[row, column - step], away[row, column + step])
                best = min(best, step * step + nearer * nearer)
                step += 1
            # beyond the nearer end only one side is left
            while best > reached and step * step < best:
                if column - step >= left:
                    best = min(best, step * step + away[row, column - step] ** 2)
                if column + step < right:
                    best = min(best, step * step + away[row, column + step] ** 2)
                step += 1
            reached = max(reached, best)
        largest[number[run]] = reached
    return largest


@numba.njit(cache=True, nogil=True)
def _away_in_column(values: npt.NDArray) -> npt.NDArray[np.int64]:
    """How far the nearest other value, or the frame's outside, is up or down; at least 1."""
    height, width = values.shape
    away = np.ones((height, width), np.int64)
    for row in range(1, height - 1):
        for column in range(width):
            same = values[row, column] == values[row - 1, column]
            away[row, column] = away[row - 1, column] + 1 if same else 1
    for row in range(height - 2, -1, -1):
        for column in range(width):
            same = values[row, column] == values[row + 1, column]
            away[row, column] = min(away[row, column], away[row + 1, column] + 1 if same else 1)
    return away
