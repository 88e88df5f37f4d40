"""What a batch is learned from: the one seam between the training loop and a task.

The loop moves a batch to the device, asks the objective for the loss, and steps; it knows neither classes nor targets.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from segwright.models.losses import DeepSupervision, SegmentationLoss
from segwright.models.losses.deep_supervision import resized
from segwright.train.hard_places import crop_losses
from segwright.train.settings import LossPlan

PER_CROP = "per_crop"

Autocast = Callable[[], AbstractContextManager[None]]


class Objective(Protocol):
    """The loss to go down (a scalar with gradient) and its named terms (scalars without) for one batch.

    A term called `PER_CROP` is no scalar but the loss of each crop (batch,): from it hard places are drawn again. An
    objective that gives none leaves that out.

    `target` is whatever the task's feed puts into `Batch.target`, on the network's device. The network runs under
    `autocast()`; sums and logarithms of the loss belong outside of it, in float32. `learned` are parts of the
    objective itself that learn beside the network, or None.
    """

    @property
    def learned(self) -> nn.Module | None: ...

    def __call__(
        self, network: nn.Module, frames: Tensor, target: Any, autocast: Autocast
    ) -> tuple[Tensor, dict[str, Tensor]]: ...


@dataclass(frozen=True)
class SemanticObjective:
    """The plan's loss of logits (batch, channels, height, width) against channel numbers, void -1."""

    loss: DeepSupervision
    per_crop: bool = False
    learned: None = None

    @staticmethod
    def of(plan: LossPlan, *, per_crop: bool = False) -> SemanticObjective:
        """The objective that the loss section of a plan describes; with the loss of each crop where asked for."""
        loss = SegmentationLoss(plan.weights, plan.channels, plan.class_weights, plan.options)
        return SemanticObjective(DeepSupervision(loss), per_crop)

    def __call__(
        self, network: nn.Module, frames: Tensor, target: Tensor, autocast: Autocast
    ) -> tuple[Tensor, dict[str, Tensor]]:
        with autocast():
            logits = network(frames)
        loss, terms = self.loss(logits, target)
        if self.per_crop:
            finest = logits if isinstance(logits, Tensor) else logits[0]
            terms = {**terms, PER_CROP: crop_losses(finest, resized(target, finest.shape[-2:]))}
        return loss, terms
