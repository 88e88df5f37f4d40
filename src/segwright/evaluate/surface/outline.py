"""Where the surface of each class runs in one map or volume: found for all classes in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable


@dataclass(frozen=True)
class Elements:
    """The surface elements of one class: a neighbourhood of 2x2 (x2) pixels each, some inside and some not.

    `codes` is uint8 (elements,), as `element_sizes` reads it. `places` is int32 (axes, elements), the neighbourhood's
    position along each axis, in array order; both maps of a frame count from the same corner.
    """

    codes: npt.NDArray[np.uint8]
    places: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True)
class Outlines:
    """All neighbourhoods of a map that are not of one id, and the ids of their pixels.

    Beyond the frame is void: a class that touches the frame's edge has a surface there.
    `corners` is (2**axes, neighbourhoods) ids, `places` int32 (axes, neighbourhoods).
    """

    corners: npt.NDArray
    places: npt.NDArray[np.int32]

    @staticmethod
    def of(ids: npt.NDArray, classes: ClassTable) -> Outlines:
        """The outlines of ids (height, width) or (depth, height, width), uint8 or uint16."""
        padded = _with_void_around(ids, classes.void_id)
        low = high = padded
        for axis in range(ids.ndim):
            first, second = (_side(axis, slice(None, -1)), _side(axis, slice(1, None)))
            low, high = np.minimum(low[first], low[second]), np.maximum(high[first], high[second])
        changed = low != high
        places = np.unravel_index(np.flatnonzero(changed), changed.shape)
        strides = np.array(padded.strides) // padded.itemsize
        first_corner = sum(place * stride for place, stride in zip(places, strides, strict=True))
        flat = padded.ravel()
        corners = [flat[first_corner + int(np.dot(step, strides))] for step in product((0, 1), repeat=ids.ndim)]
        return Outlines(np.stack(corners), np.stack(places).astype(np.int32))

    def present(self, classes: ClassTable) -> npt.NDArray[np.bool_]:
        """True for each class of the map (classes,); every one has a surface, at the frame's edge if nowhere else."""
        seen = np.zeros(65536, dtype=np.bool_)
        seen[self.corners.ravel()] = True
        return seen[list(classes.ids)]

    def elements(self, class_id: int) -> Elements:
        """The surface elements of a class, in array order; none where it is absent."""
        inside = self.corners == class_id
        codes = np.packbits(inside, axis=0)[0] >> (8 - len(inside))
        full = 2 ** len(inside) - 1
        at = np.flatnonzero((codes != 0) & (codes != full))
        return Elements(codes[at], self.places[:, at])


def _with_void_around(ids: npt.NDArray, void_id: int) -> npt.NDArray:
    kind = np.result_type(ids.dtype, np.min_scalar_type(void_id))
    padded = np.full([length + 2 for length in ids.shape], void_id, dtype=kind)
    padded[(slice(1, -1),) * ids.ndim] = ids
    return padded


def _side(axis: int, part: slice) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, part)
