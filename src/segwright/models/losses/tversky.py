"""Tversky and focal Tversky: Dice that prices false and missed pixels apart."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from segwright.models.losses.region_sums import RegionSums, region_sums
from segwright.models.losses.target import Per, mean_of_present

# Below this the root of the focal form has no slope to speak of: at 0 it would be infinite.
LEAST_LOSS = 1e-6


def tversky(
    log_probabilities: Tensor,
    target: Tensor,
    channels: Sequence[int],
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    per: Per = "batch",
    smooth_px: float = 1.0,
) -> Tensor:
    """One minus the Tversky index of `channels`, averaged over those present in the target.

    The index is TP / (TP + alpha * FP + beta * FN) in soft pixels; 0.5 and 0.5 give Dice, a larger `beta` finds more
    of a rare class at the price of false pixels. Log-probabilities (batch, channels, height, width), target (batch,
    height, width). Void pixels are in no sum, an absent class is left out of the mean; 0 where none is present.

    Source: Salehi et al. 2017, "Tversky loss function for image segmentation using 3D fully convolutional deep
    networks", eq. 3 and 4.
    """
    sums = region_sums(log_probabilities, target, channels, per)
    return tversky_of(sums, alpha=alpha, beta=beta, per=per, smooth_px=smooth_px)


def tversky_of(
    sums: RegionSums, *, alpha: float = 0.3, beta: float = 0.7, per: Per = "batch", smooth_px: float = 1.0
) -> Tensor:
    """`tversky` from sums."""
    return mean_of_present(_losses(sums, alpha, beta, smooth_px), sums.true > 0, per)


def focal_tversky(
    log_probabilities: Tensor,
    target: Tensor,
    channels: Sequence[int],
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 4 / 3,
    per: Per = "batch",
) -> Tensor:
    """The Tversky loss of each of `channels` to the power of 1 / `gamma`, averaged over those present in the target.

    Above 1, `gamma` raises the gradient of classes that are nearly right. Shapes, void and absent as in `tversky`.

    Source: Abraham and Khan 2019, "A novel focal Tversky loss function with improved attention U-Net for lesion
    segmentation", eq. 4.
    """
    sums = region_sums(log_probabilities, target, channels, per)
    return focal_tversky_of(sums, alpha=alpha, beta=beta, gamma=gamma, per=per)


def focal_tversky_of(
    sums: RegionSums, *, alpha: float = 0.3, beta: float = 0.7, gamma: float = 4 / 3, per: Per = "batch"
) -> Tensor:
    """`focal_tversky` from sums."""
    losses = _losses(sums, alpha, beta, 1.0).clamp(min=LEAST_LOSS) ** (1 / gamma)
    return mean_of_present(losses, sums.true > 0, per)


def _losses(sums: RegionSums, alpha: float, beta: float, smooth_px: float) -> Tensor:
    false, missed = sums.predicted - sums.overlap, sums.true - sums.overlap
    weighed = sums.overlap + alpha * false + beta * missed
    return 1 - (sums.overlap + smooth_px) / (weighed + smooth_px)
