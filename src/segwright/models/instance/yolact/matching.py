"""Which of YOLACT's anchors are asked for which object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from segwright.models.instance.contract import InstanceTargets
from segwright.models.instance.judged import CHUNK, MOSTLY, ignored_share
from segwright.models.instance.most_overlapped import MostOverlapped, most_overlapped
from segwright.models.instance.suppression import box_iou
from segwright.models.instance.yolact.options import YOLACTOptions

BACKGROUND, NEUTRAL = 0, -1


@dataclass(frozen=True, eq=False)
class Matches:
    """classes (anchors,): 1 + channel of the object, 0 background, -1 neutral; target (anchors,), the best object."""

    classes: Tensor
    target: Tensor


def match(targets: InstanceTargets, anchors: Tensor, options: YOLACTOptions) -> Matches:
    """Each anchor's object by IoU; between the thresholds, and mostly ignored ones without an object, are neutral.

    Every object gets at least one anchor: those with the largest overlap choose first.

    Source: `box_utils.py: match`.
    """
    outside = ignored_share(anchors, targets.ignored) > MOSTLY
    if len(targets) == 0:
        background = torch.full_like(outside, BACKGROUND, dtype=torch.int64)
        return Matches(torch.where(outside, NEUTRAL, background), torch.zeros_like(background))
    found = most_overlapped(targets.boxes, anchors)
    best, target = found.iou, found.target
    for row, column in _one_each(targets.boxes, anchors, found):
        best[column], target[column] = 2, row
    classes = 1 + targets.channels[target]
    classes = torch.where(best < options.positive_iou, NEUTRAL, classes)
    classes = torch.where(best < options.negative_iou, BACKGROUND, classes)
    return Matches(torch.where(outside & (classes == BACKGROUND), NEUTRAL, classes), target)


def _one_each(boxes: Tensor, anchors: Tensor, found: MostOverlapped) -> Iterator[tuple[int, int]]:
    """An anchor for each object (objects, 4), the largest overlap first; no anchor twice.

    Where there are more objects than anchors, the rest gets none.
    """
    value, column = found.best_iou.clone(), found.best_box.clone()
    taken = torch.zeros(len(anchors), dtype=torch.bool, device=anchors.device)
    for _ in range(min(len(boxes), len(anchors))):
        row = int(value.argmax())
        anchor = int(column[row])
        yield row, anchor
        taken[anchor] = True
        value[row], column[row] = -2, -1
        stale = (column == anchor).nonzero().flatten()  # only whoever wanted the same anchor chooses again
        for part in stale.split(CHUNK):
            overlap = torch.where(taken, -1, box_iou(boxes[part], anchors))
            value[part], column[part] = overlap.max(1)
