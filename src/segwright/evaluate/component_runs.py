"""The compiled way to the objects of two maps: what `component_overlap.class_objects_plainly` gives, in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.evaluate.kernels.components import find_runs, shared, squared_radii

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class MapObjects:
    """The objects of all wanted ids of one map, numbered from 0 in the order of their first pixels.

    `ids` is the map (height, width). `begin`, `end` and `number` are int64 (runs,): the runs of equal ids in its rows,
    flat, and the object of each, -1 for one that is left out. `class_id` and `area_px` are int64 (objects,).
    """

    ids: npt.NDArray
    begin: Integers
    end: Integers
    number: Integers
    class_id: Integers
    area_px: Integers

    @staticmethod
    def of(ids: npt.NDArray, class_ids: list[int], *, connectivity: int, min_area_px: int) -> MapObjects:
        """The objects of these ids with at least `min_area_px` pixels."""
        ids = np.ascontiguousarray(ids).view()
        ids.flags.writeable = False  # whatever it was: one type, so that kernels are compiled once
        wanted = np.zeros(np.iinfo(ids.dtype).max + 1, dtype=np.bool_)
        wanted[[each for each in class_ids if each < len(wanted)]] = True
        begin, end, first = find_runs(ids, wanted, 1 if connectivity == 8 else 0)
        area = np.zeros(len(begin), dtype=np.int64)
        np.add.at(area, first, end - begin)
        kept = np.flatnonzero(area >= min_area_px)  # only at an object's first run is an area over 0
        number = np.full(len(begin), -1, dtype=np.int64)
        number[kept] = np.arange(len(kept))
        return MapObjects(ids, begin, end, number[first], ids.ravel()[begin[kept]].astype(np.int64), area[kept])

    def shared_with(self, other: MapObjects) -> tuple[Integers, Integers]:
        """Pairs of objects of one id, int64 (pairs, 2), ascending, and the pixels of each."""
        mine, theirs = ((each.begin, each.end, each.number) for each in (self, other))
        one, two, pixels = shared(mine, theirs, self.ids.ravel(), other.ids.ravel())
        codes, place = np.unique(one * max(len(other.area_px), 1) + two, return_inverse=True)
        total = np.zeros(len(codes), dtype=np.int64)
        np.add.at(total, place, pixels)
        return np.stack(np.divmod(codes, max(len(other.area_px), 1)), axis=1), total

    def squared_radii(self) -> Integers:
        """The square of the largest distance to the outside, of each object, px^2; what is left out is outside."""
        values = self.ids
        left_out = np.flatnonzero(self.number < 0)
        if len(left_out):
            values = values.astype(np.int64)
            flat = values.reshape(-1)
            for begin, end in zip(self.begin[left_out].tolist(), self.end[left_out].tolist(), strict=True):
                flat[begin:end] = -1
        return squared_radii(values, self.begin, self.end, self.number, len(self.area_px))
