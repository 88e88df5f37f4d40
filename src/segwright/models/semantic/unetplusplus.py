"""U-Net++ (Zhou et al. 2018, figure 1a) on a pretrained encoder: nested skips instead of plain ones.

Between the encoder's level X(i,0) and the decoder lie nodes, each of which joins all earlier nodes of its level and
the one below, enlarged:

    1/2   X10 ─ X11 ─ X12 ─ X13 ─ X14 ─ with the frame's own pixels: block 1/1 ─ head
    1/4   X20 ─ X21 ─ X22 ─ X23
    1/8   X30 ─ X31 ─ X32            X(i,j) = two convolutions of [X(i,0), ..., X(i,j-1), X(i+1,j-1) enlarged]
    1/16  X40 ─ X41
    1/32  X50

With deep supervision the nodes X12 to X14 answer too, as in the paper's figure 1c.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segwright.models.feature_pyramid import FeaturePyramid
from segwright.models.semantic.blocks import ConvBlock
from segwright.models.semantic.encoder_decoder import Decoder, EncoderDecoder, encoder_and_options
from segwright.models.semantic.unet import DEEP_SUPERVISION, DETAIL_WIDTH, STEM_WIDTH, SUPERVISED, HalfStem, UpBlock
from segwright.models.spec import NetworkSpec

OPTIONS = {"deep_supervision": DEEP_SUPERVISION}


def unetplusplus(spec: NetworkSpec) -> EncoderDecoder:
    """U-Net++ on the encoder of `spec`."""
    encoder, options = encoder_and_options(spec, OPTIONS)
    return EncoderDecoder(spec, encoder, NestedDecoder(encoder, spec, deep_supervision=options["deep_supervision"]))


class NestedDecoder(Decoder):
    """Features at the frame's size from nested nodes; `nodes[level][number - 1]` is X(level, number)."""

    def __init__(self, encoder: FeaturePyramid, spec: NetworkSpec, *, deep_supervision: bool) -> None:
        *levels, finest = spec.decoder_widths  # of the nodes at 1/16, 1/8, 1/4, 1/2 and of the last block
        widths = levels[::-1]
        super().__init__((finest, *[widths[0]] * (SUPERVISED if deep_supervision else 0)), stride=1)
        half = () if encoder.strides[0] == 2 else (STEM_WIDTH,)
        given = (*half, *encoder.widths)
        self.nodes = nn.ModuleList(
            nn.ModuleList(
                Node(given[level] + (number - 1) * width + (given if number == 1 else widths)[level + 1], width)
                for number in range(1, len(widths) + 1 - level)
            )
            for level, width in enumerate(widths)
        )
        self.detail = ConvBlock(spec.bands, DETAIL_WIDTH)
        self.last = UpBlock(widths[0], DETAIL_WIDTH, finest)
        self.stem = HalfStem(spec.bands) if half else None

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        frames, *pyramid = levels
        if self.stem is not None:
            pyramid = [self.stem(frames), *pyramid]
        rows = [[features] for features in pyramid]
        for number in range(1, len(rows)):
            for level in range(len(rows) - number):
                node = self.nodes[level][number - 1]  # type: ignore[index]
                rows[level].append(node(rows[level], rows[level + 1][number - 1]))
        finest = self.last(rows[0][-1], self.detail(frames))
        return [finest, *rows[0][:1:-1]][: len(self.widths)]


class Node(nn.Module):
    """All earlier nodes of a level and the enlarged one below, mixed by two convolutions."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(ConvBlock(inputs, width), ConvBlock(width, width))

    def forward(self, row: list[Tensor], below: Tensor) -> Tensor:
        return self.mix(torch.cat([*row, F.interpolate(below, scale_factor=2.0, mode="nearest")], dim=1))
