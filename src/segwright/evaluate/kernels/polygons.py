"""Polygons painted as COCO paints them, straight to compressed run lengths; compiled.

Plain counterpart: `runs_of` of instances/runs.py, which is pycocotools', mask after mask.

COCO draws each side of a polygon on a grid five times as fine and looks at where it passes from one column of pixels to
the next: there the column's inside begins or ends. Only these places matter, so only they are computed here, one for
each column that a side passes, with COCO's own roundings.

Source: what `rleFrPoly` of cocoapi computes; tests/evaluate/instances/test_painting.py holds both to the same letters.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from segwright.evaluate.kernels.run_lengths import write_number

FINE = 5  # fine columns a pixel
LAST_FINE = 2  # of a pixel's fine columns 0..4, the middle one: past it the pixel's centre is passed
MOST_LETTERS = 7  # of a number


@njit(cache=True, nogil=True, boundscheck=False)
def paint(xy, ring_start, mask_start, height, width):  # pragma: no cover - compiled
    """Text of all masks in a row, uint8, and where each begins and the last one ends, int64 (masks + 1,).

    `xy` holds x and y in turn, ring after ring: ring r from number `ring_start[r]` on. Mask m is the union of the rings
    from `mask_start[m]` on, on an image of `height[m]` and `width[m]` px.
    """
    masks = mask_start.size - 1
    start = np.zeros(masks + 1, np.int64)
    text = np.empty(1024, np.uint8)
    begins, ends = np.empty(256, np.int64), np.empty(256, np.int64)
    for mask in range(masks):
        most = 0
        for ring in range(mask_start[mask], mask_start[mask + 1]):
            most += _most_crossings(xy, ring_start[ring], ring_start[ring + 1], width[mask])
        if most > begins.size:
            begins, ends = np.empty(2 * most, np.int64), np.empty(2 * most, np.int64)
        count = 0
        for ring in range(mask_start[mask], mask_start[mask + 1]):
            count = _add_ring(xy, ring_start[ring], ring_start[ring + 1], height[mask], width[mask],
                              begins, ends, count)  # fmt: skip
        if mask_start[mask + 1] - mask_start[mask] > 1:
            count = _union(begins, ends, count)
        needed = start[mask] + MOST_LETTERS * (2 * count + 1)
        if needed > text.size:
            longer = np.empty(2 * needed, np.uint8)
            longer[: start[mask]] = text[: start[mask]]
            text = longer
        start[mask + 1] = _write(begins, ends, count, height[mask] * width[mask], text, start[mask])
    return text[: start[masks]].copy(), start


@njit(cache=True, nogil=True, boundscheck=False)
def _fine(value):  # pragma: no cover
    """A coordinate on the fine grid; rounded towards zero, as a cast in C does."""
    return np.int64(FINE * value + 0.5)


@njit(cache=True, nogil=True, boundscheck=False)
def _columns(one, other, width):  # pragma: no cover
    """First and last column whose middle a side between two fine x passes."""
    low, high = min(one, other), max(one, other)
    return max(0, -((LAST_FINE - low) // FINE)), min(width - 1, (high - LAST_FINE - 1) // FINE)


@njit(cache=True, nogil=True, boundscheck=False)
def _most_crossings(xy, begin, end, width):  # pragma: no cover
    found = 1
    for at in range(begin, end, 2):
        following = at + 2 if at + 2 < end else begin
        first, last = _columns(_fine(xy[at]), _fine(xy[following]), width)
        found += max(0, last - first + 1)
    return found


@njit(cache=True, nogil=True, boundscheck=False)
def _add_ring(xy, begin, end, height, width, begins, ends, count):  # pragma: no cover
    """The ring's pixels as runs from number `count` on in `begins` and `ends`; how many runs there are then.

    Until it is sorted, all places where the ring is crossed stand in `begins`: down the columns, column after column.
    """
    found = count
    for at in range(begin, end, 2):
        following = at + 2 if at + 2 < end else begin
        found = _cross(_fine(xy[at]), _fine(xy[at + 1]), _fine(xy[following]), _fine(xy[following + 1]),
                       height, width, begins, found)  # fmt: skip
    begins[count:found].sort()
    place, kept = count, count
    inside = False
    while place < found:
        if place + 1 < found and begins[place] == begins[place + 1]:
            place += 2
            continue
        if inside:
            ends[kept] = begins[place]
            kept += 1
        else:
            begins[kept] = begins[place]
        inside = not inside
        place += 1
    if inside and begins[kept] < height * width:
        ends[kept] = height * width
        kept += 1
    return kept


@njit(cache=True, nogil=True, boundscheck=False)
def _cross(from_x, from_y, to_x, to_y, height, width, places, found):  # pragma: no cover
    """Adds to `places` where the side crosses the middle of a column: column x height + the first row below."""
    first, last = _columns(from_x, to_x, width)
    if first > last:
        return found
    across, down = abs(to_x - from_x), abs(to_y - from_y)
    if (across >= down and from_x > to_x) or (across < down and from_y > to_y):
        from_x, from_y, to_x, to_y = to_x, to_y, from_x, from_y
    if across >= down:
        slope = (to_y - from_y) / across
        for column in range(first, last + 1):
            step = FINE * column + LAST_FINE - from_x
            fine_y = min(np.int64(from_y + slope * step + 0.5), np.int64(from_y + slope * (step + 1) + 0.5))
            places[found] = column * height + _row(fine_y, height)
            found += 1
        return found
    slope = (to_x - from_x) / down
    for column in range(first, last + 1):
        step = _step_past(from_x, slope, FINE * column + LAST_FINE, down)
        places[found] = column * height + _row(from_y + step - 1, height)
        found += 1
    return found


@njit(cache=True, nogil=True, boundscheck=False)
def _step_past(from_x, slope, fine_x, down):  # pragma: no cover
    """The first step down a steep side that is on the other side of `fine_x`'s right edge than its beginning."""
    step = min(max(np.int64((fine_x + 0.5 - from_x) / slope), 1), down)
    rises = slope > 0
    while step > 1 and (np.int64(from_x + slope * (step - 1) + 0.5) > fine_x) == rises:
        step -= 1
    while step < down and (np.int64(from_x + slope * step + 0.5) > fine_x) != rises:
        step += 1
    return step


