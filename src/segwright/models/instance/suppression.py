"""Suppressing duplicates with matrix operations over a fixed number of candidates: exact, and expressible in ONNX.

Every function takes whole batches, in any order of the candidates, and answers for each of them; nothing is removed.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch._higher_order_ops import while_loop  # exported as ONNX's Loop; there is no public name for it

from segwright.models.instance.ranking import ranks_above


def box_iou(first: Tensor, second: Tensor) -> Tensor:
    """IoU (..., n, m) of half-open boxes (..., n, 4) and (..., m, 4); 0 where neither has an area."""
    overlap = _shared(first, second, 0) * _shared(first, second, 1)
    union = box_area(first)[..., :, None] + box_area(second)[..., None, :] - overlap
    return overlap / union.clamp(min=torch.finfo(union.dtype).tiny)


def _shared(first: Tensor, second: Tensor, axis: int) -> Tensor:
    """The length (..., n, m) in px that boxes share along an axis, 0 or more."""
    low = torch.maximum(first[..., :, None, axis], second[..., None, :, axis])
    high = torch.minimum(first[..., :, None, axis + 2], second[..., None, :, axis + 2])
    return (high - low).clamp(min=0)


def box_area(boxes: Tensor) -> Tensor:
    """Area in square px (...,) of boxes (..., 4)."""
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)


def mask_iou(masks: Tensor) -> Tensor:
    """IoU (batch, n, n) of masks (batch, n, pixels), floats 0 or 1; 0 where both are empty."""
    overlap = masks @ masks.transpose(1, 2)
    area = masks.sum(-1)
    return overlap / (area.unsqueeze(2) + area.unsqueeze(1) - overlap).clamp(min=1)


def rivals(scores: Tensor, channels: Tensor) -> Tensor:
    """(batch, n, n) bool: whether i may suppress j: the same class and a higher score."""
    return ranks_above(scores) & (channels.unsqueeze(2) == channels.unsqueeze(1))


def matrix_nms(scores: Tensor, channels: Tensor, iou: Tensor, *, sigma: float = 2.0) -> Tensor:
    """Scores (batch, n), each lowered by how much it overlaps better ones (batch, n, n) of its class.

    What a rival takes away counts the less the more that rival is itself suppressed.

    Source: Wang et al. 2020, "SOLOv2", section 3.3, with the Gaussian kernel of its code (`matrix_nms.py`,
    `exp(-sigma * iou^2)`, sigma 2).
    """
    overlap = torch.where(rivals(scores, channels), iou, 0)
    own = overlap.amax(1)  # how far each is suppressed itself: its largest overlap with a better one
    decay = torch.exp(-sigma * (overlap**2 - own.unsqueeze(2) ** 2))
    return scores * decay.amin(1)


def fast_nms(scores: Tensor, channels: Tensor, iou: Tensor, *, iou_threshold: float = 0.5) -> Tensor:
    """Whether each candidate (batch, n) overlaps no better one of its class by more than the threshold.

    A candidate that is itself suppressed still suppresses others: that is what makes one matrix enough.

    Source: Bolya et al. 2019, "YOLACT", section 5.
    """
    return torch.where(rivals(scores, channels), iou, 0).amax(1) <= iou_threshold


def greedy_nms(scores: Tensor, channels: Tensor, iou: Tensor, *, iou_threshold: float) -> Tensor:
    """Whether each candidate (batch, n) survives the ordinary greedy suppression within its class.

    A candidate survives where no better survivor overlaps it by more than the threshold. Repeating that sentence from
    "all survive" settles at least one more rank a time and stops at the greedy answer; so it is exact, and in ONNX it
    is the standard Loop. Equal to `torchvision.ops.batched_nms`.
    """
    suppresses = rivals(scores, channels) & (iou > iou_threshold)

    def undecided(kept: Tensor, before: Tensor) -> Tensor:
        return (kept != before).any()

    def again(kept: Tensor, _before: Tensor) -> tuple[Tensor, Tensor]:
        return ~(suppresses & kept.unsqueeze(2)).any(1), kept.clone()

    kept, before = torch.ones_like(scores, dtype=torch.bool), torch.zeros_like(scores, dtype=torch.bool)
    if torch.compiler.is_exporting():
        kept, _ = while_loop(undecided, again, (kept, before))
        return kept
    while bool(undecided(kept, before)):
        kept, before = again(kept, before)
    return kept
