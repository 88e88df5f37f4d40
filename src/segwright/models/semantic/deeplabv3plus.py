"""DeepLabv3+ (Chen et al. 2018, figure 2): DeepLabv3's ASPP, sharpened by the encoder's features at 1/4.

last map at 1/16 ─ ASPP ─ enlarged to 1/4 ┐
1/4 ──────────────── 1x1 to 48 ────────── joined ─ 3x3 ─ 3x3 ─ head ─ enlarged x4
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segwright.models.feature_pyramid import FeaturePyramid
from segwright.models.options import Option
from segwright.models.semantic.aspp import ASPP, OUTPUT_STRIDE, RATES, WIDTH
from segwright.models.semantic.blocks import ConvBlock, PointBlock, SeparableBlock
from segwright.models.semantic.encoder_decoder import Decoder, EncoderDecoder, encoder_and_options, enlarged
from segwright.models.spec import NetworkSpec

FINE_WIDTH = 48  # so few that the fine features do not outweigh the context; the paper's table 1
OPTIONS = {
    "output_stride": OUTPUT_STRIDE,
    "separable": Option(
        default=True, about="depthwise separable convolutions, as in the paper's fastest", choices=(True, False)
    ),
}


def deeplabv3plus(spec: NetworkSpec) -> EncoderDecoder:
    """DeepLabv3+ on the encoder of `spec`, whose last strides become dilations."""
    encoder, options = encoder_and_options(spec, OPTIONS)
    return EncoderDecoder(spec, encoder, DeepLabV3PlusDecoder(encoder, **options))


class DeepLabV3PlusDecoder(Decoder):
    """Features at 1/4 of the frame."""

    def __init__(self, encoder: FeaturePyramid, output_stride: int, *, separable: bool) -> None:
        super().__init__((WIDTH,), stride=4, pools_frame=True)
        block = SeparableBlock if separable else ConvBlock
        context = ASPP(encoder.widths[-1], RATES[output_stride], separable=separable)
        # the depthwise form keeps one more convolution between the two resolutions, as the paper's decoder has it
        self.context = nn.Sequential(context, block(WIDTH, WIDTH)) if separable else context
        self.times = output_stride // 4
        self.quarter = encoder.strides.index(4)
        self.fine = PointBlock(encoder.widths[self.quarter], FINE_WIDTH)
        self.mix = nn.Sequential(block(WIDTH + FINE_WIDTH, WIDTH), block(WIDTH, WIDTH))

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        context = enlarged(self.context(levels[-1]), self.times)
        return [self.mix(torch.cat([context, self.fine(levels[1 + self.quarter])], dim=1))]
