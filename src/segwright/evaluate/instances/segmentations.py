"""COCO's `segmentation` values, checked before anything is computed from them.

Run lengths must describe exactly their image: pycocotools compares two masks run by run until both end, and never
returns where one of them ends early.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import Size
from segwright.evaluate.instances.run_texts import RunTexts, text_of
from segwright.evaluate.kernels import compiled

# painting takes memory in proportion to the length of the outline, inside the image or not
FARTHEST_PX = 1_000_000


def flaws(segmentations: Sequence[Any], sizes: Sequence[Size]) -> dict[int, str]:
    """Position -> what is wrong with the segmentation there, for an image of the size at that position."""
    found: dict[int, str] = {}
    texts, at = [], []
    for position, (segmentation, size) in enumerate(zip(segmentations, sizes, strict=True)):
        if type(segmentation) is dict:
            flaw = _run_flaw(segmentation, size)
            counts = segmentation.get("counts")
            if flaw is None and isinstance(counts, str | bytes):
                texts.append(counts.encode() if isinstance(counts, str) else counts)
                at.append(position)
        else:
            flaw = _polygon_flaw(segmentation)
        if flaw is not None:
            found[position] = flaw
    for position, length in zip(at, lengths(texts).tolist(), strict=True):
        if length != sizes[position].area_px:
            found[position] = _length_flaw(length, sizes[position])
    return found


def lengths(texts: Sequence[bytes] | RunTexts, *, quickly: bool = True) -> npt.NDArray[np.int64]:
    """How many pixels each of several compressed run lengths describes; -1 where it is no run lengths.

    `quickly` is whether kernels may be loaded for it (`kernels.pays`).
    """
    runs = texts if isinstance(texts, RunTexts) else RunTexts.of_texts(texts, *(np.zeros(len(texts), np.int64),) * 2)
    if not (quickly and compiled()):
        return lengths_plainly([text_of(run) for run in runs])
    from segwright.evaluate.kernels import run_lengths

    return run_lengths.lengths(runs.text, runs.start)


def lengths_plainly(texts: Sequence[bytes]) -> npt.NDArray[np.int64]:
    """What `lengths` gives, by numpy, one text after another."""
    counts = (counts_of(text) for text in texts)
    return np.array([-1 if runs is None else runs.sum() for runs in counts], dtype=np.int64)


def counts_of(text: bytes) -> npt.NDArray[np.int64] | None:
    """The lengths that compressed run lengths stand for, background first; None where they are no run lengths.

    Source: `rleFrString` of cocoapi: 5 bits a letter, the last letter's top bit is the sign; from the fourth length on,
    what is written is the difference to the length before the last.
    """
    pieces = np.frombuffer(text, dtype=np.uint8).astype(np.int64) - 48
    if not pieces.size:
        return pieces
    if pieces.min() < 0 or pieces.max() > 63 or pieces[-1] & 32:
        return None
    ends = np.flatnonzero((pieces & 32) == 0)
    begins = np.concatenate([[0], ends[:-1] + 1])
    letters = ends - begins + 1
    if letters.max() > 7:
        return None
    place = np.arange(len(pieces)) - np.repeat(begins, letters)
    counts = np.add.reduceat((pieces & 31) << (5 * place), begins)
    counts -= np.where(pieces[ends] & 16, np.left_shift(1, 5 * letters), 0)
    for first in (1, 2):
        counts[first::2] = np.cumsum(counts[first::2])
    return counts if counts.min() >= 0 else None


def _run_flaw(segmentation: Mapping[str, Any], size: Size) -> str | None:
    counts, stated = segmentation.get("counts"), segmentation.get("size")
    if not isinstance(stated, list | tuple) or len(stated) != 2 or {*map(type, stated)} != {int}:
        return f"its run lengths have no size: {stated!r}"
    height, width = stated
    if height != size.height or width != size.width:
        return f"its run lengths are for {width}x{height} (width x height)"
    if type(counts) is str or type(counts) is bytes:
        return None
    if not isinstance(counts, list) or not all(type(count) is int and count >= 0 for count in counts):
        return "its run lengths are neither text nor whole numbers"
    return None if sum(counts) == size.area_px else _length_flaw(sum(counts), size)


def _length_flaw(length: int, size: Size) -> str:
    if length < 0:
        return "its run lengths are not readable"
    return f"its run lengths cover {length} px, the image has {size.area_px}"


def _polygon_flaw(segmentation: Any) -> str | None:
    """Polygons of at least three finite points each."""
    if not isinstance(segmentation, list) or not segmentation:
        return "it has no outline"
    if not all(type(ring) is list and len(ring) >= 6 and len(ring) % 2 == 0 for ring in segmentation):
        return "its polygons are not lists of x and y of at least three points"
    numbers = list(chain.from_iterable(segmentation))
    if not set(map(type, numbers)) <= {int, float}:
        return "its polygons hold what is not a number"
    inside = -FARTHEST_PX < min(numbers) <= max(numbers) < FARTHEST_PX and not math.isnan(sum(numbers))
    return None if inside else f"its polygons hold numbers that are not finite, or beyond {FARTHEST_PX:,} px"
