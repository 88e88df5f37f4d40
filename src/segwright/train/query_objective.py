"""What query networks learn from, and which objective a network has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from segwright.core import Listener, Note, silent
from segwright.models.query import QueryLoss, QueryNetwork, SegmentTargets
from segwright.models.query.options import LOSS_OPTIONS
from segwright.train.called import asked_queries
from segwright.train.objective import Autocast, Objective, SemanticObjective
from segwright.train.settings import LossPlan


@dataclass(frozen=True)
class QueryObjective:
    """The query loss of what queries say against segments.

    The target is a tensor (batch, height, width) of channel numbers, void -1, of which each class present is one
    segment; or a sequence of `SegmentTargets`, one a frame.
    """

    loss: QueryLoss
    learned: None = None

    @staticmethod
    def of(options: Mapping[str, Any]) -> QueryObjective:
        """The objective that a query network's options describe."""
        return QueryObjective(QueryLoss.of(options))

    def __call__(
        self, network: nn.Module, frames: Tensor, target: Tensor | Sequence[SegmentTargets], autocast: Autocast
    ) -> tuple[Tensor, dict[str, Tensor]]:
        with autocast():
            output = asked_queries(network, frames)
        segments = [SegmentTargets.of_channels(each) for each in target] if isinstance(target, Tensor) else target
        return self.loss(output, segments)


def labels_objective(
    network: nn.Module, plan: LossPlan, listener: Listener = silent, *, per_crop: bool = False
) -> Objective:
    """The objective that teaches `network`: its own where it is of queries, which is told, else the plan's loss."""
    if not isinstance(network, QueryNetwork):
        return SemanticObjective.of(plan, per_crop=per_crop)
    told = ", ".join(f"{name} {network.options[name]:g}" for name in LOSS_OPTIONS)
    text = f"{network.spec.network} learns from matched queries ({told}); the section `loss` is not used"
    listener(Note("training", text))
    return QueryObjective.of(network.options)
