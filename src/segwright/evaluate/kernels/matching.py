"""Detections matched with truths, and precision at recall; compiled. The rules stand beside their callers.

Plain counterparts: `match_plainly` of instances/matching.py and `accumulate_plainly` of instances/curves.py.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_NONE = -1


@njit(cache=True, nogil=True, boundscheck=False)
def match(  # pragma: no cover - compiled
    overlaps, overlap_start, detection_start, truth_start, truth_end,
    truth_area, truth_ignored, truth_crowd, detection_area, detection_lenient,
    thresholds, areas,
):  # fmt: skip
    """Bits (detections, areas) uint16: matched, and out of the count, bit t for threshold t."""
    count = detection_area.size
    matched = np.zeros((count, areas.shape[0]), np.uint16)
    ignored = np.zeros((count, areas.shape[0]), np.uint16)
    taken = np.empty(truth_area.size, np.bool_)
    unscored = np.empty(truth_area.size, np.bool_)
    for area in range(areas.shape[0]):
        low, high = areas[area, 0], areas[area, 1]
        for truth in range(truth_area.size):
            unscored[truth] = truth_ignored[truth] or truth_area[truth] < low or truth_area[truth] > high
        for threshold in range(thresholds.size):
            bit = np.uint16(1 << threshold)
            least = min(thresholds[threshold], 1 - 1e-10)
            taken[:] = False
            for group in range(overlap_start.size):
                first, last = truth_start[group], truth_end[group]
                cell = overlap_start[group]
                for detection in range(detection_start[group], detection_start[group + 1]):
                    best = _best(overlaps, cell, first, last, taken, truth_crowd, unscored, False, least)
                    if best == _NONE:
                        best = _best(overlaps, cell, first, last, taken, truth_crowd, unscored, True, least)
                    cell += last - first
                    if best != _NONE:
                        taken[best] = True
                        matched[detection, area] |= bit
                        if unscored[best]:
                            ignored[detection, area] |= bit
                    elif (detection_lenient[detection] or detection_area[detection] < low
                          or detection_area[detection] > high):  # fmt: skip
                        ignored[detection, area] |= bit
    return matched, ignored


@njit(cache=True, nogil=True, boundscheck=False)
def _best(overlaps, cell, first, last, taken, crowd, unscored, among_unscored, least):  # pragma: no cover
    """The free truth of the largest overlap from `least` up, the last among equals; -1 for none."""
    best, most = _NONE, least
    for truth in range(first, last):
        if unscored[truth] != among_unscored or (taken[truth] and not crowd[truth]):
            continue
        shared = overlaps[cell + truth - first]
        if shared >= most:
            best, most = truth, shared
    return best


@njit(cache=True, nogil=True, boundscheck=False)
def accumulate(start, score, rank, matched, ignored, truths, most, thresholds, recalls):  # pragma: no cover - compiled
    """Precision and score (thresholds, recalls, classes, areas, most) and recall (thresholds, classes, areas, most)."""
    classes, areas = truths.shape
    precision = np.full((thresholds, recalls.size, classes, areas, most.size), np.nan)
    reached = np.full(precision.shape, np.nan)
    recall = np.full((thresholds, classes, areas, most.size), np.nan)
    longest = 1
    for group in range(classes):
        longest = max(longest, start[group + 1] - start[group])
    found_precision, found_score = np.empty(longest), np.empty(longest)
    for group in range(classes):
        for area in range(areas):
            if truths[group, area] == 0:
                continue
            for limit in range(most.size):
                for threshold in range(thresholds):
                    found, top = _walk(start[group], start[group + 1], score, rank, matched[:, area], ignored[:, area],
                                       most[limit], np.uint16(1 << threshold),
                                       found_precision, found_score)  # fmt: skip
                    recall[threshold, group, area, limit] = found / truths[group, area]
                    _at_recalls(found, top, truths[group, area], found_precision, found_score, recalls,
                                precision[threshold, :, group, area, limit],
                                reached[threshold, :, group, area, limit])  # fmt: skip
    return precision, recall, reached


@njit(cache=True, nogil=True, boundscheck=False)
def _walk(begin, end, score, rank, matched, ignored, most, bit, found_precision, found_score):  # pragma: no cover
    """Precision and score at each true positive, best score first; their number, and the best score of all."""
    found, wrong, top = 0, 0, 0.0
    first = True
    for row in range(begin, end):
        if rank[row] >= most:
            continue
        if first:
            top, first = score[row], False
        if ignored[row] & bit:
            continue
        if matched[row] & bit:
            found += 1
            found_precision[found - 1] = found / (float(wrong) + float(found) + np.spacing(1.0))
            found_score[found - 1] = score[row]
        else:
            wrong += 1
    return found, top


@njit(cache=True, nogil=True, boundscheck=False)
def _at_recalls(found, top, truths, found_precision, found_score, recalls, precision, reached):  # pragma: no cover
    """The best precision at each recall or more; 0 where the recall is not reached. Only hits can raise either."""
    for position in range(found - 1, 0, -1):
        if found_precision[position] > found_precision[position - 1]:
            found_precision[position - 1] = found_precision[position]
    position = 0
    for index in range(recalls.size):
        if recalls[index] <= 0:
            precision[index] = found_precision[0] if found else 0.0
            reached[index] = top
            continue
        while position < found and (position + 1) / truths < recalls[index]:
            position += 1
        precision[index] = found_precision[position] if position < found else 0.0
        reached[index] = found_score[position] if position < found else 0.0
