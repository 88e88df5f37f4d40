"""A network of queries as the rest of segwright knows networks: semantic logits, stages, classes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from segwright.models.query.output import QueryOutput, semantic_logits
from segwright.models.segmentation_network import RAREST_SHARE, SegmentationNetwork
from segwright.models.spec import NetworkSpec

# Before anything is learned a query has an object as likely as not.
OBJECT_SHARE = 0.5


class QueryNetwork(SegmentationNetwork):
    """Answers with queries: `queries(frames)` gives a class and a mask for each, `forward` the semantic answer of them.

    Attributes:
        options: every option with its value; those of the loss among them.
        model: the transformers model, under the names its published weights have.
    """

    def __init__(self, spec: NetworkSpec, stride_px: int, options: Mapping[str, Any], model: nn.Module) -> None:
        super().__init__(spec, stride_px=stride_px)
        self.options = dict(options)
        self.model: Any = model  # a Module whose layers only its own file knows

    def queries(self, frames: Tensor) -> QueryOutput:
        """What each query says of frames (batch, bands, height, width); in training mode with auxiliary answers."""
        raise NotImplementedError

    @property
    def class_predictor(self) -> nn.Linear:
        """The layer that gives each query's class logits, "no object" last."""
        layer = self.model.class_predictor
        assert isinstance(layer, nn.Linear)
        return layer

    @property
    def class_layers(self) -> list[nn.Linear]:
        return [self.class_predictor]

    def expect(self, shares: Sequence[float]) -> None:
        """Start from queries that have an object as often as not, of classes as frequent as `shares` (channels,)."""
        likely = [OBJECT_SHARE * max(share, RAREST_SHARE) for share in shares]
        logits = torch.tensor([math.log(share) for share in (*likely, 1 - OBJECT_SHARE)])
        with torch.no_grad():
            self.class_predictor.bias.copy_(logits - logits.mean())

    def forward(self, frames: Tensor) -> Tensor:
        return semantic_logits(self.queries(frames), frames.shape[-2], frames.shape[-1])
