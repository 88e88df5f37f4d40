"""How far each element of one surface is from the other surface, and what follows for the surface as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.evaluate.kernels import compiled
from segwright.evaluate.surface.elements import element_sizes
from segwright.evaluate.surface.outline import Elements

# Distances and shares that differ by less than this part of themselves are rounding, not geometry.
ROUNDING = 1e-9
BANDS = 1024


@dataclass(frozen=True)
class DirectedDistances:
    """From every element of one surface to the nearest element of the other: codes (elements,), distances in mm.

    `sizes` is the surface of each code, mm or mm². Sums go through counts of codes where they can, so that they do not
    depend on the order of the elements.
    """

    codes: npt.NDArray[np.uint8]
    distances: npt.NDArray[np.float64]
    sizes: npt.NDArray[np.float64]

    def surface_within(self, tolerance: float) -> float:
        """The surface no farther than `tolerance` mm; what lies on the tolerance is within, whatever the rounding."""
        return surface(self.codes[self.distances <= tolerance * (1 + ROUNDING)], self.sizes)

    def distance_sum(self) -> float:
        """The sum of distance times surface over all elements."""
        return float((self.distances * self.sizes[self.codes]).sum())

    def percentile(self, share: float) -> float:
        """The least distance, mm, within which `share` of the surface lies."""
        farthest = float(self.distances.max())
        if not farthest:
            return 0.0
        # only the elements of one narrow band of distances are put in order
        sizes = self.sizes[self.codes]
        band = (self.distances * ((BANDS - 1) / farthest)).astype(np.int16)
        reached = np.cumsum(np.bincount(band, weights=sizes, minlength=BANDS))
        wanted = share * float(reached[-1]) * (1 - ROUNDING)
        at = int(np.searchsorted(reached, wanted))
        inside = np.flatnonzero(band == at)
        order = inside[np.argsort(self.distances[inside])]
        before = float(reached[at - 1]) if at else 0.0
        last = np.searchsorted(np.cumsum(sizes[order]), wanted - before)
        return float(self.distances[order[min(int(last), len(order) - 1)]])


def directed_distances(asked: Elements, other: Elements, spacing: tuple[float, ...]) -> DirectedDistances:
    """The distances from `asked` to `other`, which has at least one element; `spacing` is mm along each axis."""
    nearest = _nearest_compiled if compiled() else _nearest_plain
    return DirectedDistances(asked.codes, nearest(asked, other, spacing), element_sizes(spacing))


def surface(codes: npt.NDArray[np.uint8], sizes: npt.NDArray[np.float64]) -> float:
    """The surface of elements of these codes, mm or mm²."""
    return float((np.bincount(codes, minlength=len(sizes)) * sizes).sum())


def _nearest_compiled(asked: Elements, other: Elements, spacing: tuple[float, ...]) -> npt.NDArray[np.float64]:
    from segwright.evaluate.kernels.nearest import nearest_squared

    depth, height, width = spacing if len(spacing) == 3 else (spacing[0], 1.0, spacing[1])
    return np.sqrt(nearest_squared(_in_volume(asked.places), _in_volume(other.places), (depth, height, width)))


def _in_volume(places: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Places with three axes: a plane's rows and columns are the first and the last."""
    return places if len(places) == 3 else np.insert(places, 1, 0, axis=0)


def _nearest_plain(asked: Elements, other: Elements, spacing: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """The nearest element by a tree, then its distance from whole steps: exact where the spacing is."""
    from scipy.spatial import KDTree

    steps = np.array(spacing)[:, np.newaxis]
    tree = KDTree((other.places * steps).T, balanced_tree=False)
    _, nearest = tree.query((asked.places * steps).T)
    offsets = (other.places[:, nearest] - asked.places) * steps
    return np.sqrt(np.square(offsets).sum(axis=0))
