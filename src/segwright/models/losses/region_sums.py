"""The sums that every overlap loss is a ratio of, in little memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from segwright.models.joint import joint_sum
from segwright.models.losses.target import VOID_CHANNEL, Per, valid_pixels


class RegionSums(NamedTuple):
    """Pixels of each class, of shape (classes,) over the batch or (batch, classes) for each image.

    `overlap` is the probability on the class's own pixels, `predicted` on all valid pixels, `true` the number of its
    pixels. Gradients flow into `overlap` and `predicted`.
    """

    overlap: Tensor
    predicted: Tensor
    true: Tensor

    def of(self, channels: Sequence[int], per: Per) -> RegionSums:
        """From the sums of each image and class those of `channels`; with `per` "batch" over the shared batch."""
        chosen = [each[:, list(channels)] for each in self]
        return RegionSums(*(joint_sum(each.sum(0)) for each in chosen) if per == "batch" else chosen)


def region_sums(log_probabilities: Tensor, target: Tensor, channels: Sequence[int], per: Per) -> RegionSums:
    """The sums of `channels` over the valid pixels of (batch, channels, height, width) and (batch, height, width).

    With `per` "batch" over the batch that processes share, if they do.
    """
    return RegionSums(*_Sums.apply(log_probabilities, target)).of(channels, per)  # type: ignore[misc]


def class_counts(target: Tensor, channels: int) -> Tensor:
    """Pixels of each class in each image (batch, channels) of a target (batch, ...)."""
    numbers = target.flatten(1) - VOID_CHANNEL
    if len(target) > 1:
        numbers += torch.arange(len(target), device=target.device).unsqueeze(1) * (channels + 1)
    return torch.bincount(numbers.flatten(), minlength=len(target) * (channels + 1)).view(-1, channels + 1)[:, 1:]


class _Sums(torch.autograd.Function):
    """Sums of every image and class. Keeps the probabilities and what they say of each pixel's true class; makes no
    one-hot truth and no other copy.

    The true classes are gathered and scattered: that is less work than to compare every pixel with every class.
    """

    @staticmethod
    def forward(ctx: Any, log_probabilities: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # of void pixels the first class, with probability 0
        own = target.clamp(min=0).unsqueeze(1)
        # a factor of the same type: torch applies a mask of bytes ten times as slowly
        probability = log_probabilities.exp().mul_(valid_pixels(target).unsqueeze(1).to(log_probabilities.dtype))
        right = probability.gather(1, own)
        overlap = torch.zeros_like(probability).scatter_(1, own, right).sum((2, 3))
        true = class_counts(target, probability.shape[1]).to(probability.dtype)
        ctx.save_for_backward(probability, right, target)
        ctx.mark_non_differentiable(true)
        return overlap, probability.sum((2, 3)), true

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_overlap: Tensor, of_predicted: Tensor, _: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        probability, right, target = ctx.saved_tensors
        own = target.clamp(min=0)
        rate = (of_overlap + of_predicted).gather(1, own.flatten(1)).view_as(right)
        gradient = probability * of_predicted[..., None, None]
        return gradient.scatter_(1, own.unsqueeze(1), right * rate), None
