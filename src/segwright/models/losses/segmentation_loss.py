"""The weighted sum of loss terms a plan asks for, and the one list of those that exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.models.losses.boundary import boundary
from segwright.models.losses.cldice import soft_cldice
from segwright.models.losses.cross_entropy import cross_entropy, cross_entropy_of
from segwright.models.losses.dice import dice_of, generalised_dice, generalised_dice_of, soft_dice
from segwright.models.losses.focal import focal
from segwright.models.losses.hausdorff import hausdorff
from segwright.models.losses.lovasz import lovasz_hinge, lovasz_softmax
from segwright.models.losses.pixel_sums import PixelSums, pixel_sums
from segwright.models.losses.tversky import focal_tversky, focal_tversky_of, tversky, tversky_of

Loss = Callable[..., Tensor]

# name in segwright.yaml -> function of log-probabilities, target and class weights: every valid pixel counts
PIXEL_TERMS: dict[str, Loss] = {"cross_entropy": cross_entropy, "focal": focal}
# name in segwright.yaml -> function of log-probabilities, target and channels: each class counts
CLASS_TERMS: dict[str, Loss] = {
    "dice": soft_dice,
    "generalised_dice": generalised_dice,
    "tversky": tversky,
    "focal_tversky": focal_tversky,
    "lovasz": lovasz_softmax,
    "lovasz_hinge": lovasz_hinge,
    "boundary": boundary,
    "hausdorff": hausdorff,
    "cldice": soft_cldice,
}
# name -> the same function of `RegionSums`: what these need of the logits is summed in one pass, with cross-entropy's
REGION_TERMS: dict[str, Loss] = {
    "dice": dice_of,
    "generalised_dice": generalised_dice_of,
    "tversky": tversky_of,
    "focal_tversky": focal_tversky_of,
}


@dataclass(frozen=True)
class SegmentationLoss:
    """The sum over `weights` (term -> weight) of the terms above 0, from one softmax.

    `channels` are the classes that class terms look at, unless their `options` (term -> keyword -> value) have others;
    `class_weights` (channels,) weigh the pixels of pixel terms. Logits (batch, channels, height, width), target (batch,
    height, width) of channel numbers or `VOID_CHANNEL`. Computed in float32, in float64 where the logits are, whatever
    autocast says. Returns the total and each term unweighted, for the log.
    """

    weights: Mapping[str, float]
    channels: Sequence[int]
    class_weights: Sequence[float] | None = None
    options: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def __call__(self, logits: Tensor, target: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.autocast(logits.device.type, enabled=False):
            exact = logits if logits.dtype == torch.float64 else logits.float()
            terms = self._of_sums(exact, target) if self._needs_sums_alone else self._of_pixels(exact, target)
            total = sum((self.weights[name] * term for name, term in terms.items()), start=exact.new_zeros(()))
        return total, {name: term.detach() for name, term in terms.items()}

    @property
    def _names(self) -> list[str]:
        return [name for name, weight in self.weights.items() if weight > 0]

    @property
    def _needs_sums_alone(self) -> bool:
        """Whether every term is made of sums; cross-entropy alone is quicker as torch has it."""
        hardest = self.options.get("cross_entropy", {}).get("hardest", 1.0)
        of_regions = set(self._names) - {"cross_entropy"}
        return bool(of_regions) and of_regions.issubset(REGION_TERMS) and hardest == 1.0

    def _of_sums(self, logits: Tensor, target: Tensor) -> dict[str, Tensor]:
        smoothed = self.options.get("cross_entropy", {}).get("label_smoothing", 0.0) != 0.0
        sums = pixel_sums(logits, target, self._class_weights(logits), spread=smoothed)
        return {name: self._of_sum(name, sums) for name in self._names}

    def _of_sum(self, name: str, sums: PixelSums) -> Tensor:
        options: dict[str, Any] = {**self.options.get(name, {})}
        if name == "cross_entropy":
            return cross_entropy_of(sums, label_smoothing=options.get("label_smoothing", 0.0))
        regions = sums.regions.of(options.pop("channels", self.channels), options.get("per", "batch"))
        return REGION_TERMS[name](regions, **options)

    def _of_pixels(self, logits: Tensor, target: Tensor) -> dict[str, Tensor]:
        log_probabilities, weights = F.log_softmax(logits, dim=1), self._class_weights(logits)
        terms = {}
        for name in self._names:
            options = self.options.get(name, {})
            if name in CLASS_TERMS:
                options = {"channels": self.channels, **options}
                terms[name] = CLASS_TERMS[name](log_probabilities, target, **options)
            else:
                terms[name] = PIXEL_TERMS[name](log_probabilities, target, weights, **options)
        return terms

    def _class_weights(self, logits: Tensor) -> Tensor | None:
        return None if self.class_weights is None else logits.new_tensor(self.class_weights)
