"""Fewer points in the outlines of a label map, its borders moved once for both sides, so that no seam opens.

The borders of a map are arcs between junctions: corners where three regions meet, or where a border meets the edge of
the frame. Each arc is simplified once, by Douglas and Peucker, and both its regions use the result. Under an even-odd
fill every pixel of the frame then lies in an odd number of regions, so in one at least: parity adds up over edges, each
arc counts twice, and only the edge of the frame is left. No pixel between neighbours can come out unlabelled.

Source: D. Douglas and T. Peucker, "Algorithms for the reduction of the number of points required to represent a
digitized line", Cartographica 10 (1973).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segwright.data.drawing import Drawing, joined_ring, patch_of
from segwright.data.rasterise import Points
from segwright.data.shapes import Outlines, Shape

Regions = npt.NDArray[np.int32]
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))  # right, down, left, up: each next one is a turn to the right
_OUTSIDE = -2
NOBODY = -1


@dataclass(frozen=True, eq=False)
class Arc:
    """A border between two junctions, or a closed one: corners (n, 2) as x, y, and the regions to its sides."""

    corners: npt.NDArray[np.int64]
    right: int
    left: int

    @property
    def closed(self) -> bool:
        """Whether it meets no junction."""
        return bool((self.corners[0] == self.corners[-1]).all())


class _Way(NamedTuple):
    """An arc in one direction: the step it leaves with, the step it arrives with, and its line."""

    leaves: int
    arrives: int
    points: Points


def simplified(drawing: Drawing, tolerance_px: float) -> Drawing:
    """The labels as outlines whose borders lie within `tolerance_px` of the painted ones; 0 keeps every pixel.

    Where all shapes are outlines already, they stay as they were drawn. Else each shape becomes the outlines of what is
    seen of it, with holes: what lies under another shape is lost. No shape that is seen vanishes (its borders then stay
    exact), and a pixel becomes unpainted only within the tolerance of one that was.
    """
    if not any(not isinstance(shape, Outlines) for shape in drawing.shapes):
        return drawing
    top = _top(drawing.shapes, drawing)
    seen = {int(value) for value in np.unique(top)} - {NOBODY}
    arcs = arcs_of(top)
    exact: set[int] = set()
    while True:
        lines = [_line(arc, 0.0 if at in exact else tolerance_px) for at, arc in enumerate(arcs)]
        shapes = [_outlined(drawing.shapes[index], index, arcs, lines) for index in sorted(seen)]
        kept = {sorted(seen)[at] for at in np.unique(_top(shapes, drawing)) if at != NOBODY}
        hidden = seen - kept
        more = {at for at, arc in enumerate(arcs) if {arc.left, arc.right} & hidden} - exact
        if not more:
            return replace(drawing, shapes=tuple(shapes))
        exact |= more


def _top(shapes: Sequence[Shape], drawing: Drawing) -> Regions:
    """For each pixel the position of the shape that is seen there, or NOBODY."""
    top = np.full((drawing.size.height, drawing.size.width), NOBODY, np.int32)
    for at, shape in enumerate(shapes):
        patch = patch_of(shape, drawing.size)
        patch.paint(top, at)
    return top


def arcs_of(regions: Regions) -> list[Arc]:
    """All borders of a map (height, width) of region numbers, the edge of the frame among them, cut at junctions."""
    around = np.pad(regions, 1, constant_values=_OUTSIDE)
    above, below = around[:-1, 1:-1], around[1:, 1:-1]
    before, after = around[1:-1, :-1], around[1:-1, 1:]
    height, width = regions.shape
    edges = np.zeros((height + 1, width + 1, 4), dtype=bool)  # at each corner: an edge to the right, down, left, up
    edges[:, :-1, 0] = edges[:, 1:, 2] = above != below
    edges[:-1, :, 1] = edges[1:, :, 3] = before != after
    junction = edges.sum(axis=2) > 2
    junction[[0, 0, -1, -1], [0, -1, 0, -1]] = True  # the corners of the frame stay where they are
    arcs = [_walked(edges, junction, around, int(x), int(y), d) for y, x in np.argwhere(junction) for d in range(4)]
    for y, x in np.argwhere(edges.any(axis=2)):  # what is left are closed borders without a junction
        if edges[y, x].any():
            arcs.append(_walked(edges, junction, around, int(x), int(y), int(np.argmax(edges[y, x]))))
    return [arc for arc in arcs if arc is not None]


def _walked(
    edges: npt.NDArray[np.bool_], junction: npt.NDArray[np.bool_], around: Regions, x: int, y: int, direction: int
) -> Arc | None:
    """The arc that leaves a corner in a direction; its edges are used up. None where there is no edge."""
    if not edges[y, x, direction]:
        return None
    right, left = _sides(around, x, y, direction)
    corners, start = [(x, y)], (x, y)
    while True:
        edges[y, x, direction] = False
        x, y = x + _STEPS[direction][0], y + _STEPS[direction][1]
        edges[y, x, (direction + 2) % 4] = False
        if junction[y, x] or (x, y) == start:
            corners.append((x, y))
            return Arc(np.array(corners, np.int64), right, left)
        turned = next(turn for turn in range(4) if edges[y, x, turn])
        if turned != direction:
            corners.append((x, y))
        direction = turned


def _sides(around: Regions, x: int, y: int, direction: int) -> tuple[int, int]:
    """The regions to the right and to the left of the edge that leaves a corner; `around` has a rim of one pixel."""
    upper_left, upper_right = int(around[y, x]), int(around[y, x + 1])
    lower_left, lower_right = int(around[y + 1, x]), int(around[y + 1, x + 1])
    return (
        (lower_right, upper_right),
        (lower_left, lower_right),
        (upper_left, lower_left),
        (upper_right, upper_left),
    )[direction]


def _line(arc: Arc, tolerance_px: float) -> Points:
    """The arc with fewer corners; its ends stay, and a closed one keeps three corners at least."""
    points = arc.corners.astype(np.float64)
    if not tolerance_px or len(points) < 3:
        return points
    if not arc.closed:
        return points[_kept(points, tolerance_px)]
    far = int(np.argmax(np.linalg.norm(points - points[0], axis=1)))
    there, back = points[: far + 1], points[far:]
    line = np.concatenate([there[_kept(there, tolerance_px)][:-1], back[_kept(back, tolerance_px)]])
    return line if len(line) > 3 else points


def _kept(points: Points, tolerance_px: float) -> npt.NDArray[np.bool_]:
    """Which points of a line Douglas and Peucker keep: no point is farther than the tolerance from the new line."""
    kept = np.zeros(len(points), dtype=bool)
    kept[[0, -1]] = True
    waiting = [(0, len(points) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        distance = _distances(points[first + 1 : last], points[first], points[last])
        farthest = int(np.argmax(distance))
        if distance[farthest] > tolerance_px:
            at = first + 1 + farthest
            kept[at] = True
            waiting += [(first, at), (at, last)]
    return kept


def _distances(points: Points, start: Points, end: Points) -> npt.NDArray[np.float64]:
    """How far points lie from the straight piece between `start` and `end`."""
    along = end - start
    length = float(along @ along)
    share = np.clip((points - start) @ along / length, 0, 1) if length else np.zeros(len(points))
    return np.linalg.norm(points - start - share[:, None] * along, axis=1)


def _outlined(shape: Shape, index: int, arcs: Sequence[Arc], lines: Sequence[Points]) -> Outlines:
    """The outlines and holes of one region, made of its simplified borders, with the facts of its shape."""
    rings = _rings(index, arcs, lines)
    outlines = tuple(ring for ring in rings if _twice_area(ring) > 0)
    holes = tuple(ring for ring in rings if _twice_area(ring) <= 0)
    if len(outlines) > 1 and holes:  # one may lie as an island in a hole of another: only an even-odd fill tells
        outlines, holes = (joined_ring(rings),), ()
    return Outlines(shape.class_id, outlines or holes, holes if outlines else (), shape.facts)


def _rings(index: int, arcs: Sequence[Arc], lines: Sequence[Points]) -> list[Points]:
    """Closed rings with the region to their right hand, stitched from its arcs at junctions."""
    leaving: dict[tuple[int, int], list[_Way]] = defaultdict(list)
    for arc, line in zip(arcs, lines, strict=True):
        for side, corners, points in ((arc.right, arc.corners, line), (arc.left, arc.corners[::-1], line[::-1])):
            if side == index:
                way = _Way(_direction(corners[0], corners[1]), _direction(corners[-2], corners[-1]), points)
                leaving[tuple(corners[0].tolist())].append(way)
    rings = []
    while leaving:
        start = at = next(iter(leaving))
        ring: list[Points] = []
        arrived: int | None = None
        while True:
            way = _taken(leaving[at], arrived)
            if not leaving[at]:
                del leaving[at]
            ring.append(way.points[:-1])
            arrived, at = way.arrives, (int(way.points[-1, 0]), int(way.points[-1, 1]))
            if at == start:
                break
        rings.append(np.concatenate(ring))
    return rings


def _taken(choices: list[_Way], arrived: int | None) -> _Way:
    """The arc to go on with from a junction: the one that turns right most, which keeps to the same pixel."""
    if arrived is None:
        return choices.pop()
    return choices.pop(min(range(len(choices)), key=lambda at: (arrived + 1 - choices[at].leaves) % 4))


def _direction(start: npt.NDArray[np.int64], end: npt.NDArray[np.int64]) -> int:
    x, y = np.sign(end - start).tolist()
    return _STEPS.index((x, y))


def _twice_area(ring: Points) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
