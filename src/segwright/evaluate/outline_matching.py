"""The compiled way to count outlines: what `boundary.count_boundaries` counts, for up to 64 classes."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable
from segwright.evaluate.kernels.outlines import MOST_CLASSES, count_matches, find_outlines

Counts = npt.NDArray[np.int64]
WORDS = (np.uint32, np.uint64)  # the narrowest that holds a bit a class is taken
SINGLE_STEP_PX2 = 4  # nearer than this, offsets are looked up in one go: predictions are mostly off by a pixel or two


def match_outlines(
    maps: tuple[npt.NDArray, npt.NDArray], classes: ClassTable, distances: tuple[int, ...], most_px: float
) -> tuple[npt.NDArray[np.bool_], tuple[Counts, Counts]] | None:
    """Which classes are there (classes,), and for either map int64 (1 + distances, classes): outline pixels, matched.

    `maps` are the prediction, void where the truth is, and the truth. `distances` ascend. None where there are more
    classes than a word has bits or more than `most_px` outline pixels in a map: then walking around each is slow.
    """
    if len(classes) > MOST_CLASSES:
        return None
    bits, most = _bits(classes), int(most_px)
    found = [find_outlines(_read_only(ids), bits, most) for ids in maps]
    if any(start[-1] > most for start, *_ in found):
        return None
    word = next(each for each in WORDS if len(classes) <= 8 * np.dtype(each).itemsize)
    rows_kept = 1 << (2 * distances[-1] + 1).bit_length()
    width = maps[0].shape[1] + 2 * distances[-1]
    offsets, rings = _rings(distances)
    counts = tuple(
        count_matches(asked[:3], other[:3], np.zeros((rows_kept, width), word), offsets, rings,
                      (1 + len(distances), len(classes)))
        for asked, other in (found, found[::-1])
    )  # fmt: skip
    seen = found[0][3] | found[1][3]
    present = (np.uint64(seen) >> np.arange(len(classes), dtype=np.uint64)) & np.uint64(1)
    return present.astype(np.bool_), (counts[0], counts[1])


def _read_only(ids: npt.NDArray) -> npt.NDArray:
    """The same, read-only whatever it was: one type, so that the kernel is compiled once."""
    view = ids.view()
    view.flags.writeable = False
    return view


@lru_cache(maxsize=8)
def _bits(classes: ClassTable) -> npt.NDArray[np.uint64]:
    """The bit of each id, 0 for void and for ids that are no class; (65536,)."""
    bits = np.zeros(65536, dtype=np.uint64)
    bits[list(classes.ids)] = np.uint64(1) << np.arange(len(classes), dtype=np.uint64)
    return bits


@lru_cache(maxsize=64)
def _rings(distances: tuple[int, ...]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The disk's offsets, down and right, nearest first; rings of them: (start, end, first distance to reach it)."""
    span = range(-distances[-1], distances[-1] + 1)
    disk = [(down * down + right * right, down, right) for down in span for right in span]
    disk = sorted(offset for offset in disk if offset[0] <= distances[-1] ** 2)
    rings, start = [], 0
    for (reached, _), ring in groupby(disk, lambda offset: _ring_of(offset[0], distances)):
        end = start + len(list(ring))
        rings.append((start, end, reached))
        start = end
    return np.array([offset[1:] for offset in disk], dtype=np.int64), np.array(rings, dtype=np.int64)


def _ring_of(squared: int, distances: tuple[int, ...]) -> tuple[int, bool]:
    """The first distance that reaches so far, and whether this is farther than `SINGLE_STEP_PX2`."""
    reached = next(index for index, distance in enumerate(distances) if squared <= distance * distance)
    return reached, squared > SINGLE_STEP_PX2
