"""Compressed run lengths read; compiled.

Plain counterparts: `lengths_plainly` of instances/segmentations.py and `columns_plainly` of instances/runs.py.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, boundscheck=False)
def next_number(text, position, end):  # pragma: no cover
    """The number that begins at `position`, and where the next one begins; -1 there where this is none.

    Source: `rleFrString` of cocoapi: 5 bits a letter, bit 32 says that more follow, bit 16 of the last one is the sign.
    """
    value, shift, more = np.int64(0), np.int64(0), True
    while more:
        if position >= end or text[position] < 48 or text[position] > 111 or shift > 30:
            return value, np.int64(-1)
        piece = np.int64(text[position]) - 48
        value |= (piece & 31) << shift
        shift += 5
        more = (piece & 32) != 0
        if not more and piece & 16:
            value -= np.int64(1) << shift
        position += 1
    return value, np.int64(position)


@njit(cache=True, nogil=True, boundscheck=False)
def lengths(text, start):  # pragma: no cover - compiled
    """Pixels that each of several texts in a row describes; -1 where one is no run lengths."""
    found = np.empty(start.size - 1, np.int64)
    for index in range(found.size):
        found[index] = _length(text, start[index], start[index + 1])
    return found


@njit(cache=True, nogil=True, boundscheck=False)
def _length(text, position, end):  # pragma: no cover
    total, count, last, before = 0, 0, 0, 0
    while position < end:
        value, position = next_number(text, position, end)
        if position < 0:
            return -1
        if count > 2:
            value += before
        if value < 0:
            return -1
        before, last = last, value
        total += value
        count += 1
    return total


@njit(cache=True, nogil=True, boundscheck=False)
def columns(text, height, first, end):  # pragma: no cover - compiled
    """Pixels of the columns `first` to `end`, uint8 (columns, height), of run lengths that `lengths` has found good."""
    found = np.zeros((end - first) * height, np.uint8)
    position, reached, count, last, before = 0, -first * height, 0, 0, 0
    while position < text.size and reached < found.size:
        value, position = next_number(text, position, text.size)
        if position < 0:
            break
        if count > 2:
            value += before
        before, last = last, value
        if count & 1:
            found[max(reached, 0) : max(min(reached + value, found.size), 0)] = 1
        reached += value
        count += 1
    return found.reshape(end - first, height)


@njit(cache=True, nogil=True, boundscheck=False)
def write_number(value, text, position):  # pragma: no cover
    """Writes a number's letters from `position` on; where the next one begins. See `next_number`."""
    more = True
    while more:
        piece = value & 31
        value >>= 5
        more = value != -1 if piece & 16 else value != 0
        text[position] = (piece | 32 if more else piece) + 48
        position += 1
    return position


@njit(cache=True, nogil=True, boundscheck=False)
def write(numbers, mask_start):  # pragma: no cover - compiled
    """Text of uncompressed run lengths, mask after mask, and where each begins; `numbers` holds all of them."""
    text = np.empty(7 * numbers.size, np.uint8)
    start = np.zeros(mask_start.size, np.int64)
    position = np.int64(0)
    for mask in range(mask_start.size - 1):
        first = mask_start[mask]
        for place in range(first, mask_start[mask + 1]):
            change = numbers[place - 2] if place - first > 2 else 0
            position = write_number(numbers[place] - change, text, position)
        start[mask + 1] = position
    return text[:position].copy(), start
