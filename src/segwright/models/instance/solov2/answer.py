"""From SOLOv2's cells and features to candidates: the best cells' masks, their scores, Matrix NMS."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.models.instance.contract import Candidates
from segwright.models.instance.ranking import best, filled, padded_with_nothing, take
from segwright.models.instance.solov2.options import SOLOv2Options
from segwright.models.instance.suppression import mask_iou, matrix_nms


def candidates_of(
    classes: list[Tensor], kernels: Tensor, features: Tensor, *, count: int, stride_px: int, options: SOLOv2Options
) -> Candidates:
    """The `count` best masks of each frame.

    Class logits (batch, channels, grid, grid) a level, kernels (batch, cells, mask channels), features (batch, mask
    channels, height, width) at `stride_px`. A mask's score is its cell's times the mean of its own pixels above 1/2.

    Source: Wang et al. 2020, "SOLOv2", section 3.3; `solov2_head.py: get_seg_single`.
    """
    cells = torch.cat([peaks(logits.sigmoid()).flatten(2) for logits in classes], dim=2).transpose(1, 2)
    channels = cells.shape[2]
    flat = torch.where(cells > options.score_floor, cells, 0).flatten(1)
    scores, index = best(flat, options.before_suppression)
    used = filled(scores)
    scores, index = scores[:, :used], index[:, :used]
    logits = (take(kernels, index // channels) @ features.flatten(2)).float()
    masks = (logits > 0).float()  # counted in float32: half precision cannot count to 257
    area = masks.sum(2)
    inside = torch.einsum("bnp,bnp->bn", logits.sigmoid(), masks)  # without a third of their size for the products
    scores = torch.where(area > 0, scores * inside / area.clamp(min=1), 0)
    scores = matrix_nms(scores, index % channels, mask_iou(masks), sigma=options.sigma)
    scores, chosen = best(scores, count)
    used = filled(scores)
    scores, chosen = scores[:, :used], chosen[:, :used]
    height, width = features.shape[2:]
    mask_logits = take(logits, chosen).unflatten(2, (height, width))
    boxes = boxes_of(mask_logits > 0, stride_px)
    return padded_with_nothing(Candidates(scores, take(index % channels, chosen), boxes, mask_logits), count)


def peaks(scores: Tensor) -> Tensor:
    """Scores (batch, channels, grid, grid) that are the highest of their 2 x 2 neighbours, 0 elsewhere.

    Source: `solov2_head.py: points_nms`.
    """
    highest = F.max_pool2d(scores, kernel_size=2, stride=1, padding=1)[:, :, :-1, :-1]
    return torch.where(highest == scores, scores, 0)


def boxes_of(masks: Tensor, stride_px: int) -> Tensor:
    """The boxes (batch, n, 4) px, half-open, around masks (batch, n, height, width) bool; 0 where a mask is empty."""
    x_min, x_max = _extent(masks.any(2))
    y_min, y_max = _extent(masks.any(3))
    return torch.stack([x_min, y_min, x_max, y_max], dim=-1) * stride_px


def _extent(filled: Tensor) -> tuple[Tensor, Tensor]:
    """First and last + 1 (batch, n) of the filled positions (batch, n, length)."""
    position = torch.arange(filled.shape[-1], device=filled.device, dtype=torch.float32)
    end = torch.where(filled, position + 1, 0).amax(-1)
    first = torch.where(filled, position, filled.shape[-1]).amin(-1)
    return torch.minimum(first, end), end
