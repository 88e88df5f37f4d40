"""From logits, in one pass there and one back, all that cross-entropy and the overlap losses are ratios of.

Between the passes lies one tensor of the logits' size; the gradient of every sum by the logits is written at once, so
that the softmax is derived once however many losses look at it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from segwright.models.losses.region_sums import RegionSums
from segwright.models.losses.target import VOID_CHANNEL

CACHED_NUMBERS = 2**18  # of logits: 1 MiB in float32


class PixelSums(NamedTuple):
    """Sums over the valid pixels of this process's images; gradients flow into all but numbers of pixels.

    `missed` () is -log p of each pixel's true class times that class's weight, and `weight` () the sum of those
    weights; `spread` () is the mean over the classes of -log p times the class's weight, 0 unless asked for; `regions`
    are the sums of each image and class (batch, channels).
    """

    missed: Tensor
    spread: Tensor
    weight: Tensor
    regions: RegionSums


def pixel_sums(logits: Tensor, target: Tensor, class_weights: Tensor | None, *, spread: bool) -> PixelSums:
    """The sums of logits (batch, channels, height, width) and target (batch, height, width) of channel numbers.

    `class_weights` (channels,), 1 each where None; `spread`: whether that sum is needed.
    """
    missed, spread_sum, *sums = _Sums.apply(logits, target, class_weights, spread)  # type: ignore[misc]
    regions, counts = RegionSums(*sums), sums[-1].sum(0)
    weight = counts if class_weights is None else counts * class_weights
    return PixelSums(missed, spread_sum, weight.sum(), regions)


class _Sums(torch.autograd.Function):
    """Keeps the probabilities (batch, channels, pixels), 0 at void, and the target (batch, 1, pixels), as fractions.

    A target in the logits' own type, which holds every channel number, is compared several times as fast.
    """

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, target: Tensor, weights: Tensor | None, spread: bool
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        flat, labels = logits.flatten(2), target.flatten(1).unsqueeze(1).to(logits.dtype)
        kept = flat.new_empty(flat.shape)
        parts = list(zip(*_in_parts(flat, labels, kept), strict=True))
        truth = torch.empty_like(parts[0][-1])
        sums = [_sums_of_part(part, truth, weights, spread=spread) for part in parts]
        missed, spread_sums, *regions = zip(*sums, strict=True)
        overlap, predicted, true = (torch.cat(each) for each in regions)
        ctx.save_for_backward(kept, labels, weights)
        ctx.spread, ctx.shape = spread, logits.shape
        ctx.mark_non_differentiable(true)
        return torch.stack(missed).sum(), torch.stack(spread_sums).sum(), overlap, predicted, true

    @staticmethod
    @once_differentiable
    def backward(  # type: ignore[override]
        ctx: Any, of_missed: Tensor, of_spread: Tensor, of_overlap: Tensor, of_predicted: Tensor, _: Tensor
    ) -> tuple[Tensor, None, None, None]:
        kept, labels, weights = ctx.saved_tensors
        channels, gradient = kept.shape[1], torch.empty_like(kept)
        weighed = kept.new_ones((1, channels, 1)) if weights is None else weights.view(1, -1, 1)
        parts = _in_parts(gradient, kept, labels, of_overlap.unsqueeze(2), of_predicted.unsqueeze(2))
        scratch = torch.empty_like(parts[0][0])
        for out, probability, target, *slopes in zip(*parts, strict=True):
            truth = _write_truth(scratch[: len(out)], target)
            _write_gradient(out, probability, truth, (of_missed * weighed, *slopes))
            if ctx.spread:
                share = of_spread / channels * weighed
                out.addcmul_(probability, share.sum()).addcmul_(_valid(target), share, value=-1)
        return gradient.view(ctx.shape), None, None, None


def _in_parts(first: Tensor, *others: Tensor) -> list[tuple[Tensor, ...]]:
    """Each tensor by groups of images: all on an accelerator, on a processor as many as its cache holds with all that
    is made on the way, by the numbers of `first`."""
    one = CACHED_NUMBERS // max(1, first[:1].numel()) if first.device.type == "cpu" else len(first)
    return [each.split(max(1, one)) for each in (first, *others)]


def _sums_of_part(
    part: tuple[Tensor, ...], scratch: Tensor, weights: Tensor | None, *, spread: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The sums of some images: logits (images, channels, pixels), target (images, 1, pixels), and the probabilities, to
    be written.

    The largest probability is 1 / the softmax's denominator: from it comes the logarithm of the true class's, exactly,
    for one logarithm a pixel in place of one for each channel.
    """
    logits, target, probability = part
    truth, valid = _write_truth(scratch[: len(logits)], target), _valid(target)
    torch.softmax(logits, 1, out=probability)
    largest, log_largest = logits.amax(1, keepdim=True), probability.amax(1, keepdim=True).log_()
    missed = _finite_where_0(logits * truth).sum(1, keepdim=True).sub_(largest).add_(log_largest).mul_(valid)
    if weights is not None:
        missed *= (truth * weights.view(1, -1, 1)).sum(1, keepdim=True)
    spread_sum = missed.new_zeros(())
    if spread:
        log_probability = (logits - largest).add_(log_largest)
        weighed = log_probability if weights is None else log_probability.mul_(weights.view(1, -1, 1))
        spread_sum = -_finite_where_0(weighed.mean(1, keepdim=True).mul_(valid)).sum()
    probability *= valid
    return -missed.sum(), spread_sum, (probability * truth).sum(2), probability.sum(2), truth.sum(2)


def _write_truth(out: Tensor, target: Tensor) -> Tensor:
    """`out` (images, channels, pixels): 1 at each pixel's true class, else 0, and so at void."""
    return torch.eq(target, torch.arange(out.shape[1], dtype=out.dtype, device=out.device).view(1, -1, 1), out=out)


def _valid(target: Tensor) -> Tensor:
    """1 where a pixel counts, 0 at void: a factor, as torch applies a mask of bytes ten times as slowly."""
    return torch.ne(target, VOID_CHANNEL, out=torch.empty_like(target))


def _finite_where_0(product: Tensor) -> Tensor:
    """In place: infinity times 0 is 0 here, as an impossible class is none that was asked for."""
    return product.nan_to_num_(nan=0.0, posinf=math.inf, neginf=-math.inf)


def _write_gradient(out: Tensor, probability: Tensor, truth: Tensor, slopes: tuple[Tensor, Tensor, Tensor]) -> None:
    """Into `out` the gradient by the logits, from the slopes by -log p (1, channels, 1), `overlap` and `predicted`
    (images, channels, 1); `truth` is used up.

    With g the slope by each probability, the softmax makes p * (g - sum of p * g) of it. Cross-entropy adds p - truth,
    times the slope of the true class.
    """
    of_missed, of_overlap, of_predicted = slopes
    torch.mul(truth, of_overlap, out=out).add_(of_predicted).mul_(probability)
    priced = truth.mul_(of_missed)
    out.addcmul_(probability, priced.sum(1, keepdim=True).sub_(out.sum(1, keepdim=True))).sub_(priced)
