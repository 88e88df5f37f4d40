"""The sums that every overlap loss is a ratio of, in little memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from segwright.models.joint import joint_sum
from segwright.models.losses.target import Per, valid_pixels


class RegionSums(NamedTuple):
    """Pixels of each class, of shape (classes,) over the batch or (batch, classes) for each image.

    `overlap` is the probability on the class's own pixels, `predicted` on all valid pixels, `true` the number of its
    pixels. Gradients flow into `overlap` and `predicted`.
    """

    overlap: Tensor
    predicted: Tensor
    true: Tensor


def region_sums(log_probabilities: Tensor, target: Tensor, channels: Sequence[int], per: Per) -> RegionSums:
    """The sums of `channels` over the valid pixels of (batch, channels, height, width) and (batch, height, width).

    With `per` "batch" over the batch that processes share, if they do.
    """
    pixels = (0, 2, 3) if per == "batch" else (2, 3)
    sums = RegionSums(*_Sums.apply(log_probabilities, target, list(channels), pixels))  # type: ignore[misc]
    return RegionSums(*(joint_sum(each) for each in sums)) if per == "batch" else sums


class _Sums(torch.autograd.Function):
    """Keeps the probabilities and what they say of each pixel's true class; makes no one-hot truth and no other copy.

    The true classes are gathered and scattered: that is less work than to compare every pixel with every class.
    """

    @staticmethod
    def forward(
        ctx: Any, log_probabilities: Tensor, target: Tensor, wanted: list[int], pixels: tuple[int, ...]
    ) -> tuple[Tensor, Tensor, Tensor]:
        # of void pixels the first class, with probability 0
        own = target.clamp(min=0).unsqueeze(1)
        # a factor of the same type: torch applies a mask of bytes ten times as slowly
        probability = log_probabilities.exp().mul_(valid_pixels(target).unsqueeze(1).to(log_probabilities.dtype))
        right = probability.gather(1, own)
        overlap = torch.zeros_like(probability).scatter_(1, own, right)[:, wanted].sum(pixels)
        predicted = probability[:, wanted].sum(pixels)
        true = _counts(target, probability.shape[1], whole=len(pixels) == 3).to(probability.dtype)
        ctx.save_for_backward(probability, right, target)
        ctx.wanted = wanted
        ctx.mark_non_differentiable(true)
        return overlap, predicted, true[..., wanted]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_overlap: Tensor, of_predicted: Tensor, _: Tensor) -> tuple[Tensor, None, None, None]:  # type: ignore[override]
        probability, right, target = ctx.saved_tensors
        images, classes = probability.shape[:2]
        off = probability.new_zeros((images, classes))
        on = torch.zeros_like(off)
        off[:, ctx.wanted] = of_predicted.expand(images, -1)
        on[:, ctx.wanted] = (of_overlap + of_predicted).expand(images, -1)
        own = target.clamp(min=0)
        rate = on.gather(1, own.flatten(1)).view_as(right)
        gradient = probability * off.view(images, classes, 1, 1)
        return gradient.scatter_(1, own.unsqueeze(1), right * rate), None, None, None


def _counts(target: Tensor, classes: int, *, whole: bool) -> Tensor:
    """Pixels of each class, (classes,) over the whole batch or (batch, classes)."""
    if whole:
        return torch.bincount(target.flatten() + 1, minlength=classes + 1)[1:]
    return torch.stack([_counts(each, classes, whole=True) for each in target])
