"""Which query answers for which segment: the cheapest assignment of all, in memory that does not grow with segments."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from segwright.models.query.points import Grid, logits_at
from segwright.models.query.targets import SegmentTargets

# Segments whose truth at the points is in memory at a time.
SEGMENTS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class TermWeights:
    """How much the class, the mask's cross-entropy and the mask's Dice count, in matching and in the loss."""

    class_weight: float = 2.0
    mask_weight: float = 5.0
    dice_weight: float = 5.0


@torch.no_grad()
def match(
    class_logits: Tensor, masks: Tensor, targets: SegmentTargets, grid: Grid, pixels: Tensor, weights: TermWeights
) -> tuple[Tensor, Tensor]:
    """Queries and the segments they answer for: two (pairs,) of numbers, by the smallest sum of costs.

    One frame: class logits (queries, channels + 1), mask logits (queries, height, width), compared at `pixels`
    (points,) of its `grid`. There are as many pairs as there are queries or segments, whichever are fewer.
    """
    costs = pair_costs(class_logits, logits_at(masks, pixels, grid.size), targets, pixels, weights)
    # whatever is not finite costs more than all that is: a network that overflows is told so by its loss
    queries, segments = linear_sum_assignment(costs.double().nan_to_num(1e30, 1e30, 1e30).cpu().numpy())
    device = class_logits.device
    return torch.as_tensor(queries, device=device), torch.as_tensor(segments, device=device)


def pair_costs(
    class_logits: Tensor, logits: Tensor, targets: SegmentTargets, pixels: Tensor, weights: TermWeights
) -> Tensor:
    """What it costs (queries, segments) that a query answers for a segment; mask logits (queries, points).

    Source: Cheng et al. 2022 (Mask2Former), section 3.3 and appendix; equal to transformers'
    Mask2FormerHungarianMatcher at the same points.
    """
    shares = class_logits.softmax(-1)
    probabilities = logits.sigmoid()
    outside = F.softplus(logits).mean(1, keepdim=True)  # cross-entropy of "nowhere is the segment", minus logits inside
    sums = probabilities.sum(1, keepdim=True)
    columns = []
    for numbers in torch.arange(len(targets), device=pixels.device).split(SEGMENTS_AT_ONCE):
        truth = targets.at(numbers, pixels).to(logits.dtype)
        mask = outside - logits @ truth.T / len(pixels)
        dice = 1 - (2 * probabilities @ truth.T + 1) / (sums + truth.sum(1) + 1)
        own = -shares[:, targets.channels[numbers]]
        columns.append(weights.class_weight * own + weights.mask_weight * mask + weights.dice_weight * dice)
    return torch.cat(columns, dim=1)
