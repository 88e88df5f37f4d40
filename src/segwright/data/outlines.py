"""Masks to outlines: closed rings along pixel edges, so exact that painting them gives the mask back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.data.rasterise import Mask, Points

Corners = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Region:
    """A connected region: its outer ring and the rings of its holes, each of corners (n, 2) as x, y."""

    outer: Points
    holes: tuple[Points, ...] = ()


def regions_of(mask: Mask) -> tuple[Region, ...]:
    """The 4-connected regions of a mask (height, width), from top to bottom; empty where no pixel is painted.

    Rings run along pixel edges and turn at pixel corners only; outer rings go clockwise (y points down), holes the
    other way, and no ring touches itself but in a corner. Painting every outer ring and taking its holes away gives the
    mask back, pixel for pixel, in `rasterise.polygon_patch`, in COCO's rasteriser, and in every even-odd fill by pixel
    centres.
    """
    rings = [ring for ring in _rings(mask) if len(ring) >= 4]
    outers = [ring for ring in rings if _twice_area(ring) > 0]
    holes: list[list[Points]] = [[] for _ in outers]
    for ring in rings:
        if _twice_area(ring) < 0:
            holes[_owner(ring, outers)].append(ring.astype(np.float64))
    return tuple(Region(ring.astype(np.float64), tuple(own)) for ring, own in zip(outers, holes, strict=True))


def single_ring(region: Region) -> Points:
    """The region as one ring without holes: each hole is joined to the ring by a cut of no width, there and back.

    Even-odd and non-zero fills paint the same pixels as with the holes. For formats that know no holes.
    """
    ring = region.outer
    for hole in sorted(region.holes, key=lambda points: (points[:, 1].min(), points[:, 0].min())):
        start = np.lexsort((hole[:, 0], hole[:, 1]))[0]  # its top left corner: the cut goes up to the ring from there
        turned = np.roll(hole, -start, axis=0)
        at, landing = _edge_above(ring, turned[0])
        cut = [landing, *turned, turned[0], landing]
        ring = np.concatenate([ring[: at + 1], np.array(cut), ring[at + 1 :]])
    return ring


def _rings(mask: Mask) -> Iterator[Corners]:
    """Closed rings of corners (n, 2) as x, y with painted pixels to their right; each is left from its top left."""
    corners, outgoing = _corner_steps(np.pad(mask, 1).astype(np.int8))
    left = np.ones(len(corners), dtype=bool)
    for start in range(len(corners)):
        if not left[start]:
            continue
        ring, at = [], start
        while left[at]:
            left[at] = False
            ring.append(at)
            at = outgoing[at]
        yield corners[ring] - 1


def _corner_steps(padded: npt.NDArray[np.int8]) -> tuple[Corners, list[int]]:
    """Every corner (x, y) where a ring turns, and for each the corner its ring comes to next.

    Where two painted pixels touch in a corner only, two rings turn there: the corner is listed twice, once for each of
    the painted pixels, so that the rings stay apart (4-connected regions).
    """
    upper_left, upper_right = padded[:-1, :-1], padded[:-1, 1:]
    lower_left, lower_right = padded[1:, :-1], padded[1:, 1:]
    total = upper_left + upper_right + lower_left + lower_right
    crossing = (total == 2) & (upper_left == lower_right)
    rows: list[Corners] = []
    # The four ways a ring turns at a corner, as (which pixel the turn is about, painted or not): the horizontal edge at
    # the corner lies to its left or right, the vertical one above or below.
    for right, below, pixel in ((0, 0, upper_left), (1, 0, upper_right), (0, 1, lower_left), (1, 1, lower_right)):
        convex = ((total == 1) | crossing) & (pixel == 1)
        concave = (total == 3) & (pixel == 0)
        for inside, found in ((1, convex), (0, concave)):
            y, x = np.nonzero(found)
            rows.append(np.column_stack([x + 1, y + 1, np.full((len(x), 3), (right, below, inside))]).astype(np.int64))
    turns = np.concatenate(rows) if rows else np.zeros((0, 5), np.int64)
    turns = turns[np.lexsort((turns[:, 0], turns[:, 1]))]
    return turns[:, :2], _linked(turns)


def _linked(turns: npt.NDArray[np.int64]) -> list[int]:
    """For each turn (x, y, right, below, inside) the index of the turn that follows on its ring.

    Along a row of corners, horizontal edges join neighbours in pairs, left end with right end; along a column, vertical
    edges likewise. A ring leaves an outer top left turn to the right: painted pixels lie to its right hand.
    """
    x, y, right, below, inside = turns.T
    across = _partners(np.lexsort((1 - right, x, y)))
    along = _partners(np.lexsort((1 - below, y, x)))
    horizontal_out = (right == below) == (inside == 1)
    return np.where(horizontal_out, across, along).tolist()


def _partners(order: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Items that follow each other two by two in `order` are each other's partner."""
    partner = np.empty(len(order), dtype=np.int64)
    partner[order[0::2]], partner[order[1::2]] = order[1::2], order[0::2]
    return partner


def _twice_area(ring: npt.NDArray) -> float:
    """Twice the area inside a ring; negative where it runs anticlockwise on the screen."""
    x, y = ring[:, 0], ring[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def _owner(hole: npt.NDArray, outers: list[Corners]) -> int:
    """Which outer ring a hole lies in: the smallest of those that hold the pixel left of its top left corner."""
    x, y = hole[np.lexsort((hole[:, 0], hole[:, 1]))[0]]
    around = [at for at, ring in enumerate(outers) if _holds(ring, x - 0.5, y + 0.5)]
    return min(around, key=lambda at: _twice_area(outers[at]))


def _holds(ring: npt.NDArray, x: float, y: float) -> bool:
    """Whether a point lies inside a ring (even-odd)."""
    ends = np.roll(ring, -1, axis=0)
    vertical = ring[:, 0] == ends[:, 0]
    spans = (np.minimum(ring[:, 1], ends[:, 1]) < y) & (np.maximum(ring[:, 1], ends[:, 1]) > y)
    return bool(np.count_nonzero(vertical & spans & (ring[:, 0] > x)) % 2)


def _edge_above(ring: Points, point: Points) -> tuple[int, Points]:
    """The horizontal edge of a ring nearest above a point: the index of its first end, and the point right above."""
    ends = np.roll(ring, -1, axis=0)
    level = (ring[:, 1] == ends[:, 1]) & (ring[:, 1] <= point[1])
    spans = level & (np.minimum(ring[:, 0], ends[:, 0]) <= point[0]) & (np.maximum(ring[:, 0], ends[:, 0]) >= point[0])
    candidates = np.flatnonzero(spans & (ring[:, 0] != ends[:, 0]))
    at = int(candidates[np.argmax(ring[candidates, 1])])
    return at, np.array([point[0], ring[at, 1]])
