"""YOLACT's losses, by the definitions of its code (`layers/modules/multibox_loss.py`), as sums to be divided.

All but the semantic one are divided by the number of anchors that have an object, over the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.models.instance.contract import InstanceTargets
from segwright.models.instance.judged import chunks, shares_at_stride

CROP_MARGIN = 1  # prototype cells around a box that a mask may still use


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """The codes (n, 4) that make `boxes` of `anchors`, variances 0.1 and 0.2 (`box_utils.py: encode`)."""
    spans = anchors[:, 2:] - anchors[:, :2]
    shift = (boxes[:, :2] + boxes[:, 2:] - anchors[:, :2] - anchors[:, 2:]) / 2 / (0.1 * spans)
    return torch.cat([shift, ((boxes[:, 2:] - boxes[:, :2]) / spans).log() / 0.2], dim=1)


def class_loss(logits: Tensor, classes: Tensor, negatives_per_positive: int) -> Tensor:
    """Summed cross-entropy of one image's positive anchors and of its hardest negatives, 3 for each positive.

    Logits (anchors, 1 + channels), classes (anchors,) with -1 neutral. The hardest negatives are those that say
    "background" with the least certainty. An image without objects has no negatives either.
    """
    losses = F.cross_entropy(logits, classes.clamp(min=0), reduction="none")
    positives = (classes > 0).sum()
    negative = classes == 0
    wanted = torch.minimum(positives * negatives_per_positive, negative.sum())
    hardness = torch.where(negative, losses.detach(), -1)
    rank = hardness.argsort(descending=True, stable=True).argsort()
    return torch.where((classes > 0) | (negative & (rank < wanted)), losses, 0).sum()


def crop(boxes: Tensor, height: int, width: int, stride_px: int) -> Tensor:
    """Whether each cell (n, height, width) lies in its box (n, 4) px or one cell around it (`box_utils.py: crop`)."""
    limits = boxes / stride_px
    low, high = (limits[:, :2] - CROP_MARGIN).clamp(min=0), limits[:, 2:] + CROP_MARGIN
    x, y = torch.arange(width, device=boxes.device), torch.arange(height, device=boxes.device)
    columns = (x >= low[:, :1]) & (x < high[:, :1])
    rows = (y >= low[:, 1:]) & (y < high[:, 1:])
    return rows[:, :, None] & columns[:, None, :]


def mask_loss(
    coefficients: Tensor, prototypes: Tensor, target: Tensor, targets: InstanceTargets, stride_px: int
) -> Tensor:
    """Summed over masks: cross-entropy within the true box over the box's area in prototype cells.

    Coefficients (n, prototypes) of n anchors, prototypes (prototypes, height, width), target (n,) the object of each.
    A cell's truth is the share of it that the object covers, so that an object thinner than a cell is still asked for;
    where cells are whole it is the published loss. Ignored cells are in no sum. The caller bounds n.
    """
    height, width = prototypes.shape[1:]
    shares = shares_at_stride(targets, stride_px)
    total = prototypes.new_zeros(())
    for part in chunks(len(target)):
        boxes = targets.boxes[target[part]]
        logits = torch.einsum("nc,chw->nhw", coefficients[part], prototypes)
        losses = F.binary_cross_entropy_with_logits(logits, shares.of(target[part]), reduction="none")
        inside = crop(boxes, height, width, stride_px) & shares.judged
        area = ((boxes[:, 2:] - boxes[:, :2]) / stride_px).prod(1)
        total = total + (torch.where(inside, losses, 0).flatten(1).sum(1) / area).sum()
    return total


def semantic_loss(logits: Tensor, targets: InstanceTargets, stride_px: int) -> Tensor:
    """Cross-entropy of one image's class maps (channels, height, width), each class alone.

    A cell's truth is the largest share of it that one object of the class covers. Summed over classes, averaged over
    the judged cells; 0 where none is.
    """
    shares = shares_at_stride(targets, stride_px)
    truth = torch.zeros_like(logits)
    for part in chunks(len(targets)):
        index = targets.channels[part, None, None].expand(-1, *truth.shape[1:])
        truth.scatter_reduce_(0, index, shares.of(part), "amax")
    losses = F.binary_cross_entropy_with_logits(logits, truth, reduction="none").sum(0)
    return torch.where(shares.judged, losses, 0).sum() / shares.judged.sum().clamp(min=1)
