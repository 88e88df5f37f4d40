"""Average precision and recall of weighted frames, for many draws of frames at once; compiled.

Plain counterpart: `weighted_plainly` of instances/resampled.py.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# what COCO's code adds to the number of detections before it divides: the distance from 1 to the next larger number
SPACING = float(np.spacing(1.0))


@njit(cache=True, nogil=True, boundscheck=False)
def weighted(start, frame, matched, ignored, truths, weights, thresholds, recalls):  # pragma: no cover - compiled
    """AP and recall (rounds, classes, thresholds); `weights` (rounds, frames) and `truths` (rounds, classes)."""
    rounds, classes = truths.shape
    precision = np.full((rounds, classes, thresholds), np.nan)
    recall = np.full((rounds, classes, thresholds), np.nan)
    longest = 1
    for group in range(classes):
        longest = max(longest, start[group + 1] - start[group])
    hits, best = np.empty(longest, np.int64), np.empty(longest)
    times, rows = np.empty(longest, np.int64), np.empty(longest, np.int64)
    for turn in range(rounds):
        for group in range(classes):
            if truths[turn, group] == 0:
                continue
            there = 0
            for row in range(start[group], start[group + 1]):
                if weights[turn, frame[row]] > 0:
                    times[there], rows[there] = weights[turn, frame[row]], row
                    there += 1
            for threshold in range(thresholds):
                bit = np.uint16(1 << threshold)
                count, found = _walk(there, rows, times, matched, ignored, bit, hits, best)
                precision[turn, group, threshold] = _mean_at(count, truths[turn, group], hits, best, recalls)
                recall[turn, group, threshold] = found / truths[turn, group]
    return precision, recall


@njit(cache=True, nogil=True, boundscheck=False)
def _walk(there, rows, times, matched, ignored, bit, hits, best):  # pragma: no cover - compiled
    """True positives so far and precision at each of them, best score first; how many rows, and all of them."""
    found, wrong, count = 0, 0, 0
    for place in range(there):
        row = rows[place]
        if ignored[row] & bit:
            continue
        if matched[row] & bit:
            found += times[place]
            hits[count] = found
            best[count] = found / (float(wrong + found) + SPACING)
            count += 1
        else:
            wrong += times[place]
    return count, found


@njit(cache=True, nogil=True, boundscheck=False)
def _mean_at(count, truths, hits, best, recalls):  # pragma: no cover - compiled
    """The mean over the recalls of the best precision at each of them or more; 0 where it is not reached."""
    for position in range(count - 1, 0, -1):
        if best[position] > best[position - 1]:
            best[position - 1] = best[position]
    total, position = 0.0, 0
    for index in range(recalls.size):
        while position < count and hits[position] / truths < recalls[index]:
            position += 1
        if position == count:
            break
        total += best[position]
    return total / recalls.size
