"""Atrous spatial pyramid pooling (Chen et al. 2017, DeepLabv3, figure 5): one map read at five scales."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segwright.models.options import Option
from segwright.models.semantic.blocks import ConvBlock, PointBlock, SeparableBlock

WIDTH = 256
DROPOUT = 0.5
# Output stride -> dilations; the paper doubles those of 1/16 where features stay at 1/8.
RATES = {16: (6, 12, 18), 8: (12, 24, 36)}
OUTPUT_STRIDE = Option(16, "the encoder's coarsest features, as a share of the frame: 8 is finer and slower", (16, 8))


class ASPP(nn.Module):
    """Features (batch, inputs, height, width) to (batch, outputs, height, width): joined from

    a 1x1 convolution, three 3x3 convolutions at growing dilations, and the mean of the whole frame.
    """

    def __init__(self, inputs: int, rates: Sequence[int], outputs: int = WIDTH, *, separable: bool = False) -> None:
        super().__init__()
        block = SeparableBlock if separable else ConvBlock
        self.near = PointBlock(inputs, outputs)
        self.far = nn.ModuleList(block(inputs, outputs, dilation=rate) for rate in rates)
        self.frame = PointBlock(inputs, outputs)
        self.join = nn.Sequential(PointBlock((2 + len(rates)) * outputs, outputs), nn.Dropout(DROPOUT))

    def forward(self, features: Tensor) -> Tensor:
        near = self.near(features)
        whole = self.frame(features.mean((2, 3), keepdim=True)).expand_as(near)
        return self.join(torch.cat([near, *(scale(features) for scale in self.far), whole], dim=1))
