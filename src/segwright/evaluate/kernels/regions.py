"""The pixels near the outline of their own region, in all classes at once; see `segwright.evaluate.boundary_iou`.

A square around a pixel holds another id exactly where two pixels side by side in it, or one above the other, differ. So
it is enough to know where neighbours differ: each such place covers an interval of its row, and a running count down
the columns tells whether any of the rows around a pixel is covered. The cost does not grow with the distance.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt


@numba.njit(cache=True, nogil=True)
def near_outline(ids: npt.NDArray, reach: int) -> npt.NDArray[np.uint8]:
    """1 where a pixel of another id, or the frame's edge, is within `reach` px across and down; (height, width)."""
    height, width = ids.shape
    beside = np.zeros((height, width), dtype=np.uint8)  # neighbours in this row differ, within reach across
    below = np.zeros((height, width), dtype=np.uint8)  # this row and the next differ, within reach across
    marked = np.zeros((width + 7) // 8 * 8, dtype=np.uint8)
    for row in range(height):
        for column in range(width - 1):
            marked[column] = ids[row, column] != ids[row, column + 1]
        marked[width - 1] = 0
        _cover(marked, reach - 1, reach, beside[row])
        if row + 1 < height:
            for column in range(width):
                marked[column] = ids[row, column] != ids[row + 1, column]
            _cover(marked, reach, reach, below[row])
    near = np.ones((height, width), dtype=np.uint8)
    count, one = np.zeros(width, dtype=np.int16), np.int16(1)
    for row in range(-reach, height):
        _add_row(count, beside, row + reach, one)
        _add_row(count, below, row + reach - 1, one)
        _add_row(count, beside, row - reach - 1, -one)
        _add_row(count, below, row - reach - 1, -one)
        if reach <= row < height - reach:
            for column in range(reach, width - reach):
                near[row, column] = count[column] > 0
    return near


@numba.njit(cache=True, nogil=True)
def _cover(marked: npt.NDArray[np.uint8], back: int, ahead: int, row: npt.NDArray[np.uint8]) -> None:
    """1 in `row` from `back` columns before each mark to `ahead` columns behind it; eight empty ones are skipped."""
    words, covered = marked.view(np.uint64), 0
    for word in range(words.size):
        if words[word]:
            for column in range(8 * word, 8 * word + 8):
                if marked[column]:
                    end = min(row.size, column + ahead + 1)
                    for place in range(max(covered, column - back), end):
                        row[place] = 1
                    covered = end


@numba.njit(cache=True, nogil=True)
def _add_row(count: npt.NDArray[np.int16], covered: npt.NDArray[np.uint8], row: int, sign: np.int16) -> None:
    """Add a row of marks to the count, or take it away; rows beyond the frame hold none."""
    if 0 <= row < covered.shape[0]:
        for column in range(count.size):
            count[column] += sign * np.int16(covered[row, column])


@numba.njit(cache=True, nogil=True)
def count_near(
    truth: npt.NDArray,
    near_truth: npt.NDArray[np.uint8],
    prediction: npt.NDArray,
    near_prediction: npt.NDArray[np.uint8],
    ids: int,
) -> npt.NDArray[np.int64]:
    """Pixels of each id near an outline, int64 (3, ids): in both maps, in the truth, in the prediction."""
    counts = np.zeros((3, ids), dtype=np.int64)
    height, width = truth.shape
    for row in range(height):
        for column in range(width):
            true, predicted = truth[row, column], prediction[row, column]
            if near_truth[row, column]:
                counts[1, true] += 1
                if near_prediction[row, column] and true == predicted:
                    counts[0, true] += 1
            if near_prediction[row, column]:
                counts[2, predicted] += 1
    return counts
