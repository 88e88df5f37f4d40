"""LR-ASPP (Howard et al. 2019, MobileNetV3, figure 10): the lightest head, made for MobileNetV3 on small devices.

    last map at 1/16 ─┬─ 1x1, batch norm, ReLU ────────── x ─ enlarged to 1/8 ─ score ┐
                      └─ mean of the frame ─ 1x1, sigmoid ┘                           + ─ enlarged x8
    1/8 ───────────────────────────────────────────────────────────────────── score ──┘

The gate takes the mean of the whole frame, as torchvision has it, not of 49 px windows as in the figure.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segwright.models.feature_pyramid import FeaturePyramid
from segwright.models.options import Option
from segwright.models.segmentation_network import expected_logits, set_bias
from segwright.models.semantic.blocks import PointBlock
from segwright.models.semantic.encoder_decoder import EncodedNetwork, encoder_and_options, enlarged
from segwright.models.spec import NetworkSpec

OPTIONS = {
    "output_stride": Option(
        16, "the encoder's coarsest features, as a share of the frame; 32 takes encoders without dilation", (16, 32)
    ),
    "width": Option(128, "channels of the context", least=8),
}


def lraspp(spec: NetworkSpec) -> LRASPP:
    """LR-ASPP on the encoder of `spec`, whose last stride becomes a dilation."""
    encoder, options = encoder_and_options(spec, OPTIONS, last_levels_only=True)
    return LRASPP(spec, encoder, options["width"])


class LRASPP(EncodedNetwork):
    """The sum of a fine and a coarse score."""

    def __init__(self, spec: NetworkSpec, encoder: FeaturePyramid, width: int) -> None:
        super().__init__(spec, encoder)
        self.eighth = encoder.strides.index(8)
        self.context = PointBlock(encoder.widths[-1], width)
        self.gate = nn.Conv2d(encoder.widths[-1], width, kernel_size=1, bias=False)
        self.fine_score = nn.Conv2d(encoder.widths[self.eighth], spec.channels, kernel_size=1)
        self.coarse_score = nn.Conv2d(width, spec.channels, kernel_size=1)

    def forward(self, frames: Tensor) -> Tensor:
        pyramid = self.encoder(frames)
        last = pyramid[-1]
        context = self.context(last) * self.gate(last.mean((2, 3), keepdim=True)).sigmoid()
        coarse = self.coarse_score(enlarged(context, self.encoder.strides[-1] // 8))
        return enlarged(self.fine_score(pyramid[self.eighth]) + coarse, 8)

    @property
    def class_layers(self) -> list[nn.Conv2d]:
        return [self.fine_score, self.coarse_score]

    def expect(self, shares: Sequence[float]) -> None:
        """See `SegmentationNetwork`: the fine score says it, the coarse one, which is added, says nothing."""
        set_bias(self.fine_score, expected_logits(shares))
        set_bias(self.coarse_score, torch.zeros(len(shares)))
