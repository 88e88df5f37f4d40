"""Attention U-Net (Oktay et al. 2018, figures 1 and 2) on a pretrained encoder.

Before a skip joins the decoder, an additive gate weighs each of its positions by what the coarser features say:

    skip  (2h, 2w) ─ theta, 2x2 stride 2 ─┐
                                           + ─ ReLU ─ psi ─ sigmoid ─ enlarged ─ x skip ─ 1x1, batch norm
    below (h, w) ─── phi, 1x1 ────────────┘

The skip of the frame's own pixels is not gated: the paper leaves out the first one, which holds no high-level
features to be gated by.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from segwright.models.semantic.encoder_decoder import EncoderDecoder, encoder_and_options
from segwright.models.semantic.unet import DEEP_SUPERVISION, UNetDecoder
from segwright.models.spec import NetworkSpec

OPTIONS = {"deep_supervision": DEEP_SUPERVISION}


def attention_unet(spec: NetworkSpec) -> EncoderDecoder:
    """U-Net with attention gates on the encoder of `spec`."""
    encoder, options = encoder_and_options(spec, OPTIONS)
    decoder = UNetDecoder(encoder, spec, deep_supervision=options["deep_supervision"], gate=AttentionGate)
    return EncoderDecoder(spec, encoder, decoder)


class AttentionGate(nn.Module):
    """Lets through of `skip` (batch, skip, 2 height, 2 width) what `below` (batch, below, height, width) asks for."""

    def __init__(self, below: int, skip: int) -> None:
        super().__init__()
        inner = max(1, skip // 2)
        self.theta = nn.Conv2d(skip, inner, kernel_size=2, stride=2, bias=False)
        self.phi = nn.Conv2d(below, inner, kernel_size=1)
        self.psi = nn.Conv2d(inner, 1, kernel_size=1)
        self.out = nn.Sequential(nn.Conv2d(skip, skip, kernel_size=1), nn.BatchNorm2d(skip))

    def forward(self, skip: Tensor, below: Tensor) -> Tensor:
        return self.out(skip * _resized(self.weights(skip, below), skip))

    def weights(self, skip: Tensor, below: Tensor) -> Tensor:
        """How much of each position goes through, (batch, 1, height, width), 0..1, at the size of `below`."""
        reduced = self.theta(skip)
        return self.psi((reduced + _resized(self.phi(below), reduced)).relu()).sigmoid()


def _resized(features: Tensor, like: Tensor) -> Tensor:
    """`features` at the size of `like`: where it has that size already, an exporter knows so only by this."""
    return F.interpolate(features, size=like.shape[-2:], mode="bilinear", align_corners=False)
