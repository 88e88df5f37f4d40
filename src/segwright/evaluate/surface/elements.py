"""How long or large is the piece of surface inside one neighbourhood of 2x2 pixels or 2x2x2 voxels?

A surface is looked at where pixels meet: each neighbourhood of 2 by 2 (by 2) pixels has a code, one bit a pixel, and
the code alone says how the surface runs between the pixels that are inside and those that are not. The piece is found,
not listed. Of the two sides take the one with fewer pixels; each group of its pixels that touch by a side is cut off by
one piece, whose corners lie halfway along the neighbourhood's edges that leave the group. In 2-D a piece is the segment
between two such points. In 3-D it is a polygon, cut into triangles; where the points do not lie in one plane the cut
matters, and the one with the largest total area on a cube is taken.

Source: the contour lengths and surfel areas of google-deepmind/surface-distance, which has them from marching cubes
(Lorensen and Cline, SIGGRAPH 1987); tests/evaluate/surface/test_elements.py compares all 16 and all 256 codes at
several spacings.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
import numpy.typing as npt

Point = tuple[float, ...]
Corner = tuple[int, ...]


@cache
def element_sizes(spacing: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """The surface in a neighbourhood of each code: mm (16,) in 2-D, mm² (256,) in 3-D; read-only.

    `spacing` is the distance between pixel centres along each axis, mm; its length says 2-D or 3-D. A code has one bit
    a pixel of the neighbourhood, set where it is inside, the first pixel in array order in the highest bit. Codes with
    nothing or everything inside have no surface. A lone corner pixel cuts off half a diagonal:

        >>> element_sizes((3.0, 4.0))[0b1000].item()
        2.5
    """
    corners = list(itertools.product((0, 1), repeat=len(spacing)))
    sizes = np.zeros(2 ** len(corners))
    for code in range(len(sizes)):
        inside = [corner for bit, corner in enumerate(reversed(corners)) if code >> bit & 1]
        smaller = inside if 2 * len(inside) <= len(corners) else [each for each in corners if each not in inside]
        sizes[code] = math.fsum(_size(group, spacing) for group in _groups(smaller))
    sizes.flags.writeable = False
    return sizes


def _groups(corners: Iterable[Corner]) -> Iterator[frozenset[Corner]]:
    """The corners in groups that touch by a side."""
    left = set(corners)
    while left:
        group, edge = set(), {min(left)}
        while edge:
            group |= edge
            left -= edge
            edge = {corner for corner in left if any(_steps(corner, other) == 1 for other in edge)}
        yield frozenset(group)


def _steps(one: Corner, other: Corner) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def _size(group: frozenset[Corner], spacing: tuple[float, ...]) -> float:
    """Length or area of the piece that cuts a group off."""
    if len(spacing) == 2:
        return math.dist(*(_scaled(point, spacing) for point in _cut_points(group, 2)))
    return math.fsum(_area(triangle, spacing) for triangle in _triangles(group))


def _cut_points(group: frozenset[Corner], dimensions: int) -> list[Point]:
    """Halfway points of the edges that leave the group."""
    corners = itertools.product((0, 1), repeat=dimensions)
    outside = [corner for corner in corners if corner not in group]
    pairs = itertools.product(sorted(group), outside)
    return [tuple((a + b) / 2 for a, b in zip(*pair, strict=True)) for pair in pairs if _steps(*pair) == 1]


@cache
def _triangles(group: frozenset[Corner]) -> tuple[tuple[Point, Point, Point], ...]:
    """The polygon that cuts a group off the cube, in triangles: of all ways, the one of the largest area on a cube."""
    polygon = _around(_cut_points(group, 3))
    return max(_triangulations(polygon), key=lambda triangles: math.fsum(_area(each) for each in triangles))


def _around(points: list[Point]) -> tuple[Point, ...]:
    """The points in their order around the polygon: the next one lies on a common face of the cube."""
    path, left = [points[0]], points[1:]
    while left:
        follower = next(point for point in left if _on_one_face(path[-1], point))
        path.append(follower)
        left.remove(follower)
    return tuple(path)


def _on_one_face(one: Point, other: Point) -> bool:
    return any(a == b and a in (0.0, 1.0) for a, b in zip(one, other, strict=True))


def _triangulations(polygon: tuple[Point, ...]) -> Iterator[tuple[tuple[Point, Point, Point], ...]]:
    """Every way to cut a polygon into triangles by its diagonals."""
    if len(polygon) < 3:
        yield ()
        return
    first, last = polygon[0], polygon[-1]
    for at in range(1, len(polygon) - 1):
        sides = _triangulations(polygon[: at + 1]), _triangulations(polygon[at:])
        for before, after in itertools.product(*sides):
            yield (*before, (first, polygon[at], last), *after)


def _area(triangle: tuple[Point, Point, Point], spacing: tuple[float, ...] = (1.0, 1.0, 1.0)) -> float:
    one, two, three = (_scaled(point, spacing) for point in triangle)
    sides = [tuple(b - a for a, b in zip(one, other, strict=True)) for other in (two, three)]
    (az, ay, ax), (bz, by, bx) = sides
    return math.hypot(ay * bx - ax * by, ax * bz - az * bx, az * by - ay * bz) / 2


def _scaled(point: Point, spacing: tuple[float, ...]) -> Point:
    return tuple(a * step for a, step in zip(point, spacing, strict=True))
