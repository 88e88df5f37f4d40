"""COCO's `segmentation` values, many at once -> run lengths: checked and painted by column, on all cores.

What is refused, and how it is told, stands in `segmentations`; here the same rules are looked at for thousands of
values together, which takes a tenth of the time. Whoever gets None asks there what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import Size
from segwright.data.workers import in_threads
from segwright.evaluate.instances.run_texts import RunTexts, starts_of, text_of
from segwright.evaluate.instances.runs import runs_of
from segwright.evaluate.instances.segmentations import FARTHEST_PX, lengths
from segwright.evaluate.kernels import pays

Integers = npt.NDArray[np.int64]

_NUMBERS = frozenset({int, float})
_TEXTS = frozenset({str, bytes})
# painting one takes about as long as reading that many run lengths, and that many detections come with one
A_POLYGON_WEIGHS = 5
_AT_ONCE = 4096  # values that are looked at together, and are a thread's turn


@dataclass(frozen=True, eq=False)
class _Part:
    """Some values of one form, for images of `height` and `width` px (values,); `quickly`, by kernels."""

    values: Sequence[Any]
    height: Integers
    width: Integers
    quickly: bool


def run_texts_of(segmentations: Sequence[Any], height: Integers, width: Integers) -> RunTexts | None:
    """The run lengths of each segmentation, for images of these sizes in px (segmentations,); None where one is flawed.

    Polygons are painted as COCO's code paints them, uncompressed run lengths compressed.
    """
    is_run = np.array([type(value) is dict for value in segmentations], dtype=np.bool_)
    is_text = np.array(
        [type(value) is dict and type(value.get("counts")) in _TEXTS for value in segmentations], np.bool_
    )
    found, order = [], []
    quickly = pays(len(is_run) + (A_POLYGON_WEIGHS - 1) * int((~is_run).sum()))
    for form, read in ((~is_run, _painted), (is_run & ~is_text, _compressed), (is_text, _as_they_are)):
        chosen = np.flatnonzero(form)
        order.append(chosen)
        for part in in_threads(read, _parts(segmentations, chosen, (height, width), quickly)):
            if part is None:
                return None
            found.append(part)
    return RunTexts.joined(found).taken(np.argsort(np.concatenate(order)))


def _parts(
    segmentations: Sequence[Any], chosen: Integers, sides: tuple[Integers, Integers], quickly: bool
) -> Iterator[_Part]:
    height, width = sides
    for first in range(0, len(chosen), _AT_ONCE):
        some = chosen[first : first + _AT_ONCE]
        yield _Part([segmentations[position] for position in some.tolist()], height[some], width[some], quickly)


def _painted(part: _Part) -> RunTexts | None:
    """Polygons of at least three finite points each; see `segmentations`."""
    if set(map(type, part.values)) != {list} or not all(part.values):
        return None
    rings = list(chain.from_iterable(part.values))
    if set(map(type, rings)) != {list}:
        return None
    ring_start = starts_of(map(len, rings))
    numbers = list(chain.from_iterable(rings))
    points = np.diff(ring_start)
    if points.min() < 6 or (points & 1).any() or not _NUMBERS.issuperset(map(type, numbers)):
        return None
    xy = _as_numbers(numbers, np.float64)
    if xy is None or not (np.abs(xy) < FARTHEST_PX).all():  # NaN is not
        return None
    if not part.quickly:
        return _by_pycocotools(part)
    from segwright.evaluate.kernels import polygons

    mask_start = starts_of(map(len, part.values))
    return RunTexts(*polygons.paint(xy, ring_start, mask_start, part.height, part.width), part.height, part.width)


def _compressed(part: _Part) -> RunTexts | None:
    """Uncompressed run lengths: whole numbers, at least 0, that cover their image."""
    counts = [value.get("counts") for value in part.values]
    if set(map(type, counts)) != {list} or not _sizes_fit(part):
        return None
    numbers = list(chain.from_iterable(counts))
    if not {int}.issuperset(map(type, numbers)):
        return None
    lengths_px, start = _as_numbers(numbers, np.int64), starts_of(map(len, counts))
    if lengths_px is None or (lengths_px < 0).any() or not _cover(lengths_px, start, part):
        return None
    if not part.quickly:
        return _by_pycocotools(part)
    from segwright.evaluate.kernels import run_lengths

    return RunTexts(*run_lengths.write(lengths_px, start), part.height, part.width)


def _cover(lengths_px: Integers, start: Integers, part: _Part) -> bool:
    """Whether each value's lengths, from `start` on, add up to the pixels of its image."""
    largest = int(part.height.max()) * int(part.width.max())
    reached = np.concatenate([[0], np.cumsum(np.minimum(lengths_px, largest + 1))])[start]
    return np.array_equal(np.diff(reached), part.height * part.width)


def _as_they_are(part: _Part) -> RunTexts | None:
    """Compressed run lengths that cover their image."""
    if not _sizes_fit(part):
        return None
    counts = list(map(itemgetter("counts"), part.values))
    joined = "".join(counts) if set(map(type, counts)) == {str} else ""
    if joined and joined.isascii():  # a letter is a byte, and no text has to be encoded by itself
        text = np.frombuffer(joined.encode("ascii"), dtype=np.uint8)
        runs = RunTexts(text, starts_of(map(len, counts)), part.height, part.width)
    else:
        runs = RunTexts.of_texts(map(text_of, part.values), part.height, part.width)
    return runs if np.array_equal(lengths(runs, quickly=part.quickly), part.height * part.width) else None


def _sizes_fit(part: _Part) -> bool:
    """Whether each value states its image's size, in whole numbers."""
    stated = [value.get("size") for value in part.values]
    if not {list, tuple}.issuperset(map(type, stated)) or {*map(len, stated)} != {2}:
        return False
    numbers = list(chain.from_iterable(stated))
    if not {int}.issuperset(map(type, numbers)):
        return False
    sizes = _as_numbers(numbers, np.int64)
    return sizes is not None and np.array_equal(sizes.reshape(-1, 2), np.stack([part.height, part.width], axis=1))


def _by_pycocotools(part: _Part) -> RunTexts:
    sizes = map(Size, part.height.tolist(), part.width.tolist())
    return RunTexts.of_texts((runs_of(*each)["counts"] for each in zip(part.values, sizes, strict=True)),
                             part.height, part.width)  # fmt: skip


def _as_numbers(numbers: list[Any], kind: npt.DTypeLike) -> npt.NDArray[Any] | None:
    """The array of these numbers; None where one is beyond what it can hold."""
    try:
        return np.array(numbers, dtype=kind)
    except OverflowError:
        return None
