"""U-Net on a pretrained encoder (Ronneberger et al. 2015, figure 1), with a skip at full resolution.

Encoders from image classification start with a stride-2 layer, so their finest feature map has half the frame's
resolution; scratches of 1-4 px are decided above that. `detail` gives the decoder the frame's own pixels once more.

    frame  ── detail ─────────────────────────── block 1/1 ─ head
      └ 1/2 ─────────────────────────────── block 1/2 ┘
         └ 1/4 ──────────────────────── block 1/4 ┘
            └ 1/8 ───────────────── block 1/8 ┘
               └ 1/16 ───────── block 1/16 ┘
                  └ 1/32 ───────────┘
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segwright.models.feature_pyramid import FeaturePyramid
from segwright.models.options import Option
from segwright.models.semantic.blocks import ConvBlock
from segwright.models.semantic.encoder_decoder import Decoder, EncoderDecoder, encoder_and_options
from segwright.models.spec import NetworkSpec

DETAIL_WIDTH = 16
STEM_WIDTH = 32
SUPERVISED = 3  # levels below the finest that answer too: 1/2, 1/4, 1/8
DEEP_SUPERVISION = Option(
    default=False,
    about="in training the decoder's coarser levels answer too, each for half as much",
    choices=(False, True),
)
OPTIONS = {"deep_supervision": DEEP_SUPERVISION}


def unet(spec: NetworkSpec) -> EncoderDecoder:
    """U-Net on the encoder of `spec`."""
    encoder, options = encoder_and_options(spec, OPTIONS)
    return EncoderDecoder(spec, encoder, UNetDecoder(encoder, spec, deep_supervision=options["deep_supervision"]))


class UNetDecoder(Decoder):
    """Features `(batch, width, height, width)` at the frame's size from the frame and its pyramid (fine to coarse).

    `gate(below, skip)` builds what lets a skip of the encoder through: a module of the skip and the features below.
    """

    def __init__(
        self,
        encoder: FeaturePyramid,
        spec: NetworkSpec,
        *,
        deep_supervision: bool,
        gate: Callable[[int, int], nn.Module] | None = None,
    ) -> None:
        widths = spec.decoder_widths
        super().__init__(supervised_widths(widths, deep_supervision=deep_supervision), stride=1)
        half = () if encoder.strides[0] == 2 else (STEM_WIDTH,)
        *skips, deepest = (*half, *encoder.widths)
        inputs = [deepest, *widths[:-1]]
        skip_widths = [*reversed(skips), DETAIL_WIDTH]
        self.detail = ConvBlock(spec.bands, DETAIL_WIDTH)
        self.blocks = nn.ModuleList(
            UpBlock(below, skip, width) for below, skip, width in zip(inputs, skip_widths, widths, strict=True)
        )
        self.stem = HalfStem(spec.bands) if half else None
        gated = (
            [] if gate is None else [gate(below, skip) for below, skip in zip(inputs, skip_widths[:-1], strict=False)]
        )
        self.gates = nn.ModuleList(gated)

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        frames, *pyramid = levels
        if self.stem is not None:
            pyramid = [self.stem(frames), *pyramid]
        *skips, features = pyramid
        maps = []
        for depth, skip in enumerate([*reversed(skips), self.detail(frames)]):
            through = self.gates[depth](skip, features) if depth < len(self.gates) else skip
            features = self.blocks[depth](features, through)
            maps.append(features)
        return maps[::-1][: len(self.widths)]


def supervised_widths(widths: tuple[int, ...], *, deep_supervision: bool) -> tuple[int, ...]:
    """How wide the maps are that answers are read from, fine to coarse; `widths` are those of all, coarse to fine."""
    return widths[::-1][: 1 + SUPERVISED] if deep_supervision else widths[-1:]


class HalfStem(nn.Sequential):
    """Features at 1/2 of the frame, for encoders whose first layer goes to 1/4 at once (ConvNeXt, Swin, MiT, ViT)."""

    def __init__(self, bands: int) -> None:
        super().__init__(ConvBlock(bands, STEM_WIDTH, stride=2), ConvBlock(STEM_WIDTH, STEM_WIDTH))


class UpBlock(nn.Module):
    """Double the resolution, join the encoder's features of that resolution, mix with two convolutions."""

    def __init__(self, below: int, skip: int, width: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(ConvBlock(below + skip, width), ConvBlock(width, width))

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:
        return self.mix(torch.cat([F.interpolate(features, scale_factor=2.0, mode="nearest"), skip], dim=1))
