"""The objects of one class in two label maps: connected components, what they share, and who is matched with whom.

Shared by `components` (found, missed, invented) and `component_sizes` (by area and width); rules and sources are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, ConfigError, LabelMap, Problem, raise_collected
from segwright.evaluate.boundary import without_void
from segwright.evaluate.counts import require_same_frame
from segwright.evaluate.kernels import compiled

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Matching:
    """What makes an object and a match: counts that were made by different rules do not add up.

    `iou` is the least IoU of a match, over 0 and at most 1; `connectivity` is 8 (pixels that touch at a corner are
    one object) or 4; objects of fewer than `min_area_px` valid pixels are left out of both maps.

    Raises:
        ConfigError: a value outside these, all of them at once.
    """

    iou: float = 0.5
    connectivity: int = 8
    min_area_px: int = 1

    def __post_init__(self) -> None:
        place, problems = "object scores", []
        if not 0 < self.iou <= 1:
            problems.append(Problem(place, "have no such IoU", "over 0, at most 1", f"{self.iou:g}", "take 0.5"))
        if self.connectivity not in (4, 8):
            problems.append(Problem(place, "know no such connectivity", "4 or 8", str(self.connectivity), "take 8"))
        if self.min_area_px < 1:
            fix = "take 1 to keep every object"
            problems.append(Problem(place, "have no such smallest area", "1 px or more", str(self.min_area_px), fix))
        raise_collected(problems, ConfigError)


@dataclass(frozen=True, eq=False)
class ClassObjects:
    """The objects of one class in both maps, and the pixels that each pair of them shares.

    Objects are the class's connected components, numbered from 0 in the order of their first pixels. `true_px` and
    `predicted_px` are int64 (objects,), their areas. `pairs` is int64 (pairs, 2): numbers of a true and a predicted
    object that share `shared_px` (pairs,) pixels. `squared_radius` int64 (true objects,) is the square of the largest
    distance from a pixel of the true object to the nearest one that is none of the class's objects, None where nobody
    asked for it.
    """

    channel: int
    true_px: Integers
    predicted_px: Integers
    pairs: Integers
    shared_px: Integers
    squared_radius: Integers | None = None

    @property
    def iou(self) -> npt.NDArray[np.float64]:
        """The IoU of each pair (pairs,), over 0 and at most 1."""
        areas = self.true_px[self.pairs[:, 0]] + self.predicted_px[self.pairs[:, 1]]
        return self.shared_px / (areas - self.shared_px)

    def matched(self, iou: float) -> Integers:
        """The matches, int64 (matches, 2): the pair of the highest IoU first, each object in at most one.

        Pairs of one IoU come in the order of their objects. From an IoU of 0.5 on the number of matches does not
        depend on the order: no object shares more than half of a union with two others.
        """
        overlap = self.iou
        order = np.lexsort((self.pairs[:, 1], self.pairs[:, 0], -overlap))
        taken: tuple[set[int], set[int]] = set(), set()
        found = []
        for true, predicted in self.pairs[order[overlap[order] >= iou]].tolist():
            if true not in taken[0] and predicted not in taken[1]:
                taken[0].add(true)
                taken[1].add(predicted)
                found.append((true, predicted))
        return np.array(found, dtype=np.int64).reshape(-1, 2)


def class_objects(
    prediction: LabelMap, truth: LabelMap, rules: Matching, *, radii: bool = False
) -> Iterator[ClassObjects]:
    """The objects of every foreground class that has one in either map, in channel order; on request with the radii.

    Raises:
        DataError: the sizes or the class tables differ.
    """
    require_same_frame(prediction, truth)
    maps = truth.ids, without_void(prediction, truth)
    if compiled() and maps[0].dtype == maps[1].dtype:
        return _class_objects_at_once(maps, truth.classes, rules, radii)
    return class_objects_plainly(maps, truth.classes, rules, radii)


def _class_objects_at_once(
    maps: tuple[npt.NDArray, npt.NDArray], classes: ClassTable, rules: Matching, radii: bool
) -> Iterator[ClassObjects]:
    from segwright.evaluate.component_runs import MapObjects

    wanted = [spec.class_id for spec in classes.foreground]
    true, said = (
        MapObjects.of(ids, wanted, connectivity=rules.connectivity, min_area_px=rules.min_area_px) for ids in maps
    )
    pairs, shared_px = true.shared_with(said)
    radius = true.squared_radii() if radii else None
    for spec in classes.foreground:
        mine, theirs = (np.flatnonzero(side.class_id == spec.class_id) for side in (true, said))
        if len(mine) or len(theirs):
            own = np.flatnonzero(true.class_id[pairs[:, 0]] == spec.class_id)
            numbers = np.searchsorted(mine, pairs[own, 0]), np.searchsorted(theirs, pairs[own, 1])
            yield ClassObjects(
                classes.channel(spec.name), true.area_px[mine], said.area_px[theirs],
                np.stack(numbers, axis=1).astype(np.int64), shared_px[own], None if radius is None else radius[mine],
            )  # fmt: skip


def class_objects_plainly(
    maps: tuple[npt.NDArray, npt.NDArray], classes: ClassTable, rules: Matching, radii: bool
) -> Iterator[ClassObjects]:
    """What the kernels give, by OpenCV, class after class. `maps` are the truth, and the prediction without void."""
    for spec in classes.foreground:
        masks = maps[0] == spec.class_id, maps[1] == spec.class_id
        box = _box_of(masks[0] | masks[1])
        if box is None:
            continue
        (true, true_px), (said, said_px) = (labels_of(np.ascontiguousarray(mask[box]), rules) for mask in masks)
        pairs, shared_px = shared_pixels(true, said, max(len(said_px), 1))
        radius = _squared_radii(true, len(true_px)) if radii else None
        if len(true_px) or len(said_px):
            yield ClassObjects(classes.channel(spec.name), true_px, said_px, pairs, shared_px, radius)


def labels_of(mask: npt.NDArray[np.bool_], rules: Matching) -> tuple[npt.NDArray[np.int32], Integers]:
    """The objects of a mask: each pixel's object's number plus 1, 0 where there is none, and the area of each."""
    count, found, statistics, _ = cv2.connectedComponentsWithStats(
        mask.view(np.uint8), connectivity=rules.connectivity, ltype=cv2.CV_32S
    )
    labels = np.asarray(found, dtype=np.int32)
    first, inside = np.zeros(count, dtype=np.int64), np.flatnonzero(mask)[::-1]
    first[labels.ravel()[inside]] = inside  # of several the last is kept: the first pixel
    area = np.asarray(statistics, dtype=np.int64)[:, cv2.CC_STAT_AREA]
    in_order = np.argsort(first[1:]) + 1
    kept = in_order[area[in_order] >= rules.min_area_px]
    renumbered = np.zeros(count, dtype=np.int32)
    renumbered[kept] = np.arange(1, len(kept) + 1)
    return renumbered[labels], area[kept]


def _box_of(mask: npt.NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """The rows and columns that hold the mask; None where it is empty."""
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    return (slice(top, top + height), slice(left, left + width)) if width else None


def shared_pixels(
    true: npt.NDArray[np.int32], predicted: npt.NDArray[np.int32], predicted_count: int
) -> tuple[Integers, Integers]:
    """Which objects share pixels, and how many."""
    both = (true > 0) & (predicted > 0)
    codes = (true[both].astype(np.int64) - 1) * predicted_count + predicted[both] - 1
    found, shared = np.unique(codes, return_counts=True)
    return np.stack(np.divmod(found, predicted_count), axis=1), shared.astype(np.int64)


def _squared_radii(labels: npt.NDArray[np.int32], objects: int) -> Integers:
    """The square of the largest distance to the outside, of each object, px^2 (objects,)."""
    inside = np.pad((labels > 0).view(np.uint8), 1)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    squared = np.rint(np.square(distance, dtype=np.float64)).astype(np.int64)  # whole, as between pixel centres
    largest = np.zeros(objects, dtype=np.int64)
    np.maximum.at(largest, labels[labels > 0] - 1, squared[labels > 0])
    return largest
