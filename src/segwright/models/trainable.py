"""What training knows of any network, whatever its task: where its encoder is, and what may be loaded into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import nn


class Trainable(nn.Module):
    """A network that is built from a spec and learns in the training loop.

    Attributes:
        spec: what it was built from; it names network, encoder, bands and channels.
        stride_px: height and width of what it reads are multiples of this.
        own_encoder: whether its encoder belongs to it; then the encoder that `spec` names is not used.
    """

    spec: Any
    stride_px: int
    own_encoder: ClassVar[bool] = False

    @property
    def stages(self) -> list[list[nn.Module]]:
        """The encoder's layers from the input upwards, grouped; every parameter of the encoder is in them once.

        What transfer learning freezes and teaches more slowly; all other parameters count as decoder. None: no
        layer has pretrained weights.
        """
        return []

    @property
    def backbone(self) -> nn.Module | None:
        """The module that pretrained weights are loaded into, under their publisher's names; None: there are none."""
        return None

    @property
    def class_layers(self) -> Sequence[nn.Conv2d | nn.Linear]:
        """The last layers, which have a channel a class: of no use to a network for other classes."""
        return []
