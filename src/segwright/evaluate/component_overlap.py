"""The objects of one class in two label maps: connected components, what they share, and who is matched with whom.

Shared by `components` (found, missed, invented) and `component_sizes` (by area and width); rules and sources are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import ConfigError, LabelMap, Problem, raise_collected
from segwright.evaluate.boundary import without_void
from segwright.evaluate.counts import require_same_frame

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


@dataclass(frozen=True)
class Objects:
    """The connected components of one class in one map, numbered from 0 in the order of their first pixels.

    `labels` is int32 (height, width): the object's number plus 1, and 0 where there is none. `area_px` is int64
    (objects,).
    """

    labels: npt.NDArray[np.int32]
    area_px: Integers

    @staticmethod
    def of(mask: npt.NDArray[np.bool_], rules: Matching) -> Objects:
        """The objects of a mask (height, width)."""
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
        return Objects(renumbered[labels], area[kept])

    def __len__(self) -> int:
        return len(self.area_px)


@dataclass(frozen=True)
class ClassObjects:
    """The objects of one class in both maps, and the pixels that each pair of them shares.

    `pairs` is int64 (pairs, 2): numbers of a true and a predicted object that share `shared_px` (pairs,) pixels.
    """

    channel: int
    true: Objects
    predicted: Objects
    pairs: Integers
    shared_px: Integers

    @property
    def iou(self) -> npt.NDArray[np.float64]:
        """The IoU of each pair (pairs,), over 0 and at most 1."""
        areas = self.true.area_px[self.pairs[:, 0]] + self.predicted.area_px[self.pairs[:, 1]]
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


def class_objects(prediction: LabelMap, truth: LabelMap, rules: Matching) -> Iterator[ClassObjects]:
    """The objects of every foreground class that is in either map, in channel order.

    Raises:
        DataError: the sizes or the class tables differ.
    """
    require_same_frame(prediction, truth)
    predicted = without_void(prediction, truth)
    for spec in truth.classes.foreground:
        masks = truth.ids == spec.class_id, predicted == spec.class_id
        box = _box_of(masks[0] | masks[1])
        if box is None:
            continue
        true, said = (Objects.of(np.ascontiguousarray(mask[box]), rules) for mask in masks)
        pairs, shared = shared_pixels(true, said)
        yield ClassObjects(truth.classes.channel(spec.name), true, said, pairs, shared)


def _box_of(mask: npt.NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """The rows and columns that hold the mask; None where it is empty."""
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    return (slice(top, top + height), slice(left, left + width)) if width else None


def shared_pixels(true: Objects, predicted: Objects) -> tuple[Integers, Integers]:
    """Which objects share pixels, and how many."""
    both = (true.labels > 0) & (predicted.labels > 0)
    codes = (true.labels[both].astype(np.int64) - 1) * max(len(predicted), 1) + predicted.labels[both] - 1
    found, shared = np.unique(codes, return_counts=True)
    return np.stack(np.divmod(found, max(len(predicted), 1)), axis=1), shared.astype(np.int64)
