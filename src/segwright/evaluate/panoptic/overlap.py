"""Which segment of one id map meets which of another, and on how many pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.evaluate.kernels import compiled

_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


@dataclass(frozen=True)
class Overlaps:
    """Pairs of ids that share pixels: `one`, `other` and `px`, each int64 (pairs,), ascending by `one`, then `other`.

    Id 0 is a partner like any other; the pixels of all pairs together are the frame.
    """

    one: npt.NDArray[np.int64]
    other: npt.NDArray[np.int64]
    px: npt.NDArray[np.int64]


def count_overlaps(one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32]) -> Overlaps:
    """The overlaps of two segment id maps (height, width), uint32 of one shape; compiled where numba is installed.

    >>> ids = np.array([[1, 1, 2, 2]], np.uint32), np.array([[1, 3, 3, 0]], np.uint32)
    >>> found = count_overlaps(*ids)
    >>> list(zip(found.one.tolist(), found.other.tolist(), found.px.tolist()))
    [(1, 1, 1), (1, 3, 1), (2, 0, 1), (2, 3, 1)]
    """
    if one.shape != other.shape:
        raise ValueError(f"maps to overlap have one shape, got {one.shape} and {other.shape}")
    keys, px = _pair_keys(one, other)
    return Overlaps((keys >> _SHIFT).astype(np.int64), (keys & _LOW).astype(np.int64), px)


def count_ids(ids: npt.NDArray[np.uint32]) -> dict[int, int]:
    """Id -> its pixels in a map (height, width), uint32; ascending by id, 0 among them where it is there."""
    keys, px = _pair_keys(ids, ids)
    return dict(zip((keys & _LOW).tolist(), px.tolist(), strict=True))


def _pair_keys(
    one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    if not compiled():
        return plain_pair_keys(one, other)
    from segwright.evaluate.kernels.overlap import count_pair_keys

    return count_pair_keys(one, other)


def plain_pair_keys(
    one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """What `kernels.overlap.count_pair_keys` gives, by numpy: of a run of equal pairs only the first is sorted."""
    keys = (one.astype(np.uint64).reshape(-1) << _SHIFT) | other.reshape(-1)
    starts = np.concatenate([[0], np.flatnonzero(keys[1:] != keys[:-1]) + 1])
    found, place = np.unique(keys[starts], return_inverse=True)
    runs = np.diff(starts, append=keys.size)
    return found, np.bincount(place, weights=runs).astype(np.int64)  # float64 holds pixel counts exactly
