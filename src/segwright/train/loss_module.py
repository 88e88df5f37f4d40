"""A network that has its own loss, as a module that is called for it: what several processes wrap."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class LossOf(nn.Module):
    """Answers a batch with the network's loss. Data-parallel training sees to gradients of what is called, and of that
    alone; a network itself is called for its answer.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor, targets: Any) -> tuple[Tensor, dict[str, Tensor]]:
        return self.network.loss(frames, targets)  # type: ignore[operator]


def has_loss(network: nn.Module) -> bool:
    """Whether the network has a loss of its own."""
    return callable(getattr(network, "loss", None))


def own_loss(network: nn.Module, frames: Tensor, targets: Any) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a network that has its own, or of one that is wrapped to be called for it."""
    return network.loss(frames, targets) if has_loss(network) else network(frames, targets)  # type: ignore[operator]
