"""One answer a pixel from objects and stuff: Panoptic FPN's merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core import Instance, InstanceSet, LabelMap, PanopticMap, Segment, adopt, instance_from_mask


@dataclass(frozen=True, slots=True)
class MergeRule:
    """How objects and stuff become one map.

    overlap: an object more of whose pixels than this share are taken by surer objects is dropped.
    stuff_area_px: a class of stuff with fewer pixels left is dropped: they become void.

    Source: Kirillov et al. 2019 (Panoptic FPN), section 4; values as in detectron2's configuration (0.5, 4096).
    """

    overlap: float = 0.5
    stuff_area_px: int = 4096


def merged(objects: InstanceSet, labels: LabelMap, rule: MergeRule = MergeRule()) -> PanopticMap:
    """Segments numbered from 1: objects of thing classes, surest first, each taking what is free; then stuff.

    `labels` are the semantic answer, of which only stuff is used; the background counts as stuff. Each pixel is in one
    segment, or in none (void): where no object and no class of stuff that is large enough claims it. Objects of stuff
    classes are left out. Lost: what lies under a surer object.
    """
    return painted(kept_things(objects, rule), labels, rule)


def painted(things: Sequence[Instance], labels: LabelMap, rule: MergeRule = MergeRule()) -> PanopticMap:
    """The map of `things` that do not overlap (`kept_things`), numbered from 1 in their order, and the stuff beside."""
    classes = labels.classes
    counted = {spec.class_id for spec in classes if spec.kind == "thing"}
    ids = np.zeros(labels.ids.shape, np.uint32)
    segments: list[Segment] = []
    for number, one in enumerate(things, start=1):
        segments.append(Segment(number, one.class_id, one.crowd))
        ids[one.box.slices][one.mask] = number
    segments += _stuff(ids, labels, counted, len(segments), rule)
    return PanopticMap(adopt(ids), tuple(segments), classes)


def kept_things(objects: InstanceSet, rule: MergeRule = MergeRule()) -> list[Instance]:
    """The things that `merged` makes segments of, surest first, each with the pixels that no surer one has taken."""
    things = {spec.class_id for spec in objects.classes if spec.kind == "thing"}
    taken = np.zeros((objects.size.height, objects.size.width), bool)
    kept: list[Instance] = []
    for one in sorted(objects, key=lambda each: -(each.score or 0.0)):
        if one.class_id not in things:
            continue
        window = taken[one.box.slices]
        free = one.mask & ~window
        left, area = int(np.count_nonzero(free)), one.area_px
        if not left or area - left > rule.overlap * area:
            continue
        at = (one.box.top, one.box.left)
        rest = instance_from_mask(
            free, one.class_id, at=at, crowd=one.crowd, score=one.score, attributes=one.attributes
        )
        kept += [] if rest is None else [rest]
        window |= one.mask
    return kept


def _stuff(
    ids: npt.NDArray[np.uint32], labels: LabelMap, things: set[int], taken: int, rule: MergeRule
) -> list[Segment]:
    """Paint what is free of each class of stuff into `ids`; the new segments."""
    added: list[Segment] = []
    free = ids == 0
    for class_id in labels.classes.ids:
        if class_id in things:
            continue
        region = free & (labels.ids == class_id)
        if (area := int(np.count_nonzero(region))) and area >= rule.stuff_area_px:
            added.append(Segment(taken + len(added) + 1, class_id))
            ids[region] = taken + len(added)
    return added
