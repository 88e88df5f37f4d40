"""Semantic FPN (Kirillov et al. 2019, Panoptic Feature Pyramid Networks, figure 3) on a feature pyramid.

1/32 ─ 1x1 ───── P5 ─ (3x3, group norm, ReLU, x2) three times ┐
1/16 ─ 1x1 + ↓ ─ P4 ─ twice ───────────────────────────────── + ─ features at 1/4
1/8  ─ 1x1 + ↓ ─ P3 ─ once ────────────────────────────────── +
1/4  ─ 1x1 + ↓ ─ P2 ─ (3x3, group norm, ReLU) ─────────────── +
"""

from __future__ import annotations

from itertools import chain

from torch import Tensor, nn
from torch.nn import functional as F

from segwright.models.feature_pyramid import FeaturePyramid
from segwright.models.semantic.encoder_decoder import Decoder, EncoderDecoder, encoder_and_options
from segwright.models.spec import NetworkSpec

PYRAMID_WIDTH = 256
WIDTH = 128
GROUPS = 32
DROPOUT = 0.2


def fpn(spec: NetworkSpec) -> EncoderDecoder:
    """A feature pyramid network with a semantic branch on the encoder of `spec`."""
    encoder, _ = encoder_and_options(spec, {})
    return EncoderDecoder(spec, encoder, FPNDecoder(encoder))


class FPNDecoder(Decoder):
    """Features at 1/4 of the frame, the sum of four levels brought there step by step."""

    def __init__(self, encoder: FeaturePyramid) -> None:
        super().__init__((WIDTH,), stride=4)
        self.lateral = nn.ModuleList(nn.Conv2d(width, PYRAMID_WIDTH, kernel_size=1) for width in encoder.widths[-4:])
        self.branches = nn.ModuleList(Branch(doublings) for doublings in range(4))
        self.dropout = nn.Dropout2d(DROPOUT)

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        *finer, features = [lateral(level) for lateral, level in zip(self.lateral, levels[-4:], strict=True)]
        merged = [features]
        for level in reversed(finer):
            merged.append(level + F.interpolate(merged[-1], scale_factor=2.0, mode="nearest"))
        quarter = [branch(level) for branch, level in zip(self.branches, reversed(merged), strict=True)]
        return [self.dropout(sum(quarter[1:], start=quarter[0]))]


class Branch(nn.Sequential):
    """A level's way to 1/4 of the frame: `doublings` times a convolution and twice the size; without any, one."""

    def __init__(self, doublings: int) -> None:
        inputs = [PYRAMID_WIDTH, *[WIDTH] * (max(doublings, 1) - 1)]
        steps = ([*_convolved(width), *_doubled()] if doublings else _convolved(width) for width in inputs)
        super().__init__(*chain.from_iterable(steps))


def _convolved(inputs: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, WIDTH, kernel_size=3, padding=1, bias=False)
    return [convolution, nn.GroupNorm(GROUPS, WIDTH), nn.ReLU(inplace=True)]


def _doubled() -> list[nn.Module]:
    return [nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False)]
