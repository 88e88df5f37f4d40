"""Which object each of very many boxes overlaps most, worked out for a few objects at a time.

The matrix of all objects and all anchors of a frame would be the largest thing a step of training holds.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from segwright.models.instance.judged import chunks
from segwright.models.instance.suppression import box_iou


class MostOverlapped(NamedTuple):
    """Of boxes (n,): `iou` with the object they overlap most, `target`, the first of equals; and of objects (m,):

    `best_iou`, the largest IoU with any box, and `best_box`, the first that has it. `is_best` (n,) says whether a box
    is as good as any for some object.
    """

    iou: Tensor
    target: Tensor
    best_iou: Tensor
    best_box: Tensor
    is_best: Tensor


def most_overlapped(objects: Tensor, boxes: Tensor) -> MostOverlapped:
    """Of objects (m, 4), at least one, and boxes (n, 4), both in px and half-open."""
    iou = boxes.new_full((len(boxes),), -1)
    target = torch.zeros_like(iou, dtype=torch.int64)
    is_best = torch.zeros_like(target, dtype=torch.bool)
    best_iou, best_box = [], []
    for part in chunks(len(objects)):
        overlap = box_iou(objects[part], boxes)
        here, index = overlap.max(0)
        better = here > iou
        iou, target = torch.where(better, here, iou), torch.where(better, index + part.start, target)
        value, box = overlap.max(1)
        is_best |= (overlap == value[:, None]).any(0)
        best_iou.append(value)
        best_box.append(box)
    return MostOverlapped(iou, target, torch.cat(best_iou), torch.cat(best_box), is_best)
