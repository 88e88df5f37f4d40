"""The smallest query networks there are, and answers to compare losses on."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from segwright.models import NetworkSpec
from segwright.models.query import QueryOutput, SegmentTargets

MASK2FORMER = {
    "queries": 6,
    "width": 32,
    "heads": 4,
    "layers": 2,
    "feedforward": 32,
    "pixel_layers": 1,
    "pixel_feedforward": 32,
    "points": 256,
}
EOMT = {"queries": 6, "width": 32, "heads": 2, "blocks": 3, "query_blocks": 2, "image_size": 64, "points": 256}
CASES = [
    ("mask2former", "test_resnet"),
    ("mask2former", "swin_micro"),
    ("eomt", "dinov2_tiny"),
    ("eomt", "dinov3_tiny"),
]


def spec(network: str, encoder: str, channels: int = 3, bands: int = 3, **options: Any) -> NetworkSpec:
    usual = MASK2FORMER if network == "mask2former" else EOMT
    return NetworkSpec(network, encoder, bands, channels, options={**usual, **options})


def answer(frames: int = 2, queries: int = 5, channels: int = 3, side: int = 8, seed: int = 0) -> QueryOutput:
    """Random answers that take gradients, float64, masks at the frame's own size."""
    generator = torch.Generator().manual_seed(seed)
    said = torch.randn(frames, queries, channels + 1, generator=generator, dtype=torch.float64)
    masks = 2 * torch.randn(frames, queries, side, side, generator=generator, dtype=torch.float64)
    return QueryOutput(said.requires_grad_(), masks.requires_grad_())


def segments(count: int, side: int = 8, channels: int = 3, void: Tensor | None = None, seed: int = 1) -> SegmentTargets:
    """Random, overlapping segments."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.rand(count, side, side, generator=generator) > 0.5
    ignored = torch.zeros(side, side, dtype=torch.bool) if void is None else void
    return SegmentTargets.of_masks(torch.randint(channels, (count,), generator=generator), masks, ignored)
