"""Where a crop of a given geometry lies in its frame: anywhere, or so that it holds a wanted pixel."""

from __future__ import annotations

import numpy as np

from segwright.core import Size
from segwright.data.augment.geometry import Geometry, Vector

# A wanted pixel lies in the middle 60 % of the crop's width and height: what is around it is seen on every side.
REACH = 0.3


def centre_anywhere(geometry: Geometry, frame: Size, rng: np.random.Generator) -> tuple[float, float]:
    """A centre (row, column) at random: crops reach every pixel, and past the frame's border only where turned.

    Of a frame smaller than what the crop shows, the crop shows all.
    """
    x, y = rng.uniform(*_bounds(geometry, frame))
    return float(y), float(x)


def centre_on(geometry: Geometry, frame: Size, place: tuple[int, int], rng: np.random.Generator) -> tuple[float, float]:
    """A centre (row, column) for which one pixel of the crop is exactly the frame's pixel `place` (row, column).

    That pixel lies in the crop's middle; near the frame's border the crop is moved into the frame first, which leaves
    the wanted pixel nearer to the crop's edge and never outside.
    """
    wanted = np.array([place[1], place[0]], np.float64)
    sides = np.array([geometry.size.width, geometry.size.height])
    at = rng.uniform(0.5 - REACH, 0.5 + REACH, 2) * sides - 0.5
    centre = wanted - geometry.offset(at)
    moved = np.clip(centre, *_bounds(geometry, frame)) - centre
    # Whole pixels: a crop that shrinks its frame skips pixels, and must not skip the one it was cut for.
    pixel = np.clip(np.rint(at - np.linalg.solve(geometry.linear, moved)), 0, sides - 1)
    x, y = wanted - geometry.offset(pixel)
    return float(y), float(x)


def _bounds(geometry: Geometry, frame: Size) -> tuple[Vector, Vector]:
    """The smallest and largest centre (x, y) with which a crop, magnified and not turned, stays inside the frame."""
    shown = np.array([geometry.size.width, geometry.size.height]) / geometry.magnification
    low, high = shown / 2, np.array([frame.width, frame.height]) - shown / 2
    return np.minimum(low, high) - 0.5, np.maximum(low, high) - 0.5
