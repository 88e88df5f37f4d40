"""A network as a module that is called for what its objective asks: what several processes wrap.

Data-parallel training sees to gradients of what is called, and of that alone; a network itself is called for its
answer, and some objectives ask for something else.
"""

from __future__ import annotations

import warnings
from typing import Any

from torch import Tensor, nn
from torch.distributed.fsdp import register_fsdp_forward_method

from segwright.models.query import QueryNetwork, QueryOutput


class LossOf(nn.Module):
    """Answers a batch with the network's own loss."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor, targets: Any) -> tuple[Tensor, dict[str, Tensor]]:
        return self.network.loss(frames, targets)  # type: ignore[operator]


class QueriesOf(nn.Module):
    """Answers a batch with what each query says."""

    def __init__(self, network: QueryNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor) -> QueryOutput:
        return self.network.queries(frames)


def has_loss(network: nn.Module) -> bool:
    """Whether the network has a loss of its own."""
    return callable(getattr(network, "loss", None))


def own_loss(network: nn.Module, frames: Tensor, targets: Any) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a network that has its own, or of one that is wrapped to be called for it."""
    return network.loss(frames, targets) if has_loss(network) else network(frames, targets)  # type: ignore[operator]


def asked_queries(network: nn.Module, frames: Tensor) -> QueryOutput:
    """What the queries say of a network that has some, or of one that is wrapped to be called for them."""
    return network.queries(frames) if isinstance(network, QueryNetwork) else network(frames)


def called_module(network: nn.Module) -> nn.Module:
    """The module whose call is what the objective asks of `network`."""
    if isinstance(network, QueryNetwork):
        return QueriesOf(network)
    return LossOf(network) if has_loss(network) else network


def call_in_shards(network: nn.Module) -> None:
    """Let a network that was cut into shards gather its weights for its queries too, as for its answer.

    What queries say are views, and torch warns: weights would not be gathered again if somebody wrote into them. The
    query loss only reads them.
    """
    if not isinstance(network, QueryNetwork):
        return
    register_fsdp_forward_method(network, "queries")
    asked = network.queries

    def quietly(frames: Tensor) -> QueryOutput:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
            return asked(frames)

    network.queries = quietly
