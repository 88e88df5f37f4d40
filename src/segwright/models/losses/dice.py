"""Soft Dice and generalised Dice."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from segwright.models.losses.region_sums import RegionSums, region_sums
from segwright.models.losses.target import Per, mean_of_present


def soft_dice(
    log_probabilities: Tensor, target: Tensor, channels: Sequence[int], *, per: Per = "batch", smooth_px: float = 1.0
) -> Tensor:
    """One minus the soft Dice of `channels`, averaged over those present in the target.

    Log-probabilities (batch, channels, height, width), target (batch, height, width) of channel numbers. Void pixels
    are in neither sum. A class that is absent is left out of the mean: it is neither perfect nor wrong (its false
    pixels are cross-entropy's business). 0 where none is present. Sums run over the batch, as in nnU-Net's
    `batch_dice`, so that one crop without the class does not swing the loss; `per` "image" takes each image by itself.

    Source: Milletari et al. 2016 (V-Net), eq. 2 with linear terms in the denominator (Drozdzal et al. 2016).
    """
    return dice_of(region_sums(log_probabilities, target, channels, per), per=per, smooth_px=smooth_px)


def dice_of(sums: RegionSums, *, per: Per = "batch", smooth_px: float = 1.0) -> Tensor:
    """`soft_dice` from sums."""
    dice = (2 * sums.overlap + smooth_px) / (sums.predicted + sums.true + smooth_px)
    return mean_of_present(1 - dice, sums.true > 0, per)


def generalised_dice(
    log_probabilities: Tensor, target: Tensor, channels: Sequence[int], *, per: Per = "batch"
) -> Tensor:
    """One minus one Dice of all `channels` together, each weighted by one over its squared pixels.

    Log-probabilities (batch, channels, height, width), target (batch, height, width) of channel numbers. Void pixels
    are in no sum. An absent class, whose weight would be infinite, is left out of both sums; where all are (in the
    batch; in an image, with `per` "image") there is no term.

    Source: Sudre et al. 2017, "Generalised Dice overlap as a deep learning loss function for highly unbalanced
    segmentations", section 2.1; equal to MONAI's GeneralizedDiceLoss where every class is present.
    """
    return generalised_dice_of(region_sums(log_probabilities, target, channels, per), per=per)


def generalised_dice_of(sums: RegionSums, *, per: Per = "batch") -> Tensor:
    """`generalised_dice` from sums."""
    present = sums.true > 0
    weights = torch.where(present, sums.true.clamp(min=1) ** -2, 0)
    overlap = (weights * sums.overlap).sum(-1)
    total = (weights * (sums.predicted + sums.true)).sum(-1)
    some = present.any(-1)
    return mean_of_present(1 - 2 * overlap / torch.where(some, total, 1), some, per)
