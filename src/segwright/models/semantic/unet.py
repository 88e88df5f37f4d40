"""U-Net's decoder on a pretrained pyramid (Ronneberger et al. 2015, figure 1), with a skip at full resolution.

Encoders from image classification start with a stride-2 layer, so their finest feature map has half the frame's
resolution; scratches of 1-4 px are decided above that. `detail` gives the decoder the frame's own pixels once more.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segwright.models.encoder import Encoder
from segwright.models.options import Option, resolve_options
from segwright.models.semantic.encoder_decoder import Decoder, EncoderDecoder
from segwright.models.spec import NetworkSpec

DETAIL_WIDTH = 16
OPTIONS: dict[str, Option] = {}


def unet(spec: NetworkSpec) -> EncoderDecoder:
    """U-Net on the encoder of `spec`."""
    resolve_options(spec, OPTIONS)
    encoder = Encoder(spec.encoder, spec.bands)
    return EncoderDecoder(spec, encoder, UNetDecoder(encoder.widths, spec.decoder_widths, spec.bands))


class UNetDecoder(Decoder):
    """Features `(batch, width, height, width)` at the frame's size from the frame and its pyramid (fine to coarse)."""

    def __init__(self, encoder_widths: Sequence[int], widths: Sequence[int], bands: int) -> None:
        super().__init__((widths[-1],), stride=1)
        *skips, deepest = encoder_widths
        inputs = [deepest, *widths[:-1]]
        skip_widths = [*reversed(skips), DETAIL_WIDTH]
        self.detail = ConvBlock(bands, DETAIL_WIDTH)
        self.blocks = nn.ModuleList(
            UpBlock(below, skip, width) for below, skip, width in zip(inputs, skip_widths, widths, strict=True)
        )

    def forward(self, frames: Tensor, pyramid: list[Tensor]) -> list[Tensor]:
        *skips, features = pyramid
        for block, skip in zip(self.blocks, [*reversed(skips), self.detail(frames)], strict=True):
            features = block(features, skip)
        return [features]


class UpBlock(nn.Module):
    """Double the resolution, join the encoder's features of that resolution, mix with two convolutions."""

    def __init__(self, below: int, skip: int, width: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(ConvBlock(below + skip, width), ConvBlock(width, width))

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:
        return self.mix(torch.cat([F.interpolate(features, scale_factor=2.0, mode="nearest"), skip], dim=1))


class ConvBlock(nn.Sequential):
    """3x3 convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )
