"""Where an object will be: it goes on as it went, by whole pixels, with the mask it was last seen with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from segwright.core import Box, Instance, Size
from segwright.infer.objects.decision import moved

# How much of a new measurement enters the velocity, once there are two: half, so that one shaky outline neither turns
# an object round nor is believed for ever. It is the fixed gain of an alpha-beta filter with alpha 1: masks say to the
# pixel where an object is.
VELOCITY_GAIN = 0.5
EDGE_SHARE = 0.05


@dataclass(frozen=True)
class Velocity:
    """Pixels a frame: rows down, columns to the right; either may be negative."""

    down: float = 0.0
    right: float = 0.0


@dataclass(frozen=True, eq=False)
class Motion:
    """What is known of one object: the mask of `seen_at`, its velocity, and how often that was measured."""

    instance: Instance
    seen_at: int
    velocity: Velocity
    measured: int = 0


def expected(motion: Motion, at: int) -> Instance:
    """The object as it should lie in frame `at`; it may lie outside the frame."""
    frames = at - motion.seen_at
    return moved(motion.instance, round(motion.velocity.down * frames), round(motion.velocity.right * frames))


def gone_on(motion: Motion, found: Instance, at: int, size: Size) -> Motion:
    """The motion once the object was found in frame `at` of `size`."""
    frames = at - motion.seen_at
    down, right = displacement(motion.instance, found, size)
    if down is None and right is None:
        return replace(motion, instance=found, seen_at=at)
    gain = VELOCITY_GAIN if motion.measured else 1.0
    velocity = Velocity(
        _blended(motion.velocity.down, down, frames, gain), _blended(motion.velocity.right, right, frames, gain)
    )
    return Motion(found, at, velocity, motion.measured + 1)


def displacement(before: Instance, after: Instance, size: Size) -> tuple[float | None, float | None]:
    """Rows down and columns to the right that an object moved by, each None where nobody can tell.

    The mean of what its two edges moved by, an edge being where the outermost twentieth of its pixels ends: a speck far
    off, which masks of networks have, moves the box but not the object. An edge on the frame's border says nothing: an
    object that comes into the frame grows there, and its middle moves at half its speed.
    """
    return _axis(before, after, 1, size.height), _axis(before, after, 0, size.width)


def _axis(before: Instance, after: Instance, across: int, length: int) -> float | None:
    """The same for one direction; `across` is the axis of the mask that is summed up."""
    sides = [_sides(one.box, across) for one in (before, after)]
    free = [border not in (sides[0][end], sides[1][end]) for end, border in enumerate((0, length))]
    if not any(free):
        return None
    edges = [_edges(one, across) for one in (before, after)]
    steps = [edges[1][end] - edges[0][end] for end in (0, 1) if free[end]]
    return sum(steps) / len(steps)


def _sides(box: Box, across: int) -> tuple[int, int]:
    return (box.top, box.bottom) if across == 1 else (box.left, box.right)


def _edges(one: Instance, across: int) -> tuple[int, int]:
    """The rows (across 1) or columns (across 0) at which the first and the last twentieth of the pixels end."""
    filled = np.cumsum(np.count_nonzero(one.mask, axis=across))
    first, last = np.searchsorted(filled, [EDGE_SHARE * filled[-1], (1 - EDGE_SHARE) * filled[-1]])
    origin = _sides(one.box, across)[0]
    return origin + int(first), origin + int(last)


def _blended(old: float, moved_by: float | None, frames: int, gain: float) -> float:
    return old if moved_by is None else old + gain * (moved_by / frames - old)
