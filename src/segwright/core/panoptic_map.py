"""The panoptic answer: each pixel in one segment, or void; segments never overlap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core.classes import ClassTable
from segwright.core.errors import Problem, raise_collected
from segwright.core.geometry import Size
from segwright.core.image import frozen

VOID_SEGMENT = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """A region: its id in the map, its class, and whether it is a crowd: several things nobody told apart."""

    segment_id: int
    class_id: int
    crowd: bool = False


@dataclass(frozen=True, eq=False)
class PanopticMap:
    """Segment ids `(height, width)`, uint32, read-only, 0 = void, and what each segment is; equal by value.

    Every id in the map but 0 is a segment's, and every segment has a pixel. Which classes are things and which are
    stuff is said by the class table.

    Raises:
        DataError: ids that no segment has, segments without a pixel, of id 0 or of one id, ids of no class; all at
            once.
    """

    segment_ids: npt.NDArray[np.uint32]
    segments: tuple[Segment, ...]
    classes: ClassTable

    def __post_init__(self) -> None:
        ids = self.segment_ids
        if ids.ndim != 2 or 0 in ids.shape or ids.dtype != np.uint32:
            raise ValueError(f"segment ids are uint32 (height, width), got {ids.dtype} of shape {ids.shape}")
        object.__setattr__(self, "segment_ids", frozen(ids))
        raise_collected(_problems(self))

    @property
    def size(self) -> Size:
        """Height and width in px."""
        return Size(self.segment_ids.shape[0], self.segment_ids.shape[1])

    @property
    def void(self) -> npt.NDArray[np.bool_]:
        """True where the pixel is in no segment; (height, width)."""
        return self.segment_ids == VOID_SEGMENT

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PanopticMap):
            return NotImplemented
        same = (self.segments, self.classes) == (other.segments, other.classes)
        return same and np.array_equal(self.segment_ids, other.segment_ids)

    __hash__ = None  # type: ignore[assignment]


def _problems(panoptic: PanopticMap) -> Iterator[Problem]:
    place = "panoptic map"
    named = [segment.segment_id for segment in panoptic.segments]
    painted = {int(value) for value in np.unique(panoptic.segment_ids)} - {VOID_SEGMENT}
    twice = sorted({value for value in named if named.count(value) > 1}) if len(set(named)) < len(named) else []
    if twice or VOID_SEGMENT in named:
        found = ", ".join(map(str, twice)) or "0"
        yield Problem(place, "has segments of one id, or of id 0", "each id once, from 1", found, "number them anew")
    for rule, ids, fix in (
        ("has pixels of segments that nobody names", painted - {*named}, "name them, or make them void (0)"),
        ("names segments without a pixel", {*named} - painted - {VOID_SEGMENT}, "leave them out"),
    ):
        if ids:
            shown = ", ".join(map(str, sorted(ids)[:8])) + (f" ... ({len(ids)})" if len(ids) > 8 else "")
            yield Problem(place, rule, f"{len(named)} segments, and 0 for void", shown, fix)
    strangers = sorted({segment.class_id for segment in panoptic.segments} - {*panoptic.classes.ids})
    if strangers:
        found = ", ".join(map(str, strangers))
        yield Problem(place, "has segments of no class", panoptic.classes.describe(), found, "map them to a class")
