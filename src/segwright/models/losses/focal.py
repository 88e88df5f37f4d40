"""Focal loss: cross-entropy in which pixels that are right already weigh little."""

from __future__ import annotations

import torch
from torch import Tensor

from segwright.models.joint import joint_sum
from segwright.models.losses.target import valid_pixels


def focal(
    log_probabilities: Tensor, target: Tensor, class_weights: Tensor | None = None, *, gamma: float = 2.0
) -> Tensor:
    """Mean of (1 - p)^gamma * -log p over the pixels that are not void, p the probability of the true class.

    Log-probabilities (batch, channels, height, width), target (batch, height, width) of channel numbers. With
    `class_weights` (channels,) the mean is weighted by the weight of each pixel's true class: the alpha of the paper.
    `gamma` 0 is cross-entropy. 0, with gradient 0, where all is void; an absent class has no pixel and so no term.

    Source: Lin et al. 2017, "Focal loss for dense object detection", eq. 5, over the softmax as in
    segmentation-models-pytorch's `softmax_focal_loss_with_logits`.
    """
    valid = valid_pixels(target)
    log_right = log_probabilities.gather(1, target.clamp(min=0).unsqueeze(1)).squeeze(1)[valid]
    # held above 0: a power below 1 has no slope there
    wrong = (-torch.expm1(log_right)).clamp(min=torch.finfo(log_right.dtype).eps)
    losses = -log_right * wrong**gamma
    if class_weights is None:
        count = joint_sum(losses.new_tensor(float(len(losses))))
        return joint_sum(losses.sum()) / count.clamp(min=1)
    weights = class_weights[target[valid]]
    return joint_sum((losses * weights).sum()) / joint_sum(weights.sum()).clamp(min=1e-6)
