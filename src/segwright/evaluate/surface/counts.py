"""Surface counts: what each frame adds to surface Dice and surface distances, kept as one row a frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable
from segwright.evaluate.rows import in_order

# last axis of the arrays of FrameSurfaces
PREDICTED, TRUE = 0, 1

Score = float | None


@dataclass(frozen=True, eq=False)
class FrameSurfaces:
    """What one frame or volume adds, for each class and both sides, predicted then true; equal by value.

    `surface` is float64 (classes, 2): length in mm (2-D) or area in mm² (3-D) of each side; 0 where the class is
    absent from that side. `surface_within` is float64 (tolerances, classes, 2): how much of it lies within the
    tolerance of the other side. `distance_sum` is float64 (classes, 2): distance to the other side, mm, times surface,
    summed over the side. `hd95` is float64 (classes, 2): the distance, mm, within which 95 % of the side's surface
    lies of the other. The last three are 0 where either side is absent.
    """

    stem: str
    surface: npt.NDArray[np.float64]
    surface_within: npt.NDArray[np.float64]
    distance_sum: npt.NDArray[np.float64]
    hd95: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("surface", "surface_within", "distance_sum", "hd95"):
            values = np.array(getattr(self, name), dtype=np.float64)
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    def sides(self, channel: int) -> int:
        """In how many of the two maps the class is: 0, 1 or 2."""
        return int(np.count_nonzero(self.surface[channel]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FrameSurfaces):
            return NotImplemented
        return self.stem == other.stem and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("surface", "surface_within", "distance_sum", "hd95")
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class SurfaceCounts:
    """Surface counts of any number of frames, added with `+`: every order and every sharding gives the same value.

    `tolerances` ascend, in mm (px where the spacing is 1). `dimensions` is 2 or 3. `frames` are in the order of their
    stems. Sums over frames are rounded once (`math.fsum`), so scores do not depend on the order either.

    A class in neither map of a frame is not in that frame. A class in one map only has surface that nothing is near,
    so it lowers `nsd`; its distances would be infinite, so the frame is left out of `hd95` and `assd` and counted in
    `one_sided`.

    Raises:
        DataError: two rows have one stem.
    """

    classes: ClassTable
    tolerances: tuple[float, ...]
    dimensions: int
    frames: tuple[FrameSurfaces, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "frames", in_order(self.frames))

    def __add__(self, other: SurfaceCounts) -> SurfaceCounts:
        same = self.tolerances == other.tolerances and self.dimensions == other.dimensions
        if not same or self.classes.content_hash != other.classes.content_hash:
            raise ValueError("only surface counts of the same classes, tolerances and dimensions add up")
        return SurfaceCounts(self.classes, self.tolerances, self.dimensions, self.frames + other.frames)

    def images(self) -> list[int]:
        """In how many frames each class is, in truth or prediction (classes,)."""
        return [sum(row.sides(channel) > 0 for row in self.frames) for channel in range(len(self.classes))]

    def one_sided(self) -> list[int]:
        """In how many frames each class is in one map only (classes,): in `nsd`, in neither `hd95` nor `assd`."""
        return [sum(row.sides(channel) == 1 for row in self.frames) for channel in range(len(self.classes))]

    def nsd(self, tolerance: float) -> list[Score]:
        """Pooled surface Dice of each class at one of `tolerances`, 0..1; None for a class in no frame."""
        at = self.tolerances.index(tolerance)
        return [self._nsd(at, channel) for channel in range(len(self.classes))]

    def hd95(self) -> list[Score]:
        """Mean over images of each class's 95 % Hausdorff distance, mm; None where no frame has it in both maps."""
        return self._means(lambda row, channel: float(row.hd95[channel].max()))

    def assd(self) -> list[Score]:
        """Mean over images of each class's average symmetric surface distance, mm; None as for `hd95`."""
        return self._means(lambda row, channel: _over(row.distance_sum[channel], row.surface[channel]))

    def directed_distance(self, side: int) -> list[Score]:
        """Mean over images of the average distance from one side (`PREDICTED` or `TRUE`) to the other, mm."""
        return self._means(lambda row, channel: float(row.distance_sum[channel, side] / row.surface[channel, side]))

    def _nsd(self, at: int, channel: int) -> Score:
        within = (value for row in self.frames for value in row.surface_within[at, channel].tolist())
        total = math.fsum(value for row in self.frames for value in row.surface[channel].tolist())
        return math.fsum(within) / total if total else None

    def _means(self, value_of: Callable[[FrameSurfaces, int], float]) -> list[Score]:
        return [
            _mean(value_of(row, channel) for row in self.frames if row.sides(channel) == 2)
            for channel in range(len(self.classes))
        ]


def _over(part: npt.NDArray[np.float64], whole: npt.NDArray[np.float64]) -> float:
    return math.fsum(part.tolist()) / math.fsum(whole.tolist())


def _mean(values: Iterable[float]) -> Score:
    found = list(values)
    return math.fsum(found) / len(found) if found else None
