"""Pixels near the outline of their own region, in all classes at once; see `segwright.evaluate.boundary_iou`.

A square around a pixel holds another id exactly where two pixels side by side in it, or one above the other, differ. So
it is enough to know where neighbours differ: each such place covers an interval of its row, and a pixel is near where
the last row that covered its column is not too far above; rows are looked at as far ahead as the distance reaches. The
cost does not grow with the distance.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

_WORD = 8
_EACH = np.uint64(0x0101010101010101)
_NEVER = np.int32(-(2**30))


@numba.njit(cache=True, nogil=True)
def count_near(truth: npt.NDArray, prediction: npt.NDArray, reach: int, ids: int) -> npt.NDArray[np.int64]:
    """Pixels of each id near an outline, int64 (3, ids): in both maps, in the truth, in the prediction.

    Near is where a pixel of another id, or the frame's edge, is within `reach` px across and down. Maps are
    (height, width) of one type.
    """
    height, width = truth.shape
    padded = (width + _WORD - 1) // _WORD * _WORD
    counts = np.zeros((3, ids), dtype=np.int64)
    latest = np.full((2, width), _NEVER, dtype=np.int32)
    near = np.zeros((2, padded), dtype=np.uint8)
    marked = np.zeros(padded, dtype=np.uint8)
    rows = np.zeros((2, padded), dtype=truth.dtype)
    for row in range(-reach, height):
        _look_at(truth, row + reach, reach, marked, latest[0])
        _look_at(prediction, row + reach, reach, marked, latest[1])
        if row < 0:
            continue
        for side in range(2):
            _mark_near(latest[side], row, reach, height, near[side])
        rows[0, :width], rows[1, :width] = truth[row], prediction[row]
        _count_row(rows, near, counts)
    return counts


@numba.njit(cache=True, nogil=True)
def _look_at(
    ids: npt.NDArray, row: int, reach: int, marked: npt.NDArray[np.uint8], latest: npt.NDArray[np.int32]
) -> None:
    """Note in `latest` which columns are covered where the row differs from the one before, or in itself."""
    height, width = ids.shape
    if 1 <= row < height:
        for column in range(width):
            marked[column] = ids[row - 1, column] != ids[row, column]
        _cover(marked, reach, reach, np.int32(row - 1), latest)
    if row < height:
        for column in range(width - 1):
            marked[column] = ids[row, column] != ids[row, column + 1]
        marked[width - 1] = 0
        _cover(marked, reach - 1, reach, np.int32(row), latest)


@numba.njit(cache=True, nogil=True)
def _cover(marked: npt.NDArray[np.uint8], back: int, ahead: int, row: np.int32, latest: npt.NDArray[np.int32]) -> None:
    """`row` from `back` columns before each mark to `ahead` columns behind it; eight empty ones are skipped."""
    words, covered = marked.view(np.uint64), 0
    for word in range(words.size):
        if words[word]:
            for column in range(_WORD * word, _WORD * word + _WORD):
                if marked[column]:
                    end = min(latest.size, column + ahead + 1)
                    latest[max(covered, column - back) : end] = row
                    covered = end


@numba.njit(cache=True, nogil=True)
def _mark_near(latest: npt.NDArray[np.int32], row: int, reach: int, height: int, near: npt.NDArray[np.uint8]) -> None:
    """1 where a column was covered at most `reach` rows above, or the frame's edge is near."""
    width, oldest = latest.size, np.int32(row - reach)
    if row < reach or row >= height - reach:
        near[:width] = 1
        return
    for column in range(width):
        near[column] = latest[column] >= oldest
    near[: min(reach, width)] = 1
    near[max(0, width - reach) : width] = 1


@numba.njit(cache=True, nogil=True)
def _count_row(rows: npt.NDArray, near: npt.NDArray[np.uint8], counts: npt.NDArray[np.int64]) -> None:
    """Add a row of truth and prediction. Eight pixels are counted together where each map has one id in them."""
    true, said = near[0].view(np.uint64), near[1].view(np.uint64)
    for word in range(true.size):
        if not (true[word] | said[word]):
            continue
        first, even = _WORD * word, True
        for column in range(first + 1, first + _WORD):
            even &= (rows[0, column] == rows[0, first]) & (rows[1, column] == rows[1, first])
        if even:
            one, other = rows[0, first], rows[1, first]
            counts[1, one] += _ones(true[word])
            counts[2, other] += _ones(said[word])
            if one == other:
                counts[0, one] += _ones(true[word] & said[word])
            continue
        for column in range(first, first + _WORD):
            one, other = rows[0, column], rows[1, column]
            counts[1, one] += near[0, column]
            counts[2, other] += near[1, column]
            counts[0, one] += near[0, column] & near[1, column] & (one == other)


@numba.njit(cache=True, nogil=True)
def _ones(word: np.uint64) -> np.int64:
    """How many of eight bytes, each 0 or 1, are 1."""
    return np.int64((word * _EACH) >> np.uint64(56))
