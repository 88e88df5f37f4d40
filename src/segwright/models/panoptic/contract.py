"""What a panoptic network is told and what it answers: an instance network's types and a map of the stuff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from segwright.core import DataError
from segwright.models.instance.contract import InstanceTargets, ObjectNetwork


@dataclass(frozen=True, eq=False)
class PanopticTargets:
    """The truth of one image of a batch.

    things: its objects; what they ignore is ignored in the map as well.
    stuff: (height, width) int64, the position among the stuff classes; the number of stuff classes where any thing
        is; -1 void.

    Raises:
        DataError: the map is of another size or type.
    """

    things: InstanceTargets
    stuff: Tensor

    def __post_init__(self) -> None:
        if self.stuff.shape != self.things.ignored.shape or self.stuff.dtype != torch.int64:
            raise DataError.of(
                "panoptic targets",
                "the map of stuff does not fit the things",
                allowed=f"int64 {tuple(self.things.ignored.shape)}",
                found=f"{str(self.stuff.dtype).removeprefix('torch.')} {tuple(self.stuff.shape)}",
                fix="build both at the size of the network input",
            )

    def to(self, device: torch.device | str) -> PanopticTargets:
        """The same targets on `device`."""
        return PanopticTargets(self.things.to(device), self.stuff.to(device))


class PanopticAnswer(NamedTuple):
    """The answer of a panoptic network in evaluation mode, and the outputs of its ONNX file, in this order.

    The first four are `Candidates`. stuff_logits: (batch, stuff classes + 1, height, width) at the size of the input;
    the last channel is "some thing". `segwright.infer.objects.merged` makes one map of both.
    """

    scores: Tensor
    channels: Tensor
    boxes: Tensor
    mask_logits: Tensor
    stuff_logits: Tensor


PANOPTIC_OUTPUT_NAMES = PanopticAnswer._fields


@runtime_checkable
class PanopticNetwork(ObjectNetwork, Protocol):
    """As `InstanceNetwork`, told and answering both kinds of classes."""

    def loss(self, frames: Tensor, targets: Sequence[PanopticTargets]) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss to go down (scalar with gradient) and its named terms (scalars without), before weighting."""
        ...

    def forward(self, frames: Tensor) -> PanopticAnswer:
        """What the network sees in frames (batch, bands, height, width), multiples of `stride_px`."""
        ...
