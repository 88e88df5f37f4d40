"""Cross-entropy: weighted, with smoothed labels, over the hardest pixels."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.models.joint import joint_rows, joint_sum
from segwright.models.losses.pixel_sums import PixelSums
from segwright.models.losses.target import VOID_CHANNEL, valid_pixels


def cross_entropy(
    log_probabilities: Tensor,
    target: Tensor,
    class_weights: Tensor | None = None,
    *,
    label_smoothing: float = 0.0,
    hardest: float = 1.0,
) -> Tensor:
    """Mean negative log-likelihood over the pixels that are not void; 0 (with gradient 0) where all are void.

    Log-probabilities (batch, channels, height, width), target (batch, height, width) of channel numbers. With
    `class_weights` (channels,) the mean is weighted by the weight of each pixel's true class, as in torch. An absent
    class has no pixel and so no term; it is pushed down where other classes are true.

    `label_smoothing` moves that share of each label to all classes alike. `hardest` is the share of the valid pixels
    that count, those with the largest loss, taken over the batch (at least one): online hard example mining.

    Source: torch.nn.functional.cross_entropy, for weights and smoothing; Szegedy et al. 2016, section 7 (label
    smoothing); Wu et al. 2016, "Bridging category-level and instance-level semantic image segmentation", section 4
    (hardest pixels).
    """
    if label_smoothing > 0 or hardest < 1:
        losses, weights = _by_pixel(log_probabilities, target, class_weights, label_smoothing)
        return _mean_of_hardest(losses, weights, hardest)
    losses = F.nll_loss(log_probabilities, target, weight=class_weights, ignore_index=VOID_CHANNEL, reduction="sum")
    valid = valid_pixels(target)
    weight = valid.sum() if class_weights is None else class_weights[target.clamp(min=0)][valid].sum()
    return joint_sum(losses) / joint_sum(weight).clamp(min=1e-6)


def cross_entropy_of(sums: PixelSums, *, label_smoothing: float = 0.0) -> Tensor:
    """`cross_entropy` over all pixels, from sums."""
    losses = (1 - label_smoothing) * sums.missed + label_smoothing * sums.spread
    return joint_sum(losses) / joint_sum(sums.weight).clamp(min=1e-6)


def _by_pixel(
    log_probabilities: Tensor, target: Tensor, class_weights: Tensor | None, smoothing: float
) -> tuple[Tensor, Tensor]:
    """The loss of each valid pixel, times its weight, and that weight; both (valid pixels,)."""
    valid = valid_pixels(target)
    losses = F.nll_loss(log_probabilities, target, weight=class_weights, ignore_index=VOID_CHANNEL, reduction="none")
    losses = losses[valid]
    if smoothing > 0:
        counted = log_probabilities if class_weights is None else log_probabilities * class_weights.view(1, -1, 1, 1)
        losses = (1 - smoothing) * losses - smoothing * counted.mean(1)[valid]
    weights = torch.ones_like(losses) if class_weights is None else class_weights[target[valid]]
    return losses, weights


def _mean_of_hardest(losses: Tensor, weights: Tensor, share: float) -> Tensor:
    if share == 1:
        return joint_sum(losses.sum()) / joint_sum(weights.sum()).clamp(min=1e-6)
    losses, weights = joint_rows(losses), joint_rows(weights)  # the hardest of the whole batch
    if len(losses) > 0:
        losses, chosen = losses.topk(math.ceil(share * len(losses)))
        weights = weights[chosen]
    return losses.sum() / weights.sum().clamp(min=1e-6)
