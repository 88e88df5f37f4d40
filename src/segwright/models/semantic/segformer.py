"""SegFormer (Xie et al. 2021, figure 2): an all-MLP decoder on the Mix Transformer, or on any other pyramid.

    each of 1/4, 1/8, 1/16, 1/32 ─ linear to one width ─ enlarged to 1/4 ┐
                                        joined ─ 1x1, batch norm, ReLU ─ dropout ─ head ─ enlarged x4

A linear layer over a map's channels is a 1x1 convolution. A test compares with the head in transformers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segwright.models.feature_pyramid import FeaturePyramid
from segwright.models.options import Option
from segwright.models.semantic.blocks import PointBlock
from segwright.models.semantic.encoder_decoder import Decoder, EncoderDecoder, encoder_and_options, enlarged
from segwright.models.spec import NetworkSpec

DROPOUT = 0.1
OPTIONS = {"width": Option(256, "channels of every level: 256 for B0 and B1, 768 for B2 to B5 in the paper", least=8)}


def segformer(spec: NetworkSpec) -> EncoderDecoder:
    """SegFormer on the encoder of `spec`."""
    encoder, options = encoder_and_options(spec, OPTIONS)
    return EncoderDecoder(spec, encoder, AllMLPDecoder(encoder, options["width"]))


class AllMLPDecoder(Decoder):
    """Features at 1/4 of the frame; no convolution looks further than its own position."""

    def __init__(self, encoder: FeaturePyramid, width: int) -> None:
        super().__init__((width,), stride=4)
        self.linear = nn.ModuleList(nn.Conv2d(inputs, width, kernel_size=1) for inputs in encoder.widths[-4:])
        self.join = nn.Sequential(PointBlock(4 * width, width), nn.Dropout(DROPOUT))

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        quarter = [
            enlarged(linear(level), 2**depth)
            for depth, (linear, level) in enumerate(zip(self.linear, levels[-4:], strict=True))
        ]
        return [self.join(torch.cat(quarter[::-1], dim=1))]
