"""The weighted sum of loss terms a plan asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.models.losses.terms import cross_entropy, soft_dice


@dataclass(frozen=True)
class SegmentationLoss:
    """`weights["cross_entropy"] * cross-entropy + weights["dice"] * soft Dice` over `dice_channels`.

    Computed in float32 whatever the logits' type. Returns the total and each term unweighted, for the log.
    """

    weights: dict[str, float]
    dice_channels: Sequence[int]
    class_weights: tuple[float, ...] | None = None

    def __call__(self, logits: Tensor, target: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        log_probabilities = F.log_softmax(logits.float(), dim=1)
        terms: dict[str, Tensor] = {}
        if self.weights.get("cross_entropy", 0) > 0:
            weights = None
            if self.class_weights is not None:
                weights = torch.tensor(self.class_weights, device=logits.device, dtype=torch.float32)
            terms["cross_entropy"] = cross_entropy(log_probabilities, target, weights)
        if self.weights.get("dice", 0) > 0:
            terms["dice"] = soft_dice(log_probabilities, target, self.dice_channels)
        total = sum(
            (self.weights[name] * term for name, term in terms.items()), start=logits.new_zeros((), dtype=torch.float32)
        )
        return total, {name: term.detach() for name, term in terms.items()}
