"""What one frame adds to every score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.evaluate.boundary import BoundaryCounts


@dataclass(frozen=True, eq=False, slots=True)
class FrameCounts:
    """What one frame adds to every score, without its confusion: a few numbers a class, kept for every frame.

    `correct_px`, `truth_px` and `predicted_px` are int64 (classes,), as in `PixelCounts`; `boundary_regions` is int64
    (3, classes), as `count_boundary_regions` gives it, zeros where boundaries are not looked at. `further` has the
    counts of each further family that was asked for, by its name.
    """

    stem: str
    columns: Mapping[str, str]
    correct_px: npt.NDArray[np.int64]
    truth_px: npt.NDArray[np.int64]
    predicted_px: npt.NDArray[np.int64]
    void_px: int
    boundaries: BoundaryCounts
    boundary_regions: npt.NDArray[np.int64]
    further: Mapping[str, Any] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FrameCounts):
            return NotImplemented
        mine, theirs = (
            (row.stem, dict(row.columns), row.void_px, row.boundaries,
             row.correct_px.tolist(), row.truth_px.tolist(), row.predicted_px.tolist(), row.boundary_regions.tolist(),
             dict(row.further))
            for row in (self, other)
        )  # fmt: skip
        return mine == theirs

    __hash__ = None  # type: ignore[assignment]
