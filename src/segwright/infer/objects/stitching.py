"""Objects that were cut by tiles, made whole: those of neighbouring tiles that agree where both tiles look are one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segwright.core import Box, Instance, Size, adopt
from segwright.infer.objects.overlap import meeting, within

# Two tiles see the same pixels where they overlap; what they call one object differs there by little.
SAME_OBJECT = 0.5


def stitched(tiles: Sequence[tuple[Box, Sequence[Instance]]], size: Size) -> list[Instance]:
    """The objects of a frame of `size` from those of its overlapping tiles, in frame coordinates.

    Two objects of one class from two tiles are the same where their masks, cut to the pixels both tiles see, have an
    IoU of at least one half; or where one of them ends at its own tile's edge, so is only a part of something, and has
    at least half of its pixels there in the other. Sameness carries on from tile to tile, so an object over four tiles
    comes back as one. It has all their pixels and the highest of their scores. Whole objects that both tiles saw become
    one by the same rule; neighbours that merely touch at a seam share nothing and stay two.
    """
    objects = [one for _, found in tiles for one in found]
    origin = [at for at, (_, found) in enumerate(tiles) for _ in found]
    boxes = [box.clipped(size) for box, _ in tiles]
    group = list(range(len(objects)))
    for earlier, later in _neighbours(objects, origin):
        shared = meeting(boxes[origin[earlier]], boxes[origin[later]])
        cut = [_is_cut(objects[at], boxes[origin[at]], size) for at in (earlier, later)]
        if shared is not None and _same(objects[earlier], objects[later], shared, cut):
            _join(group, earlier, later)
    members: dict[int, list[Instance]] = {}
    for at, one in enumerate(objects):
        members.setdefault(_root(group, at), []).append(one)
    return [parts[0] if len(parts) == 1 else _united(parts) for parts in members.values()]


def _neighbours(objects: Sequence[Instance], origin: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of one class from different tiles whose boxes meet."""
    if not objects:
        return []
    edges = np.array([(one.box.top, one.box.left, one.box.bottom, one.box.right) for one in objects])
    kinds, tiles = np.array([one.class_id for one in objects]), np.array(origin)
    pairs = []
    for later in range(1, len(objects)):
        top, left, bottom, right = edges[later]
        before = edges[:later]
        meets = (before[:, 0] < bottom) & (before[:, 1] < right) & (before[:, 2] > top) & (before[:, 3] > left)
        meets &= (kinds[:later] == kinds[later]) & (tiles[:later] != tiles[later])
        pairs += [(int(earlier), later) for earlier in np.flatnonzero(meets)]
    return pairs


def _is_cut(one: Instance, tile: Box, size: Size) -> bool:
    """Whether the object ends where its tile does and the frame does not."""
    ends = (
        one.box.top == tile.top > 0,
        one.box.left == tile.left > 0,
        one.box.bottom == tile.bottom < size.height,
        one.box.right == tile.right < size.width,
    )
    return any(ends)


def _same(one: Instance, other: Instance, seen_by_both: Box, cut: Sequence[bool]) -> bool:
    both = meeting(one.box, other.box)
    both = None if both is None else meeting(both, seen_by_both)
    if both is None:
        return False
    shared = int(np.count_nonzero(within(one, both) & within(other, both)))
    if not shared:
        return False
    mine, theirs = (_pixels_in(each, seen_by_both) for each in (one, other))
    parts = [pixels for pixels, is_cut in zip((mine, theirs), cut, strict=True) if is_cut]
    return shared >= SAME_OBJECT * min([mine + theirs - shared, *parts])


def _pixels_in(one: Instance, box: Box) -> int:
    part = meeting(one.box, box)
    return 0 if part is None else int(np.count_nonzero(within(one, part)))


def _united(parts: Sequence[Instance]) -> Instance:
    box = Box(
        min(one.box.top for one in parts),
        min(one.box.left for one in parts),
        max(one.box.bottom for one in parts),
        max(one.box.right for one in parts),
    )
    mask = np.zeros((box.height, box.width), bool)
    for one in parts:
        top, left = one.box.top - box.top, one.box.left - box.left
        mask[top : top + one.box.height, left : left + one.box.width] |= one.mask
    scores = [one.score for one in parts if one.score is not None]
    return Instance(parts[0].class_id, box, adopt(mask), score=max(scores) if scores else None)


def _root(group: list[int], at: int) -> int:
    while group[at] != at:
        group[at] = group[group[at]]
        at = group[at]
    return at


def _join(group: list[int], one: int, other: int) -> None:
    first, second = sorted((_root(group, one), _root(group, other)))
    group[second] = first
