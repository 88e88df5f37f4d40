"""UPerNet (Xiao et al. 2018, figure 4, the part for semantic segmentation): pyramid pooling on top of an FPN.

1/32 ─ pyramid pooling ── P5 ──────────────── ┐
1/16 ─ 1x1 + P5 enlarged ─ 3x3 ─ P4 ───────── joined at 1/4 ─ 3x3 ─ head
1/8  ─ 1x1 + P4 enlarged ─ 3x3 ─ P3 ───────── ┤
1/4  ─ 1x1 + P3 enlarged ─ 3x3 ─ P2 ───────── ┘
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segwright.models.feature_pyramid import FeaturePyramid
from segwright.models.options import Option
from segwright.models.semantic.auxiliary import AUXILIARY, AuxiliaryFeatures
from segwright.models.semantic.blocks import ConvBlock, PointBlock
from segwright.models.semantic.encoder_decoder import Decoder, EncoderDecoder, encoder_and_options, enlarged
from segwright.models.semantic.pyramid_pooling import PyramidPooling
from segwright.models.spec import NetworkSpec

DROPOUT = 0.1
OPTIONS = {
    "width": Option(256, "channels of every level; 512 is the paper's, at four times the work", least=8),
    "auxiliary": AUXILIARY,
}


def upernet(spec: NetworkSpec) -> EncoderDecoder:
    """UPerNet on the encoder of `spec`."""
    encoder, options = encoder_and_options(spec, OPTIONS)
    return EncoderDecoder(spec, encoder, UPerDecoder(encoder, options["width"], auxiliary=options["auxiliary"]))


class UPerDecoder(Decoder):
    """Features at 1/4 of the frame; in training also those for the auxiliary head."""

    def __init__(self, encoder: FeaturePyramid, width: int, *, auxiliary: bool) -> None:
        *finer, last = encoder.widths[-4:]
        aside = AuxiliaryFeatures(finer[-1]) if auxiliary else None
        super().__init__((width,) if aside is None else (width, aside.width), stride=4, pools_frame=True)
        self.pooling = PyramidPooling(last, width)
        self.lateral = nn.ModuleList(PointBlock(inputs, width) for inputs in finer)
        self.smooth = nn.ModuleList(ConvBlock(width, width) for _ in finer)
        self.join = nn.Sequential(ConvBlock(4 * width, width), nn.Dropout2d(DROPOUT))
        self.aside = aside

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        *finer, last = levels[-4:]
        features = self.pooling(last)
        quarter = [enlarged(features, 8)]
        for depth in (2, 1, 0):  # 1/16, 1/8, 1/4
            features = self.lateral[depth](finer[depth]) + enlarged(features, 2)
            quarter.append(enlarged(self.smooth[depth](features), 2**depth))
        joined = self.join(torch.cat(quarter, dim=1))
        if self.aside is None or not self.training:
            return [joined]
        return [joined, self.aside(finer[-1])]
