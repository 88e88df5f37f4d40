"""True objects by size: how many of each area and of each width there are, and how well they are found.

One mean hides that large objects are found and small or thin ones are not. Here every true object (a connected region
of a foreground class, see `components`) is put into a bin by its area and into one by its width, and each bin keeps
four sums: objects, found ones, true and covered pixels, and the objects' IoU.

**Area** is the object's valid pixels. **Width** is twice the largest distance, in px, from a pixel of the object to the
nearest pixel that is not (Euclidean, between centres; beyond the frame nothing is the object): the diameter of the
largest disk inside. A line of 1 or 2 px has width 2, of 3 or 4 px width 4. Void truth is outside of every object.

A bin holds what is over the edge before it and up to its own edge; the last one has no end.

Source: the largest inscribed disk is the local thickness of Hildebrand and Ruegsegger, "A new method for the
model-independent assessment of thickness in three-dimensional images", Journal of Microscopy 1997, at its maximum.
Areas in powers of 4 are powers of 2 of the side; COCO's borders are 32^2 and 96^2 (Lin et al. 2014).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, ConfigError, LabelMap, Problem, raise_collected
from segwright.evaluate.component_overlap import ClassObjects, Integers, Matching, class_objects
from segwright.evaluate.scores import Score

AREA_EDGES_PX = (4, 16, 64, 256, 1024, 4096, 16384, 65536)
WIDTH_EDGES_PX = (2, 4, 8, 16, 32)

# rows of the tables
OBJECTS, FOUND, TRUE_PX, COVERED_PX, IOU_UNITS = range(5)

# An IoU is kept as a whole number of these parts: sums of whole numbers are the same in any order. Error under 2e-10.
IOU_UNIT = 2**-32


@dataclass(frozen=True)
class SizeRow:
    """One bin: true objects over `over_px` and up to `up_to_px` (None: no end), in px of area or of width.

    `found_share` is the share of them that are matched, `recall` the share of their pixels predicted as their class,
    `mean_iou` the mean of the highest IoU that each has with a predicted object (0 with none). Without objects None.
    """

    over_px: int
    up_to_px: int | None
    objects: int
    found_share: Score
    recall: Score
    mean_iou: Score


@dataclass(frozen=True, eq=False)
class SizeCounts:
    """Sums over the true objects of each class, by area and by width; equal by value, added with `+`.

    `by_area` and `by_width` are int64 (5, classes, bins): objects, found ones, true px, covered px, and the sum of the
    objects' IoU in units of `IOU_UNIT`. The background's row is 0.
    """

    classes: ClassTable
    rules: Matching
    area_edges_px: tuple[int, ...]
    width_edges_px: tuple[int, ...]
    by_area: Integers
    by_width: Integers

    def __post_init__(self) -> None:
        for name, edges in (("by_area", self.area_edges_px), ("by_width", self.width_edges_px)):
            table = np.array(getattr(self, name), dtype=np.int64)
            if table.shape != (5, len(self.classes), len(edges) + 1):
                raise ValueError(f"{name} is (5, {len(self.classes)}, {len(edges) + 1}), got shape {table.shape}")
            table.flags.writeable = False
            object.__setattr__(self, name, table)

    @staticmethod
    def none(
        classes: ClassTable,
        rules: Matching | None = None,
        *,
        area_edges_px: Sequence[int] = AREA_EDGES_PX,
        width_edges_px: Sequence[int] = WIDTH_EDGES_PX,
    ) -> SizeCounts:
        """The counts of no frame at all: the zero of `+`.

        Raises:
            ConfigError: edges that are not whole numbers over 0, each over the one before.
        """
        raise_collected(_edge_problems("area", area_edges_px) + _edge_problems("width", width_edges_px), ConfigError)
        tables = (
            np.zeros((5, len(classes), len(edges) + 1), dtype=np.int64) for edges in (area_edges_px, width_edges_px)
        )
        return SizeCounts(classes, rules or Matching(), tuple(area_edges_px), tuple(width_edges_px), *tables)

    def area_rows(self, name: str | None = None) -> tuple[SizeRow, ...]:
        """The bins by area, of the class called `name` or of all foreground classes together."""
        return tuple(_rows(self._chosen(self.by_area, name), self.area_edges_px))

    def width_rows(self, name: str | None = None) -> tuple[SizeRow, ...]:
        """The bins by width, of the class called `name` or of all foreground classes together."""
        return tuple(_rows(self._chosen(self.by_width, name), self.width_edges_px))

    def _chosen(self, table: Integers, name: str | None) -> Integers:
        return table.sum(axis=1) if name is None else table[:, self.classes.channel(name)]

    def __add__(self, other: SizeCounts) -> SizeCounts:
        mine, theirs = (
            (each.classes.content_hash, each.rules, each.area_edges_px, each.width_edges_px) for each in (self, other)
        )
        if mine != theirs:
            raise ValueError("only size counts of the same classes, rules and edges add up")
        sums = self.by_area + other.by_area, self.by_width + other.by_width
        return SizeCounts(self.classes, self.rules, self.area_edges_px, self.width_edges_px, *sums)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SizeCounts):
            return NotImplemented
        mine, theirs = (
            (each.classes.content_hash, each.rules, each.area_edges_px, each.width_edges_px) for each in (self, other)
        )
        same_tables = np.array_equal(self.by_area, other.by_area) and np.array_equal(self.by_width, other.by_width)
        return mine == theirs and same_tables

    __hash__ = None  # type: ignore[assignment]


def count_by_size(
    prediction: LabelMap,
    truth: LabelMap,
    *,
    iou: float = 0.5,
    connectivity: int = 8,
    min_area_px: int = 1,
    area_edges_px: Sequence[int] = AREA_EDGES_PX,
    width_edges_px: Sequence[int] = WIDTH_EDGES_PX,
) -> SizeCounts:
    """The true objects of one frame by area and by width, px.

    A scratch of 8 px that is predicted but for its last two lies in the bin over 4 and up to 16 px:

        >>> import numpy as np
        >>> from segwright.core import ClassTable, LabelMap
        >>> classes = ClassTable.of(["background", "scratch"])
        >>> truth = LabelMap(np.array([[1, 1, 1, 1, 1, 1, 1, 1]], np.uint8), classes)
        >>> prediction = LabelMap(np.array([[1, 1, 1, 1, 1, 1, 0, 0]], np.uint8), classes)
        >>> count_by_size(prediction, truth).area_rows()[1]
        SizeRow(over_px=4, up_to_px=16, objects=1, found_share=1.0, recall=0.75, mean_iou=0.75)

    Raises:
        DataError: the sizes or the class tables differ.
        ConfigError: rules as in `count_components`, edges that do not ascend.
    """
    rules = Matching(iou, connectivity, min_area_px)
    none = SizeCounts.none(truth.classes, rules, area_edges_px=area_edges_px, width_edges_px=width_edges_px)
    return sizes_of_objects(class_objects(prediction, truth, rules, radii=True), none)


def sizes_of_objects(objects: Iterable[ClassObjects], none: SizeCounts) -> SizeCounts:
    """The counts of one frame whose objects are found already, with their radii, by the rules and edges of `none`."""
    tables = none.by_area.copy(), none.by_width.copy()
    for found in objects:
        if found.squared_radius is None:
            raise ValueError("sizes need the objects' radii")
        sums = _sums_of(found, none.rules.iou)
        area_bin = np.searchsorted(none.area_edges_px, found.true_px)
        squared = np.square(np.array(none.width_edges_px, dtype=np.int64))
        width_bin = np.searchsorted(squared, 4 * found.squared_radius)
        for table, bins in zip(tables, (area_bin, width_bin), strict=True):
            for row in range(len(sums)):
                np.add.at(table[row, found.channel], bins, sums[row])
    return SizeCounts(none.classes, none.rules, none.area_edges_px, none.width_edges_px, *tables)


def _sums_of(found: ClassObjects, iou: float) -> Integers:
    """What each true object adds to its bins, int64 (5, true objects)."""
    sums = np.zeros((5, len(found.true_px)), dtype=np.int64)
    sums[OBJECTS] = 1
    sums[FOUND, found.matched(iou)[:, 0]] = 1
    sums[TRUE_PX] = found.true_px
    np.add.at(sums[COVERED_PX], found.pairs[:, 0], found.shared_px)
    np.maximum.at(sums[IOU_UNITS], found.pairs[:, 0], np.rint(found.iou / IOU_UNIT).astype(np.int64))
    return sums


def _rows(table: Integers, edges: Sequence[int]) -> Iterator[SizeRow]:
    for over, up_to, sums in zip((0, *edges), (*edges, None), table.T.tolist(), strict=True):
        objects, found, true_px, covered_px, iou_units = sums
        shares = (found / objects, covered_px / true_px, iou_units * IOU_UNIT / objects) if objects else (None,) * 3
        yield SizeRow(over, up_to, objects, *shares)


def _edge_problems(what: str, edges: Sequence[int] | npt.NDArray) -> list[Problem]:
    values = list(edges)
    if values == sorted({value for value in values if value > 0 and int(value) == value}):
        return []
    found = ", ".join(map(str, values))
    fix = "write them in ascending order, each once"
    return [Problem(f"{what} bins", "have edges that do not ascend", "whole px over 0, ascending", found, fix)]
