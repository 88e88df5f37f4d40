"""Lovász extensions of the Jaccard loss: lower them and IoU rises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from segwright.models.joint import joint_rows
from segwright.models.losses.target import Per, valid_pixels


def lovasz_softmax(log_probabilities: Tensor, target: Tensor, channels: Sequence[int], *, per: Per = "batch") -> Tensor:
    """The Lovász extension of one minus IoU at the errors of `channels`, averaged over those present in the target.

    Log-probabilities (batch, channels, height, width), target (batch, height, width) of channel numbers. The error of a
    pixel is how far the class's probability is from 0 or 1. Void pixels are not sorted in. A class that is absent from
    the batch (with `per` "image": from an image) gives no term; 0 where none is present.

    Source: Berman et al. 2018, "The Lovász-Softmax loss", eq. 9 to 11 and algorithm 1; equal to the authors' code with
    classes="present".
    """
    wanted = list(channels)
    probabilities = log_probabilities[:, wanted].exp()
    # sorting needs every pixel at hand: of a batch that processes share, each gets all
    probabilities, target = joint_rows(probabilities), joint_rows(target)
    return _Extension.apply(probabilities, target, wanted, per, _absolute_errors)  # type: ignore[return-value]


def lovasz_hinge(log_probabilities: Tensor, target: Tensor, channels: Sequence[int], *, per: Per = "batch") -> Tensor:
    """The Lovász extension of one minus IoU at the hinge errors of `channels`, averaged over those present.

    The score of a class is its log-odds against all other classes together (with two channels: their logits'
    difference), and a pixel's error is by how much the score misses the margin of 1. Log-probabilities (batch,
    channels, height, width), target (batch, height, width). Void pixels are not sorted in; a class that is absent from
    the batch (with `per` "image": from an image) gives no term; with a single channel there is nothing to tell apart,
    and the loss is 0.

    Source: Berman and Blaschko 2016, "Optimization of the Jaccard index for image segmentation with the Lovász hinge";
    equal to the authors' `lovasz_hinge` on two channels.
    """
    wanted = list(channels) if log_probabilities.shape[1] > 1 else []
    odds = [_log_odds(log_probabilities, channel) for channel in wanted]
    scores = torch.stack(odds, dim=1) if odds else log_probabilities[:, :0]
    scores, target = joint_rows(scores), joint_rows(target)
    return _Extension.apply(scores, target, wanted, per, _hinge_errors)  # type: ignore[return-value]


def _log_odds(log_probabilities: Tensor, channel: int) -> Tensor:
    """log p - log(1 - p) of a channel, from the other channels' own logarithms: exact where p is nearly 1."""
    others = [other for other in range(log_probabilities.shape[1]) if other != channel]
    return log_probabilities[:, channel] - log_probabilities[:, others].logsumexp(1)


def _absolute_errors(probability: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Errors, 0 or more, and the slope of each by the probability."""
    return (truth.to(probability.dtype) - probability).abs_(), _sign(truth)


def _hinge_errors(score: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Errors, 0 or more, and the slope of each by the score; a pixel beyond the margin has neither."""
    sign = _sign(truth)
    errors = (1 + sign * score).clamp_(min=0)
    return errors, sign * (errors > 0)


def _sign(truth: Tensor) -> Tensor:
    """-1 where an error falls as the score rises, else 1; a byte each."""
    return 1 - 2 * truth.to(torch.int8)


class _Extension(torch.autograd.Function):
    """The mean over the present classes of the Lovász extension at errors that `errors_of` makes of the scores.

    The extension is linear between two orders of the errors, so the gradient is known once the errors are sorted.
    """

    @staticmethod
    def forward(ctx: Any, scores: Tensor, target: Tensor, wanted: list[int], per: Per, errors_of: Any) -> Tensor:
        images = [slice(None)] if per == "batch" else [slice(image, image + 1) for image in range(len(target))]
        gradient = torch.zeros_like(scores)
        losses = []
        for group in images:
            valid = valid_pixels(target[group]).flatten().nonzero().squeeze(1)
            classes = target[group].flatten().index_select(0, valid)
            for position, channel in enumerate(wanted):
                truth = classes == channel
                if truth.any():
                    score = scores[group, position].flatten().index_select(0, valid)
                    errors, signs = errors_of(score, truth)
                    loss, slopes = _at_sorted(errors, truth)
                    losses.append(loss)
                    part = gradient[group, position]
                    part.copy_(part.new_zeros(part.numel()).index_copy_(0, valid, slopes.mul_(signs)).view(part.shape))
        ctx.save_for_backward(gradient.div_(max(1, len(losses))))
        return torch.stack(losses).mean() if losses else scores.new_zeros(())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_loss: Tensor) -> tuple[Tensor, None, None, None, None]:  # type: ignore[override]
        (gradient,) = ctx.saved_tensors
        return gradient * of_loss, None, None, None, None


def _at_sorted(errors: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """The extension at errors (pixels,), 0 or more, and its slope by each; `truth` has at least one pixel.

    Going down the errors, a true pixel shrinks the intersection by one and raises one minus IoU by 1 / union; a false
    one grows the union, and raises it by intersection / (union * (union - 1)): algorithm 1 with its differences taken
    by hand, so that nothing cancels.
    """
    descending, order = _descending(errors)
    true = truth.index_select(0, order)
    passed = true.cumsum(0, dtype=torch.int32)
    total = int(passed[-1])
    union = (torch.arange(total + 1, total + len(true) + 1, device=true.device) - passed).to(errors.dtype)
    intersection = (total - passed).to(errors.dtype)
    # union - 1 is 0 only where a single true pixel comes first, which takes the other branch
    steps = torch.where(true, 1 / union, intersection.div_(union * (union - 1).clamp_(min=1)))
    return torch.dot(descending, steps), torch.empty_like(steps).scatter_(0, order, steps)


def _descending(errors: Tensor) -> tuple[Tensor, Tensor]:
    """The errors, all 0 or more, largest first, and where each came from.

    Numbers from 0 on are ordered as their bits are; torch sorts whole numbers several times as fast as fractions.
    """
    whole = torch.int64 if errors.dtype == torch.float64 else torch.int32
    keys, order = (~errors.view(whole)).sort()
    return (~keys).view(errors.dtype), order
