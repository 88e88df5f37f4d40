"""Pyramid pooling (Zhao et al. 2017, PSPNet, figure 3): means over 1x1, 2x2, 3x3 and 6x6 regions of a map.

Torch's adaptive pooling cannot be exported with free height and width: the regions would have to be known. Here they
are worked out from the size when the network runs, as two small matrices, and pooling is their product with the map.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segwright.models.semantic.blocks import ConvBlock, PointBlock

BINS = (1, 2, 3, 6)


class PyramidPooling(nn.Module):
    """A map (batch, inputs, height, width) joined with its means over regions, mixed to `outputs` channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        width = max(1, inputs // len(BINS))
        self.levels = nn.ModuleList(PointBlock(inputs, width) for _ in BINS)
        self.mix = ConvBlock(inputs + len(BINS) * width, outputs)

    def forward(self, features: Tensor) -> Tensor:
        size = features.shape[-2:]
        pooled = [
            F.interpolate(level(pooled_to(features, bins)), size=size, mode="bilinear", align_corners=False)
            for bins, level in zip(BINS, self.levels, strict=True)
        ]
        return self.mix(torch.cat([features, *pooled], dim=1))


def pooled_to(features: Tensor, bins: int) -> Tensor:
    """The means (batch, channels, bins, bins) of a map's regions: `adaptive_avg_pool2d`, for any size at run time."""
    height, width = features.shape[-2:]
    rows, columns = (_region_shares(length, bins, features) for length in (height, width))
    return rows @ features @ columns.T


def _region_shares(length: int, bins: int, like: Tensor) -> Tensor:
    """(bins, length): row b says how much each position counts in region b, which goes from b * length // bins up to

    (b + 1) * length / bins, rounded up, so that neighbouring regions may share a position.
    """
    positions = torch.arange(length, device=like.device)
    regions = torch.arange(bins, device=like.device)[:, None]
    starts = torch.div(regions * length, bins, rounding_mode="floor")
    ends = torch.div((regions + 1) * length + bins - 1, bins, rounding_mode="floor")
    inside = ((positions >= starts) & (positions < ends)).to(like.dtype)
    return inside / inside.sum(dim=1, keepdim=True)
