"""Where parts lie: heaped or alone, on the belt or fallen beside it, cut by the frame, none of them hidden away."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from segwright.core import Box, Size
from segwright.demo.frames.scene import Setting
from segwright.demo.panoptic.ground import Course
from segwright.demo.panoptic.parts import Part, draw_part
from segwright.demo.panoptic.spec import BOLT, BRACKET

BRACKETS, BOLTS = (1, 6), (3, 13)  # how many a frame, the second number is not reached
EMPTY_SHARE = 0.04  # of the frames have no part at all
FALLEN_SHARE = 0.12  # of the bolts lie on the floor
HEAPED_SHARE = 0.35  # of the parts lie close to one that is there
LEAST_VISIBLE = 0.3  # of each part's own pixels: what is seen of it in the end
TRIES = 12
OUTSIDE = 0.04  # how far out of the frame a part's middle may lie, as a share of its side


def draw_layout(setting: Setting, course: Course, random: np.random.Generator) -> tuple[Part, ...]:
    """The parts of a frame from the lowest to the highest; of each at least `LEAST_VISIBLE` is seen.

    A part for which no place is found in a dozen tries is left out.
    """
    if random.random() < EMPTY_SHARE:
        return ()
    kinds = [BRACKET] * int(random.integers(*BRACKETS)) + [BOLT] * int(random.integers(*BOLTS))
    heap = _Heap(setting.size)
    for kind in random.permutation(kinds):
        for centre in _places(int(kind), heap.parts, setting, course, random):
            if heap.add(draw_part(int(kind), centre, setting, setting.look.metal, random)):
                break
    return tuple(heap.parts)


def _places(
    kind: int, there: list[Part], setting: Setting, course: Course, random: np.random.Generator
) -> Iterator[tuple[float, float]]:
    """Up to `TRIES` middles (x, y) px for a part of this kind."""
    size = setting.size
    fallen = kind == BOLT and random.random() < FALLEN_SHARE
    for _ in range(TRIES):
        if there and not fallen and random.random() < HEAPED_SHARE:
            box = there[int(random.integers(len(there)))].box
            yield float(random.uniform(box.left, box.right)), float(random.uniform(box.top, box.bottom))
            continue
        x = float(random.uniform(-OUTSIDE, 1 + OUTSIDE)) * size.width
        y = float(random.uniform(-OUTSIDE, 1 + OUTSIDE)) * size.height
        inside = min(max(int(y), 0), size.height - 1), min(max(int(x), 0), size.width - 1)
        if bool(course.on_belt(size)[inside]) != fallen:
            yield x, y


class _Heap:
    """Parts on top of each other, and how much of each is seen."""

    def __init__(self, size: Size) -> None:
        self.parts: list[Part] = []
        self._top = np.zeros((size.height, size.width), np.int32)  # the number of the part on top, from 1; 0 ground

    def add(self, part: Part) -> bool:
        """Lay the part on top, unless it or one below would then be hidden or out of the frame too far."""
        inner, outer = inside_frame(part.box, Size(*self._top.shape))
        mask = part.mask[inner]
        if mask.sum() < max(1, LEAST_VISIBLE * part.mask.sum()):
            return False
        top = self._top.copy()
        top[outer][mask] = len(self.parts) + 1
        seen = np.bincount(top.ravel(), minlength=len(self.parts) + 2)[1:]
        whole = [one.mask.sum() for one in (*self.parts, part)]
        if (seen < np.multiply(LEAST_VISIBLE, whole)).any():
            return False
        self.parts.append(part)
        self._top = top
        return True


def inside_frame(box: Box, size: Size) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of `box` that lies in a frame: as slices of the box's own array, and of the frame."""
    seen = box.clipped(size)
    return Box(
        seen.top - box.top, seen.left - box.left, seen.bottom - box.top, seen.right - box.left
    ).slices, seen.slices


def stacked_ids(parts: tuple[Part, ...], size: Size, first: int) -> npt.NDArray[np.uint32]:
    """The number of the part on top at each pixel, counted from `first` in the order of `parts`; 0 where none lies."""
    ids = np.zeros((size.height, size.width), np.uint32)
    for number, part in enumerate(parts, start=first):
        inner, outer = inside_frame(part.box, size)
        ids[outer][part.mask[inner]] = number
    return ids
