"""The confusion of two maps of 8-bit ids, eight pixels at a time where both maps are even."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

WORD = 8


def count_id_pairs(truth: npt.NDArray[np.uint8], prediction: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """How often each id of `truth` meets each id of `prediction`: int64 (256, 256). Both uint8 of one shape."""
    flat = np.ascontiguousarray(truth).reshape(-1), np.ascontiguousarray(prediction).reshape(-1)
    whole = flat[0].size // WORD * WORD
    pairs = _count_words(flat[0][:whole].view(np.uint64), flat[1][:whole].view(np.uint64))
    for one, other in zip(flat[0][whole:].tolist(), flat[1][whole:].tolist(), strict=True):
        pairs[one, other] += 1
    return pairs


@numba.njit(cache=True, nogil=True)
def _count_words(truth: npt.NDArray[np.uint64], prediction: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Words of eight ids each. Four tables take turns, so that equal pairs in a row do not wait for one another."""
    tables = np.zeros((4, 65536), dtype=np.int32)
    total = np.zeros((256, 256), dtype=np.int64)
    low, repeat = np.uint64(255), np.uint64(0x0101010101010101)
    for index in range(truth.size):
        one, other = truth[index], prediction[index]
        if one == (one & low) * repeat and other == (other & low) * repeat:
            total[one & low, other & low] += 8
            continue
        for half in range(2):
            for turn in range(4):
                shift = np.uint64(8 * (4 * half + turn))
                tables[turn, (((one >> shift) & low) << np.uint64(8)) | ((other >> shift) & low)] += 1
    for turn in range(4):
        for place in range(65536):
            total[place >> 8, place & 255] += tables[turn, place]
    return total
