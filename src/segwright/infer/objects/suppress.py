"""One object, one answer: of candidates that lie on each other the surest stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from segwright.core import Instance
from segwright.infer.objects.overlap import meeting_pairs, shared_px

Measure = Literal["iou", "smaller"]


def suppressed(
    objects: Sequence[Instance], limit: float, *, measure: Measure = "iou", across_classes: bool = False
) -> list[Instance]:
    """`objects`, surest first, without those that overlap a surer one that stays by more than `limit`.

    The overlap is of masks, not boxes: two bars that cross have boxes that lie on each other and masks that do not.
    "iou" is shared by either; "smaller" is shared by the smaller one, which also finds a fragment inside a whole.
    Objects of different classes leave each other alone unless `across_classes`. Objects without a score come last;
    ties keep their order.

    Source: greedy non-maximum suppression as in torchvision's `batched_nms`, on masks.
    """
    ordered = sorted(objects, key=lambda one: -(one.score or 0.0))
    areas = [one.area_px for one in ordered]
    gone = [False] * len(ordered)
    for surer, later in meeting_pairs([one.box for one in ordered]):
        if gone[surer] or gone[later]:
            continue
        if not across_classes and ordered[surer].class_id != ordered[later].class_id:
            continue
        least = min(areas[surer], areas[later])
        if measure == "iou" and least <= limit * max(areas[surer], areas[later]):
            continue  # even one inside the other would not exceed the limit
        shared = shared_px(ordered[surer], ordered[later])
        whole = areas[surer] + areas[later] - shared if measure == "iou" else least
        gone[later] = shared > limit * whole
    return [one for one, left in zip(ordered, gone, strict=True) if not left]
