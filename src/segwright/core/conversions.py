"""From one kind of pixel answer to another: named, and saying what is lost."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from segwright.core.image import adopt
from segwright.core.instance_set import Instance, InstanceSet, instance_from_mask
from segwright.core.label_map import LabelMap
from segwright.core.panoptic_map import VOID_SEGMENT, PanopticMap, Segment

NO_SCORES: Mapping[int, float] = MappingProxyType({})


def label_map_from_instances(objects: InstanceSet) -> LabelMap:
    """Class ids: background (void where the table has none), then void and crowds as void, then objects, largest first.

    Lost: which pixel belongs to which object of a class, what lies under another object, crowds, scores, attributes.
    """
    ids = np.full((objects.size.height, objects.size.width), objects.classes.unpainted_id, objects.classes.id_type)
    if objects.void is not None:
        ids[objects.void] = objects.classes.void_id
    for one in painting_order(objects):
        ids[one.box.slices][one.mask] = objects.classes.void_id if one.crowd else one.class_id
    return LabelMap(adopt(ids), objects.classes)


def label_map_from_panoptic(panoptic: PanopticMap) -> LabelMap:
    """Class ids: each segment's class, void where there is no segment and where it is a crowd.

    Lost: which pixel belongs to which segment of a class, and crowds.
    """
    classes = panoptic.classes
    ids = np.array([VOID_SEGMENT, *(segment.segment_id for segment in panoptic.segments)], np.uint32)
    painted = [classes.void_id if segment.crowd else segment.class_id for segment in panoptic.segments]
    values = np.array([classes.void_id, *painted], classes.id_type)
    order = np.argsort(ids)
    return LabelMap(adopt(values[order][np.searchsorted(ids[order], panoptic.segment_ids)]), classes)


def instances_from_panoptic(panoptic: PanopticMap, scores: Mapping[int, float] = NO_SCORES) -> InstanceSet:
    """The segments of thing classes as objects, crowds among them, with their `scores` by segment id; void stays void.

    Lost: stuff.
    """
    things = {spec.class_id for spec in panoptic.classes if spec.kind == "thing"}
    found = (
        instance_from_mask(
            panoptic.segment_ids == segment.segment_id,
            segment.class_id,
            crowd=segment.crowd,
            score=scores.get(segment.segment_id),
        )
        for segment in panoptic.segments
        if segment.class_id in things
    )
    return InstanceSet(panoptic.size, tuple(one for one in found if one is not None), panoptic.classes, panoptic.void)


def panoptic_from_instances(objects: InstanceSet) -> PanopticMap:
    """One segment an object, numbered from 1 in the objects' order; a smaller object lies above a larger one.

    Pixels of no object are the background's segment where the table has a background, else void.

    Lost: what lies under another object (an object wholly covered is gone), scores, attributes.
    """
    ids = np.zeros((objects.size.height, objects.size.width), np.uint32)
    numbers = {id(one): at for at, one in enumerate(objects, start=1)}
    for one in painting_order(objects):
        ids[one.box.slices][one.mask] = numbers[id(one)]
    segments = [Segment(at, one.class_id, one.crowd) for at, one in enumerate(objects, start=1) if (ids == at).any()]
    free = (ids == VOID_SEGMENT) if objects.void is None else (ids == VOID_SEGMENT) & ~objects.void
    if objects.classes.background_id is not None and free.any():
        ids[free] = len(objects) + 1
        segments.append(Segment(len(objects) + 1, objects.classes.background_id))
    return PanopticMap(adopt(ids), tuple(segments), objects.classes)


def painting_order(objects: InstanceSet) -> list[Instance]:
    """Crowds first, then larger before smaller, so that no object hides a smaller one; ties keep their order."""
    return sorted(objects, key=lambda one: (not one.crowd, -one.area_px))
