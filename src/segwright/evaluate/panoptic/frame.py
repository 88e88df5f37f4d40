"""`PanopticFrame`: one frame's segments, each pixel in one of them or void."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, Problem, Size, raise_collected
from segwright.core.image import frozen
from segwright.evaluate.panoptic.overlap import count_ids

VOID = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """What a segment is: its class, and whether it is a crowd (a region of several things nobody told apart)."""

    class_id: int
    is_crowd: bool = False


@dataclass(frozen=True)
class SegmentTable:
    """The segments as columns, ascending by id: `ids`, `class_ids`, `is_crowd` and `area_px`, each (segments,)."""

    ids: npt.NDArray[np.int64]
    class_ids: npt.NDArray[np.int64]
    is_crowd: npt.NDArray[np.bool_]
    area_px: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PanopticFrame:
    """Segment ids `ids` (height, width), uint32, read-only, 0 = void, and what each segment id is; equal by value.

    Every id in the map but 0 is named in `segments`, every named segment has at least one pixel, and its class is in
    `classes`, whose kinds say what is a thing and what is stuff. `segments` keeps the order it is given in. A class of
    stuff may have several segments: they are scored as segments, none are merged. Areas are counted, never read.

    What a model answers or a dataset holds is `core.PanopticMap`. This is one side of a score, and not built on it: it
    knows its frame, whose name stands in every problem, and gets the areas, which counting needs, from the one pass
    over the pixels that also checks them.

        >>> from segwright.core import ClassSpec
        >>> classes = ClassTable((ClassSpec(1, "road"), ClassSpec(2, "car", "thing")))
        >>> ids = np.array([[7, 7, 9, 0]], np.uint32)
        >>> frame = PanopticFrame("street", ids, {7: Segment(1), 9: Segment(2)}, classes)
        >>> frame.table.area_px.tolist(), frame.void_px
        ([2, 1], 1)

    Raises:
        DataError: ids that no segment names, segments without a pixel, a segment 0, classes not in the table; all at
            once, with the frame's stem.
    """

    stem: str
    ids: npt.NDArray[np.uint32]
    segments: Mapping[int, Segment]
    classes: ClassTable
    table: SegmentTable = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.ids.ndim != 2 or 0 in self.ids.shape:
            raise ValueError(f"segment ids are (height, width) with at least one pixel, got shape {self.ids.shape}")
        if self.ids.dtype != np.uint32:
            raise ValueError(f"segment ids are uint32, got {self.ids.dtype}")
        object.__setattr__(self, "ids", frozen(self.ids))
        object.__setattr__(self, "segments", MappingProxyType(dict(self.segments)))
        area_px = count_ids(self.ids)
        raise_collected(_problems(self, area_px))
        object.__setattr__(self, "table", _table(self.segments, area_px))

    @property
    def size(self) -> Size:
        """Height and width in px."""
        return Size(self.ids.shape[0], self.ids.shape[1])

    @property
    def void_px(self) -> int:
        """Pixels that are in no segment."""
        return self.ids.size - int(self.table.area_px.sum())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PanopticFrame):
            return NotImplemented
        mine, theirs = ((each.stem, list(each.segments.items()), each.classes.content_hash) for each in (self, other))
        return mine == theirs and np.array_equal(self.ids, other.ids)

    __hash__ = None  # type: ignore[assignment]


def _table(segments: Mapping[int, Segment], area_px: Mapping[int, int]) -> SegmentTable:
    ids = sorted(segments)
    return SegmentTable(
        np.array(ids, np.int64),
        np.array([segments[each].class_id for each in ids], np.int64),
        np.array([segments[each].is_crowd for each in ids], np.bool_),
        np.array([area_px[each] for each in ids], np.int64),
    )


def _problems(frame: PanopticFrame, area_px: Mapping[int, int]) -> Iterator[Problem]:
    segments, known = frame.segments, set(frame.classes.ids)
    unnamed = area_px.keys() - segments.keys() - {VOID}
    if unnamed:
        pixels = sum(area_px[each] for each in unnamed)
        yield Problem(
            frame.stem, f"{pixels} pixels have segment ids that no segment names", "0 for void, or a named segment",
            _ids(unnamed), "name the segment with its class, or make its pixels void (0)",
        )  # fmt: skip
    if VOID in segments:
        yield Problem(
            frame.stem, "names a segment 0, which is void", "segment ids from 1", "0", "number the segments from 1"
        )
    empty = segments.keys() - area_px.keys() - {VOID}
    if empty:
        yield Problem(
            frame.stem, "names segments that have no pixel", "at least one pixel each", _ids(empty),
            "remove them from the list of segments, or write the id map that belongs to it",
        )  # fmt: skip
    strange = sorted({each.class_id for each in segments.values()} - known)
    if strange:
        yield Problem(
            frame.stem, "has segments of classes that are not in the class table", frame.classes.describe(),
            _ids(strange), "add the classes to the table, or correct the segments",
        )  # fmt: skip


def _ids(ids: set[int] | list[int], shown: int = 8) -> str:
    listed = ", ".join(str(each) for each in sorted(ids)[:shown])
    return listed if len(ids) <= shown else f"{listed} ... ({len(ids)} in all)"
