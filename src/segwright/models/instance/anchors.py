"""Anchor boxes: the same few shapes at every cell of every pyramid level."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Anchors(nn.Module):
    """Boxes (anchors, 4) px of all levels, fine to coarse, for features at `strides`; row by row, shapes last.

    shapes: one (shapes, 4) tensor a level, boxes around the origin. Centres are `offset` of a cell from its corner.
    """

    def __init__(self, shapes: Sequence[Tensor], strides: Sequence[int], *, offset: float) -> None:
        super().__init__()
        self.strides = tuple(strides)
        self.offset = offset
        self.shapes: Tensor
        self.register_buffer("shapes", torch.stack(list(shapes)), persistent=False)

    @property
    def per_cell(self) -> int:
        """How many anchors each cell has."""
        return self.shapes.shape[1]

    def forward(self, pyramid: list[Tensor]) -> list[Tensor]:
        """One (cells * shapes, 4) a level of the pyramid (batch, width, height, width)."""
        return [
            self._level(features, shapes, stride)
            for features, shapes, stride in zip(pyramid, self.shapes, self.strides, strict=True)
        ]

    def _level(self, features: Tensor, shapes: Tensor, stride: int) -> Tensor:
        height, width = features.shape[-2:]
        x = (torch.arange(width, device=shapes.device, dtype=shapes.dtype) + self.offset) * stride
        y = (torch.arange(height, device=shapes.device, dtype=shapes.dtype) + self.offset) * stride
        centres = torch.stack([x.expand(height, width), y[:, None].expand(height, width)], dim=-1)
        return (centres.repeat(1, 1, 2)[:, :, None] + shapes).reshape(-1, 4)


def per_anchor(predictions: list[Tensor], values: int) -> Tensor:
    """Predictions (batch, shapes * values, height, width) a level as (batch, anchors, values), in anchors' order."""
    parts = []
    for level in predictions:
        batch, _, height, width = level.shape
        split = level.reshape(batch, -1, values, height, width).permute(0, 3, 4, 1, 2)
        parts.append(split.reshape(batch, -1, values))
    return torch.cat(parts, dim=1)


def clipped(boxes: Tensor, frames: Tensor) -> Tensor:
    """Boxes (..., 4) cut at the edges of frames (batch, bands, height, width)."""
    height, width = frames.shape[-2:]
    x, y = boxes[..., 0::2].clamp(0, width), boxes[..., 1::2].clamp(0, height)
    return torch.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1]], dim=-1)


def decoded(codes: Tensor, anchors: Tensor, weights: tuple[float, float, float, float], limit: float) -> Tensor:
    """The boxes (..., 4) that codes (..., 4) make of anchors (..., 4); a side grows at most by exp(limit).

    Codes are the shift of the centre over the anchor's side and the log of the ratio of sides, each times its weight.
    Source: Girshick et al. 2014 (R-CNN), appendix C; equal to torchvision's `BoxCoder.decode_single`, and with weights
    (10, 10, 5, 5) to YOLACT's `box_utils.py: decode`, whose variances are 0.1 and 0.2.
    """
    spans = anchors[..., 2:] - anchors[..., :2]
    centres = anchors[..., :2] + spans / 2
    scale = codes.new_tensor(weights)
    centres = centres + codes[..., :2] / scale[:2] * spans
    half = (codes[..., 2:] / scale[2:]).clamp(max=limit).exp() * spans / 2
    return torch.cat([centres - half, centres + half], dim=-1)
