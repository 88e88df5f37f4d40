"""The weighted sum of loss terms a plan asks for, and the one list of those that exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.models.losses.boundary import boundary
from segwright.models.losses.cldice import soft_cldice
from segwright.models.losses.cross_entropy import cross_entropy
from segwright.models.losses.dice import generalised_dice, soft_dice
from segwright.models.losses.focal import focal
from segwright.models.losses.hausdorff import hausdorff
from segwright.models.losses.lovasz import lovasz_hinge, lovasz_softmax
from segwright.models.losses.tversky import focal_tversky, tversky

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
            log_probabilities = F.log_softmax(exact, dim=1)
            terms = {
                name: self._term(name, log_probabilities, target) for name, weight in self.weights.items() if weight > 0
            }
            start = log_probabilities.new_zeros(())
            total = sum((self.weights[name] * term for name, term in terms.items()), start=start)
        return total, {name: term.detach() for name, term in terms.items()}

    def _term(self, name: str, log_probabilities: Tensor, target: Tensor) -> Tensor:
        options = self.options.get(name, {})
        if name in CLASS_TERMS:
            return CLASS_TERMS[name](log_probabilities, target, **{"channels": self.channels, **options})
        weights = None if self.class_weights is None else log_probabilities.new_tensor(self.class_weights)
        return PIXEL_TERMS[name](log_probabilities, target, weights, **options)
