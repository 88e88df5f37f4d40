"""How much two objects share, counted on their pixels; only where their boxes meet is anything looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from segwright.core import Box, Instance


def shared_px(one: Instance, other: Instance) -> int:
    """How many pixels lie in both."""
    box = meeting(one.box, other.box)
    if box is None:
        return 0
    return int(np.count_nonzero(within(one, box) & within(other, box)))


def meeting(one: Box, other: Box) -> Box | None:
    """What two boxes have in common; None where that is nothing."""
    top, left = max(one.top, other.top), max(one.left, other.left)
    bottom, right = min(one.bottom, other.bottom), min(one.right, other.right)
    return Box(top, left, bottom, right) if bottom > top and right > left else None


def within(one: Instance, box: Box) -> npt.NDArray[np.bool_]:
    """The object's pixels in `box`, which lies inside its own box."""
    top, left = box.top - one.box.top, box.left - one.box.left
    return one.mask[top : top + box.height, left : left + box.width]


def meeting_pairs(boxes: Sequence[Box]) -> Iterator[tuple[int, int]]:
    """The pairs (earlier, later) of boxes that have a pixel in common, by the later one, in order."""
    edges = np.array([(box.top, box.left, box.bottom, box.right) for box in boxes], np.int64).reshape(-1, 4)
    for later in range(1, len(boxes)):
        top, left, bottom, right = edges[later]
        before = edges[:later]
        meets = (before[:, 0] < bottom) & (before[:, 1] < right) & (before[:, 2] > top) & (before[:, 3] > left)
        for earlier in np.flatnonzero(meets):
            yield int(earlier), later
