"""Which segment of one map meets which of another: one pass over the pixels, one look-up a run of equal pairs."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

_FIRST_CAPACITY = 256
_WORD = 8
# 2**64 over the golden ratio: spreads neighbouring keys (Knuth, The Art of Computer Programming, volume 3, 6.4)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def count_pair_keys(
    one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """The distinct keys `one << 32 | other`, ascending, and the pixels of each. Both maps uint32 of one shape."""
    keys, pixels = _count_runs(_flat(one), _flat(other))
    order = np.argsort(keys)
    return keys[order], pixels[order]


def _flat(ids: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """The ids in a row, read-only whatever they were: one type, so that the kernel is compiled once."""
    flat = np.ascontiguousarray(ids).reshape(-1).view()
    flat.flags.writeable = False
    return flat


@numba.njit(cache=True, nogil=True)
def _slot(keys: npt.NDArray[np.uint64], pixels: npt.NDArray[np.int64], key: np.uint64) -> np.uint64:
    """Where `key` is in the table, or the free slot it goes to; a slot is free while it has no pixels."""
    last = np.uint64(keys.size - 1)
    slot = ((key * _SPREAD) >> np.uint64(32)) & last
    while pixels[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & last
    return slot


@numba.njit(cache=True, nogil=True)
def _doubled(
    keys: npt.NDArray[np.uint64], pixels: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    wider_keys = np.zeros(2 * keys.size, np.uint64)
    wider_pixels = np.zeros(2 * keys.size, np.int64)
    for old in range(keys.size):
        if pixels[old] != 0:
            new = _slot(wider_keys, wider_pixels, keys[old])
            wider_keys[new], wider_pixels[new] = keys[old], pixels[old]
    return wider_keys, wider_pixels


@numba.njit(cache=True, nogil=True)
def _ends_of_runs(one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """The last pixel of each run of equal pairs. Neither loop over pixels has a branch; words of no end are passed."""
    size = one.size
    ends_here = np.zeros((size + _WORD - 1) // _WORD * _WORD, np.uint8)
    for at in range(size - 1):
        ends_here[at] = ((one[at] ^ one[at + 1]) | (other[at] ^ other[at + 1])) != 0
    ends_here[size - 1] = 1
    words = ends_here.view(np.uint64)
    ends = np.empty(ends_here.size + 1, np.int64)
    count = 0
    for word in range(words.size):
        if words[word] != 0:
            for at in range(word * _WORD, word * _WORD + _WORD):
                ends[count] = at
                count += ends_here[at]
    return ends[:count]


@numba.njit(cache=True, nogil=True)
def _count_runs(
    one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    keys = np.zeros(_FIRST_CAPACITY, np.uint64)
    pixels = np.zeros(_FIRST_CAPACITY, np.int64)
    used, last = 0, -1
    for end in _ends_of_runs(one, other):
        key = (np.uint64(one[end]) << np.uint64(32)) | np.uint64(other[end])
        slot = _slot(keys, pixels, key)
        if pixels[slot] == 0:
            keys[slot] = key
            used += 1
        pixels[slot] += end - last
        if 2 * used > keys.size:
            keys, pixels = _doubled(keys, pixels)
        last = end
    found = pixels != 0
    return keys[found], pixels[found]
