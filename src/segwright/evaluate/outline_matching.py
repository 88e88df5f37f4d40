"""The compiled way to count outlines: what `boundary.count_boundaries` counts, for up to 64 classes."""

from __future__ import annotations

import threading
from functools import lru_cache
from itertools import groupby

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable
from segwright.evaluate.kernels.outlines import (
    MOST_CLASSES,
    clear_bits,
    count_matches,
    find_outlines,
    write_bits,
)

Counts = npt.NDArray[np.int64]
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
    margin = distances[-1]
    bits = _bits(classes)
    found = [find_outlines(ids, bits, margin) for ids in maps]
    if max(len(positions) for positions, _ in found) > most_px:
        return None
    height, width = maps[0].shape
    stride = width + 2 * margin
    word = np.uint32 if len(classes) <= 32 else np.uint64
    canvas = _taken_canvas((height + 2 * margin) * stride, word)
    offsets, rings = _rings(distances, stride)
    counts = tuple(np.zeros((1 + len(distances), len(classes)), dtype=np.int64) for _ in maps)
    for asked, other in ((0, 1), (1, 0)):
        write_bits(canvas, *found[other])
        count_matches(*found[asked], canvas, offsets, rings, counts[asked])
        clear_bits(canvas, found[other][0])
    _kept.canvas = canvas  # empty again
    seen = bits[maps[0][0, 0]] | bits[maps[1][0, 0]]
    for _, there in found:
        seen |= np.bitwise_or.reduce(there, initial=np.uint64(0))
    present = (seen >> np.arange(len(classes), dtype=np.uint64)) & np.uint64(1)
    return present.astype(np.bool_), (counts[0], counts[1])


# The last canvas of each thread: fresh memory costs a page fault for every 4 KiB that is touched.
_kept = threading.local()


def _taken_canvas(size: int, word: type[np.unsignedinteger]) -> npt.NDArray:
    """An empty canvas; the kept one where it fits, which is not kept while it is written on."""
    canvas: npt.NDArray | None = getattr(_kept, "canvas", None)
    _kept.canvas = None
    fits = canvas is not None and canvas.size == size and canvas.dtype == word
    return canvas if canvas is not None and fits else np.zeros(size, dtype=word)


@lru_cache(maxsize=8)
def _bits(classes: ClassTable) -> npt.NDArray[np.uint64]:
    """The bit of each id, 0 for void and for ids that are no class; (65536,)."""
    bits = np.zeros(65536, dtype=np.uint64)
    bits[list(classes.ids)] = np.uint64(1) << np.arange(len(classes), dtype=np.uint64)
    return bits


@lru_cache(maxsize=64)
def _rings(distances: tuple[int, ...], stride: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Flat offsets of the disk, nearest first, and rings of them: (start, end, first distance that reaches it)."""
    span = range(-distances[-1], distances[-1] + 1)
    disk = [(down * down + right * right, down * stride + right) for down in span for right in span]
    disk = sorted(offset for offset in disk if offset[0] <= distances[-1] ** 2)
    rings, start = [], 0
    for (reached, _), ring in groupby(disk, lambda offset: _ring_of(offset[0], distances)):
        end = start + len(list(ring))
        rings.append((start, end, reached))
        start = end
    return np.array([flat for _, flat in disk], dtype=np.int64), np.array(rings, dtype=np.int64)


def _ring_of(squared: int, distances: tuple[int, ...]) -> tuple[int, bool]:
    """The first distance that reaches so far, and whether this is farther than `SINGLE_STEP_PX2`."""
    reached = next(index for index, distance in enumerate(distances) if squared <= distance * distance)
    return reached, squared > SINGLE_STEP_PX2
