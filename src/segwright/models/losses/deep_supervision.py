"""One loss over several outputs of a network, fine to coarse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

Terms = dict[str, Tensor]


@dataclass(frozen=True)
class DeepSupervision:
    """`loss` of each output, the first counting most: weights 1, 1/2, 1/4, ... divided by their sum.

    Logits (batch, channels, height, width) or a list of them, fine to coarse. Each is compared with the target at its
    own size: the label of the pixel nearest to the centre, so that no class number is invented and void stays void.
    A single tensor is `loss` itself. Returns the total and the finest output's terms, for the log.

    Source: Lee et al. 2015 (deeply-supervised nets); weights by halves as in nnU-Net (Isensee et al. 2021).
    """

    loss: Callable[[Tensor, Tensor], tuple[Tensor, Terms]]

    def __call__(self, logits: Tensor | Sequence[Tensor], target: Tensor) -> tuple[Tensor, Terms]:
        if isinstance(logits, Tensor):
            return self.loss(logits, target)
        answers = [self.loss(each, resized(target, each.shape[-2:])) for each in logits]
        weights = [0.5**depth for depth in range(len(answers))]
        total = sum(
            (weight * part for weight, (part, _) in zip(weights, answers, strict=True)),
            start=answers[0][0].new_zeros(()),
        )
        return total / sum(weights), answers[0][1]


def resized(target: Tensor, size: Sequence[int]) -> Tensor:
    """The target (batch, height, width) at another size: each pixel the nearest one's channel number or void."""
    if tuple(target.shape[-2:]) == tuple(size):
        return target
    # float64 holds every channel number; torch resizes no whole numbers
    return (
        F.interpolate(target.unsqueeze(1).double(), size=list(size), mode="nearest-exact").squeeze(1).to(target.dtype)
    )
