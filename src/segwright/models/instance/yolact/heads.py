"""YOLACT's two parallel parts: prototypes of the frame, and for each anchor its class, box and coefficients."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segwright.models.instance.anchors import Anchors, per_anchor
from segwright.models.instance.yolact.options import YOLACTOptions


class Predictions(NamedTuple):
    """What is said of every anchor of a batch, and of the frame.

    classes (batch, anchors, 1 + channels), the background first; codes (batch, anchors, 4); coefficients (batch,
    anchors, prototypes) in -1..1; prototypes (batch, prototypes, height / 4, width / 4), 0 or more; anchors
    (anchors, 4) px; semantic (batch, channels, height / 8, width / 8) logits, for the loss alone.
    """

    classes: Tensor
    codes: Tensor
    coefficients: Tensor
    prototypes: Tensor
    anchors: Tensor
    semantic: Tensor


class AnchorHead(nn.Module):
    """Class logits, box codes and coefficients of every anchor, one head for all levels.

    Source: Bolya et al. 2019, "YOLACT", section 3.2 and figure 4.
    """

    def __init__(self, width: int, channels: int, shapes: int, prototypes: int) -> None:
        super().__init__()
        self.outputs = (1 + channels, 4, prototypes)
        self.shared = _convolution(width, width)
        self.classes = _convolution(width, shapes * (1 + channels))
        self.codes = _convolution(width, shapes * 4)
        self.coefficients = _convolution(width, shapes * prototypes)

    def forward(self, pyramid: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        features = [F.relu(self.shared(level)) for level in pyramid]
        classes, codes, coefficients = (
            per_anchor([layer(level) for level in features], values)
            for layer, values in zip((self.classes, self.codes, self.coefficients), self.outputs, strict=True)
        )
        return classes, codes, coefficients.tanh()


class Protonet(nn.Module):
    """Prototypes (batch, prototypes, height / 4, width / 4), 0 or more, from the finest level, at 1/8.

    Source: Bolya et al. 2019, "YOLACT", section 3.1 and figure 3.
    """

    def __init__(self, width: int, prototypes: int) -> None:
        super().__init__()
        self.before = nn.ModuleList(_convolution(width, width) for _ in range(3))
        self.after = _convolution(width, width)
        self.prototypes = nn.Conv2d(width, prototypes, kernel_size=1)
        nn.init.xavier_uniform_(self.prototypes.weight)

    def forward(self, features: Tensor) -> Tensor:
        for layer in self.before:
            features = F.relu(layer(features))
        features = F.relu(F.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False))
        return F.relu(self.prototypes(F.relu(self.after(features))))


def anchors_of(options: YOLACTOptions, strides: tuple[int, ...]) -> Anchors:
    """Anchors centred on the cells, one size a level, in each aspect ratio (width over height) of one area."""
    shapes = []
    for side in options.anchor_sizes_px:
        halves = [(side * math.sqrt(ratio) / 2, side / math.sqrt(ratio) / 2) for ratio in options.aspect_ratios]
        shapes.append(torch.tensor([[-x, -y, x, y] for x, y in halves]))
    return Anchors(shapes, strides, offset=0.5)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)
    nn.init.xavier_uniform_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
