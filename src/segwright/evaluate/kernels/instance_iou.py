"""IoU of detections and truths, class by class, straight from run lengths or boxes; compiled.

Plain counterpart: `iou` of instances/runs.py, which is pycocotools', group after group.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from segwright.evaluate.kernels.run_lengths import next_number


@njit(cache=True, nogil=True, boundscheck=False)
def masks(  # pragma: no cover - compiled
    text, text_start, height, overlap_start, detection_start, truth_start, truth_end, crowd
):
    """IoU, flat: `text` holds the run lengths of all detections, then of all truths, in the groups' order."""
    count = text_start.size - 1
    detections = count - crowd.size
    edges = np.empty(text.size + count, np.int64)
    length = np.zeros(count, np.int64)
    area = np.zeros(count, np.int64)
    box = np.empty((count, 4), np.int64)
    cells = 0
    for group in range(overlap_start.size):
        cells += (detection_start[group + 1] - detection_start[group]) * (truth_end[group] - truth_start[group])
        if truth_end[group] > truth_start[group] and detection_start[group + 1] > detection_start[group]:
            for mask in range(detection_start[group], detection_start[group + 1]):
                _read(text, text_start[mask], text_start[mask + 1], height, edges, mask, length, area, box)
            for mask in range(detections + truth_start[group], detections + truth_end[group]):
                _read(text, text_start[mask], text_start[mask + 1], height, edges, mask, length, area, box)
    found = np.zeros(cells)
    for group in range(overlap_start.size):
        cell = overlap_start[group]
        for detection in range(detection_start[group], detection_start[group + 1]):
            for truth in range(truth_start[group], truth_end[group]):
                other = detections + truth
                if _apart(box[detection], box[other]):
                    cell += 1
                    continue
                both = _both(edges, text_start[detection] + detection, length[detection],
                             text_start[other] + other, length[other])  # fmt: skip
                if both > 0:
                    whole = area[detection] if crowd[truth] else area[detection] + area[other] - both
                    found[cell] = both / whole
                cell += 1
    return found


@njit(cache=True, nogil=True, boundscheck=False)
def boxes(  # pragma: no cover - compiled
    detections, truths, overlap_start, detection_start, truth_start, truth_end, crowd
):
    """IoU, flat, of boxes (objects, 4): left, top, width, height."""
    cells = 0
    for group in range(overlap_start.size):
        cells += (detection_start[group + 1] - detection_start[group]) * (truth_end[group] - truth_start[group])
    found = np.zeros(cells)
    for group in range(overlap_start.size):
        cell = overlap_start[group] - 1
        for detection in range(detection_start[group], detection_start[group + 1]):
            left, top, width, height = detections[detection]
            area = width * height
            for truth in range(truth_start[group], truth_end[group]):
                cell += 1
                other_left, other_top, other_width, other_height = truths[truth]
                wide = min(left + width, other_left + other_width) - max(left, other_left)
                high = min(top + height, other_top + other_height) - max(top, other_top)
                if wide > 0 and high > 0:
                    both = wide * high
                    found[cell] = both / (area if crowd[truth] else area + other_width * other_height - both)
    return found


@njit(cache=True, nogil=True, boundscheck=False)
def _read(text, position, end, height, edges, mask, length, area, box):  # pragma: no cover
    """Where each run of ones begins and ends, in turn, from `position + mask` on in `edges`; area and box."""
    first, total, count, last, before = position + mask, 0, 0, 0, 0
    top, bottom, left, right = height, -1, -1, -1
    while position < end:
        value, position = next_number(text, position, end)
        if position < 0:
            break
        if count > 2:
            value += before
        before, last = last, value
        if count & 1 and value > 0:
            column, row = total // height, total % height
            last_column, last_row = (total + value - 1) // height, (total + value - 1) % height
            left = column if left < 0 else left
            right = last_column
            top = 0 if last_column > column else min(top, row)
            bottom = height - 1 if last_column > column else max(bottom, last_row)
            edges[first + length[mask]] = total
            edges[first + length[mask] + 1] = total + value
            length[mask] += 2
            area[mask] += value
        total += value
        count += 1
    box[mask, 0], box[mask, 1], box[mask, 2], box[mask, 3] = left, top, right, bottom


@njit(cache=True, nogil=True, boundscheck=False)
def _apart(one, other):  # pragma: no cover
    """Whether two boxes (left, top, right, bottom, all inside) share no pixel; an empty mask's shares none."""
    return one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]


@njit(cache=True, nogil=True, boundscheck=False)
def _both(edges, one, one_length, other, other_length):  # pragma: no cover
    """Pixels in two masks, whose runs of ones begin at `one` and `other` in `edges`."""
    both, one_end, other_end = 0, one + one_length, other + other_length
    while one < one_end and other < other_end:
        begin, end = max(edges[one], edges[other]), min(edges[one + 1], edges[other + 1])
        if end > begin:
            both += end - begin
        if edges[one + 1] < edges[other + 1]:
            one += 2
        else:
            other += 2
    return both
