"""The upgrade from regions to objects without annotating again: each connected region becomes one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import cv2
import numpy as np

from segwright.core import (
    Instance,
    InstanceSet,
    LabelMap,
    PanopticMap,
    Segment,
    adopt,
    instance_from_mask,
)


def instances_from_label_map(labels: LabelMap, connectivity: Literal[4, 8] = 8) -> InstanceSet:
    """An object for each connected region of each class but the background; void stays void.

    Objects are ordered by class, then by the first pixel of the region in reading order. Lost: nothing; but objects of
    one class that touch come out as one, and one that is cut in two by another as two.

        >>> import numpy as np
        >>> from segwright.core import ClassTable, LabelMap
        >>> table = ClassTable.of(["background", "scratch"])
        >>> found = instances_from_label_map(LabelMap(np.array([[1, 1, 0, 1]], np.uint8), table))
        >>> [one.box.left for one in found]
        [0, 3]
    """
    found = [one for spec in labels.classes.foreground for one in _regions(labels, spec.class_id, connectivity)]
    return InstanceSet(labels.size, tuple(found), labels.classes, ~labels.valid)


def panoptic_from_label_map(labels: LabelMap, connectivity: Literal[4, 8] = 8) -> PanopticMap:
    """A segment for each class of stuff that a frame shows, and for each connected region of each class of things.

    The background counts as stuff. Segments are numbered from 1 in the order of the table. Lost: nothing; but things of
    one class that touch come out as one segment.
    """
    ids = np.zeros((labels.size.height, labels.size.width), np.uint32)
    segments: list[Segment] = []
    for spec in labels.classes:
        if spec.kind == "thing":
            for one in _regions(labels, spec.class_id, connectivity):
                segments.append(Segment(len(segments) + 1, spec.class_id))
                ids[one.box.slices][one.mask] = len(segments)
        elif (labels.ids == spec.class_id).any():
            segments.append(Segment(len(segments) + 1, spec.class_id))
            ids[labels.ids == spec.class_id] = len(segments)
    return PanopticMap(adopt(ids), tuple(segments), labels.classes)


def _regions(labels: LabelMap, class_id: int, connectivity: int) -> Iterator[Instance]:
    mask = (labels.ids == class_id).view(np.uint8)
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    for number in range(1, count):
        left, top, width, height, _ = stats[number]
        cut = numbers[top : top + height, left : left + width] == number
        one = instance_from_mask(np.asarray(cut), class_id, at=(int(top), int(left)))
        if one is not None:
            yield one
