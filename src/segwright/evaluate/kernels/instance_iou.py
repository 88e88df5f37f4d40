"""IoU of detections and truths, class by class, straight from run lengths or boxes; compiled.

Plain counterpart: `iou` of instances/runs.py, which is pycocotools', group after group.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from segwright.evaluate.kernels.run_lengths import next_number


@njit(cache=True, nogil=True, boundscheck=False)
def masks(  # pragma: no cover - compiled
    text, text_start, height, order, overlap_start, detection_start, truth_start, truth_end, crowd
):
    """IoU, flat. `text`, `text_start` and `height` are those of all masks, as in `RunTexts`.

    `order` has the number of each detection's mask, then of each truth's, in the groups' order.
    """
    count = order.size
    detections = count - crowd.size
    edge_start = _rooms(text_start, order, detections, detection_start, truth_start, truth_end)
    edges = np.empty(edge_start[count], np.int64)
    length = np.zeros(count, np.int64)
    area = np.zeros(count, np.int64)
    box = np.empty((count, 4), np.int64)
    for place in range(count):
        if edge_start[place + 1] > edge_start[place]:
            mask = order[place]
            length[place], area[place] = _read(text, text_start[mask], text_start[mask + 1], height[mask],
                                               edges, edge_start[place], box[place])  # fmt: skip
    cells = 0
    for group in range(overlap_start.size):
        cells += (detection_start[group + 1] - detection_start[group]) * (truth_end[group] - truth_start[group])
    found = np.zeros(cells)
    for group in range(overlap_start.size):
        cell = overlap_start[group]
        for detection in range(detection_start[group], detection_start[group + 1]):
            for truth in range(truth_start[group], truth_end[group]):
                other = detections + truth
                if _apart(box[detection], box[other]):
                    cell += 1
                    continue
                both = _both(edges, edge_start[detection], length[detection], edge_start[other], length[other])
                if both > 0:
                    whole = area[detection] if crowd[truth] else area[detection] + area[other] - both
                    found[cell] = both / whole
                cell += 1
    return found


@njit(cache=True, nogil=True, boundscheck=False)
def _rooms(text_start, order, detections, detection_start, truth_start, truth_end):  # pragma: no cover
    """Where the edges of each mask begin; masks of groups that lack truths or detections have no room for any."""
    room = np.zeros(order.size, np.int64)
    for group in range(truth_start.size):
        if truth_end[group] > truth_start[group]:
            room[detection_start[group] : detection_start[group + 1]] = 1
            room[detections + truth_start[group] : detections + truth_end[group]] = 1
    start = np.zeros(order.size + 1, np.int64)
    for place in range(order.size):
        letters = text_start[order[place] + 1] - text_start[order[place]]
        start[place + 1] = start[place] + (letters + 1 if room[place] else 0)
    return start


@njit(cache=True, nogil=True, boundscheck=False)
def measure(text, text_start, height):  # pragma: no cover - compiled
    """Area, left, top, width and height of each mask, float64 (masks, 5); the area is -1 where a run has no pixels."""
    count = height.size
    found = np.zeros((count, 5))
    longest = 0
    for mask in range(count):
        longest = max(longest, text_start[mask + 1] - text_start[mask])
    edges, box = np.empty(longest + 1, np.int64), np.empty(4, np.int64)
    for mask in range(count):
        length, area = _read(text, text_start[mask], text_start[mask + 1], height[mask], edges, 0, box)
        found[mask, 0] = area
        for place in range(0, length, 2):
            if edges[place] == edges[place + 1]:
                found[mask, 0] = -1
        if area > 0:
            found[mask, 1], found[mask, 2] = box[0], box[1]
            found[mask, 3], found[mask, 4] = box[2] - box[0] + 1, box[3] - box[1] + 1
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
def _read(text, position, end, height, edges, first, box):  # pragma: no cover
    """Where each run of ones begins and ends, in turn, from number `first` on in `edges`; how many edges, and the area.

    `box` becomes left, top, right, bottom, all inside.
    """
    total, count, last, before, length, area = 0, 0, 0, 0, 0, 0
    top, bottom, left, right = height, -1, -1, -1
    while position < end:
        value, position = next_number(text, position, end)
        if position < 0:
            break
        if count > 2:
            value += before
        before, last = last, value
        if count & 1:
            if value > 0:
                column, last_column = total // height, (total + value - 1) // height
                left = column if left < 0 else left
                right = last_column
                top = 0 if last_column > column else min(top, total - column * height)
                bottom = height - 1 if last_column > column else max(bottom, total + value - 1 - column * height)
            edges[first + length] = total
            edges[first + length + 1] = total + value
            length += 2
            area += value
        total += value
        count += 1
    box[0], box[1], box[2], box[3] = left, top, right, bottom
    return length, area


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
