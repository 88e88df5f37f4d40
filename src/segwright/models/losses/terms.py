"""Single loss terms, each a function of log-probabilities so that a sum of them needs one softmax."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

VOID_CHANNEL = -1


def cross_entropy(log_probabilities: Tensor, target: Tensor, class_weights: Tensor | None = None) -> Tensor:
    """Mean negative log-likelihood over the pixels that are not void; 0 (with gradient 0) where all are void.

    With `class_weights` (channels,) the mean is weighted by the weight of each pixel's true class, as in torch.
    """
    losses = F.nll_loss(log_probabilities, target, weight=class_weights, ignore_index=VOID_CHANNEL, reduction="sum")
    valid = target != VOID_CHANNEL
    weight = valid.sum() if class_weights is None else class_weights[target.clamp(min=0)][valid].sum()
    return losses / weight.clamp(min=1e-6)


def soft_dice(log_probabilities: Tensor, target: Tensor, channels: Sequence[int], smooth_px: float = 1.0) -> Tensor:
    """One minus the soft Dice of `channels`, pooled over the batch, averaged over those present in the target.

    Void pixels are in neither sum. A channel that no pixel of the batch has is left out of the mean: an absent
    class is neither perfect nor wrong (its false pixels are cross-entropy's business). 0 where none is present.
    Pooled over the batch as in nnU-Net's `batch_dice`, so that one crop without the class does not swing the loss.

    Source: Milletari et al. 2016 (V-Net), eq. 2 with linear terms in the denominator (Drozdzal et al. 2016).
    """
    valid = (target != VOID_CHANNEL).unsqueeze(1)
    wanted = torch.tensor(list(channels), device=target.device, dtype=torch.long)
    truth = (target.unsqueeze(1) == wanted.view(1, -1, 1, 1)).to(log_probabilities.dtype)
    probability = log_probabilities[:, wanted].exp() * valid
    pixels = (0, 2, 3)
    overlap = (probability * truth).sum(pixels)
    total = probability.sum(pixels) + truth.sum(pixels)
    dice = (2 * overlap + smooth_px) / (total + smooth_px)
    present = (truth.sum(pixels) > 0).to(dice.dtype)
    return ((1 - dice) * present).sum() / present.sum().clamp(min=1)