@njit(cache=True, nogil=True, boundscheck=False)
def _row(fine_y, height):  # pragma: no cover
    """The first row whose middle is not above."""
    return min(max((fine_y + FINE - 1 - LAST_FINE) // FINE, 0), height)


@njit(cache=True, nogil=True, boundscheck=False)
def _union(begins, ends, count):  # pragma: no cover
    """The runs of several rings as runs that do not touch, in place; how many."""
    begins[:count].sort()
    ends[:count].sort()
    kept, deep, one, other, first = 0, 0, 0, 0, np.int64(0)
    while other < count:
        if one < count and begins[one] <= ends[other]:
            if deep == 0:
                first = begins[one]
            deep, one = deep + 1, one + 1
        else:
            deep -= 1
            if deep == 0:
                begins[kept], ends[kept] = first, ends[other]
                kept += 1
            other += 1
    return kept


@njit(cache=True, nogil=True, boundscheck=False)
def _write(begins, ends, count, area, text, position):  # pragma: no cover
    """The runs as letters from `position` on; where they end."""
    numbers = np.zeros(3, np.int64)  # the last three lengths: from the fourth on, the change over the last but one
    reached, written = np.int64(0), 0
    for place in range(2 * count + 1):
        run = place >> 1
        edge = area if run == count else (ends[run] if place & 1 else begins[run])
        if run == count and edge == reached and count > 0:
            break
        length = edge - reached
        position = write_number(length - numbers[(written + 1) % 3] if written > 2 else length, text, position)
        numbers[written % 3] = length
        written, reached = written + 1, edge
    return position
