"""A second answer from the encoder's features at 1/16, in training only (Zhao et al. 2017, PSPNet, section 3.3)."""

from __future__ import annotations

from torch import nn

from segwright.models.options import Option
from segwright.models.semantic.blocks import ConvBlock

NARROWER = 4
DROPOUT = 0.1
AUXILIARY = Option(
    default=True,
    about="in training the encoder's last level but one answers too, for half as much",
    choices=(True, False),
)


class AuxiliaryFeatures(nn.Sequential):
    """What the auxiliary head reads: a 3x3 convolution to a quarter of the width, and dropout."""

    def __init__(self, inputs: int) -> None:
        self.width = max(1, inputs // NARROWER)
        super().__init__(ConvBlock(inputs, self.width), nn.Dropout2d(DROPOUT))
