"""Tversky and focal Tversky: Dice that prices false and missed pixels apart."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from segwright.models.losses.region_sums import region_sums
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
    losses, present = _losses(log_probabilities, target, channels, (alpha, beta), per, smooth_px)
    return mean_of_present(losses, present, per)


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
    losses, present = _losses(log_probabilities, target, channels, (alpha, beta), per, 1.0)
    return mean_of_present(losses.clamp(min=LEAST_LOSS) ** (1 / gamma), present, per)


def _losses(
    log_probabilities: Tensor,
    target: Tensor,
    channels: Sequence[int],
    prices: tuple[float, float],
    per: Per,
    smooth_px: float,
) -> tuple[Tensor, Tensor]:
    sums = region_sums(log_probabilities, target, channels, per)
    false, missed = sums.predicted - sums.overlap, sums.true - sums.overlap
    weighed = sums.overlap + prices[0] * false + prices[1] * missed
    return 1 - (sums.overlap + smooth_px) / (weighed + smooth_px), sums.true > 0
