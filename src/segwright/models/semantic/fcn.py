"""FCN (Long et al. 2015, figure 3): a class score at 1/32 of the frame, refined by the scores of finer levels.

    1/32  3x3, dropout ─ score ─ up x2 ┐
    1/16  ───────────── score ──────── + ─ up x2 ┐
    1/8   ───────────── score ────────────────── + ─ x8 bilinear        (variant 8s; 16s and 32s stop earlier)

The ups between scores are learned, and start as bilinear interpolation, as in the paper. Its tail of two 4096 wide
layers is VGG's classifier; on other encoders a 3x3 convolution to a quarter of the width stands for it, as torchvision
has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from segwright.models.feature_pyramid import FeaturePyramid
from segwright.models.options import Option
from segwright.models.segmentation_network import expected_logits, set_bias
from segwright.models.semantic.blocks import ConvBlock
from segwright.models.semantic.encoder_decoder import EncodedNetwork, encoder_and_options, enlarged
from segwright.models.spec import NetworkSpec

SKIPS = {"32s": 0, "16s": 1, "8s": 2}
OPTIONS = {"variant": Option("8s", "the finest level that scores: 1/8, 1/16 or 1/32 of the frame", tuple(SKIPS))}
NARROWER = 4
DROPOUT = 0.1


def fcn(spec: NetworkSpec) -> FCN:
    """FCN-8s, -16s or -32s on the encoder of `spec`."""
    encoder, options = encoder_and_options(spec, OPTIONS, last_levels_only=True)
    return FCN(spec, encoder, skips=SKIPS[options["variant"]])


class FCN(EncodedNetwork):
    """Sums of scores, coarse to fine; `scores[0]` is the coarsest."""

    def __init__(self, spec: NetworkSpec, encoder: FeaturePyramid, *, skips: int) -> None:
        super().__init__(spec, encoder)
        *others, deepest = encoder.widths
        width = max(1, deepest // NARROWER)
        self.tail = nn.Sequential(ConvBlock(deepest, width), nn.Dropout2d(DROPOUT))
        widths = [width, *others[::-1][:skips]]
        self.scores = nn.ModuleList(nn.Conv2d(inputs, spec.channels, kernel_size=1) for inputs in widths)
        self.ups = nn.ModuleList(bilinear_up(spec.channels) for _ in range(skips))

    def forward(self, frames: Tensor) -> Tensor:
        *skips, deepest = self.encoder(frames)
        total = self.scores[0](self.tail(deepest))
        for up, score, skip in zip(self.ups, list(self.scores)[1:], skips[::-1], strict=False):
            total = up(total) + score(skip)
        return enlarged(total, 32 // 2 ** len(self.ups))

    @property
    def class_layers(self) -> list[nn.Conv2d]:
        return [cast("nn.Conv2d", score) for score in self.scores]

    def expect(self, shares: Sequence[float]) -> None:
        """See `SegmentationNetwork`: the finest score says it, the coarser ones, which are added, say nothing."""
        *coarser, finest = self.class_layers
        set_bias(finest, expected_logits(shares))
        for layer in coarser:
            set_bias(layer, torch.zeros(len(shares)))


def bilinear_up(channels: int) -> nn.ConvTranspose2d:
    """Twice the size by a transposed convolution that starts as bilinear interpolation, each channel by itself."""
    up = nn.ConvTranspose2d(channels, channels, kernel_size=4, stride=2, padding=1, bias=False)
    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    with torch.no_grad():
        up.weight.zero_()
        up.weight[range(channels), range(channels)] = line[:, None] * line
    return up
