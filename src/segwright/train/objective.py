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
from segwright.train.settings import LossPlan

Autocast = Callable[[], AbstractContextManager[None]]


class Objective(Protocol):
    """The loss to go down (a scalar with gradient) and its named terms (scalars without) for one batch.

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
    learned: None = None

    @staticmethod
    def of(plan: LossPlan) -> SemanticObjective:
        """The objective that the loss section of a plan describes."""
        return SemanticObjective(
            DeepSupervision(SegmentationLoss(plan.weights, plan.channels, plan.class_weights, plan.options))
        )

    def __call__(
        self, network: nn.Module, frames: Tensor, target: Tensor, autocast: Autocast
    ) -> tuple[Tensor, dict[str, Tensor]]:
        with autocast():
            logits = network(frames)
        return self.loss(logits, target)
