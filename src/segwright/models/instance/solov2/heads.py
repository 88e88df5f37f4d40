"""SOLOv2's two branches: what is in each cell and which kernel finds it; and the features the kernels run on."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segwright.models.instance.pyramid import ConvNormAct, SummedLevels, with_coordinates
from segwright.models.instance.solov2.options import SOLOv2Options

RARE = 0.01  # each cell starts as if 1 in 100 had an object (focal loss, section 3.3)


class CellHead(nn.Module):
    """Class logits (batch, cells, channels) and mask kernels (batch, cells, mask channels) of all grids together.

    The towers are shared by the levels; the kernel's sees the coordinates, the class's does not.

    Source: Wang et al. 2020, "SOLOv2", section 3.1 and figure 2.
    """

    def __init__(self, width: int, channels: int, options: SOLOv2Options) -> None:
        super().__init__()
        self.grids = options.grids
        self.class_tower = _tower(width, options)
        self.kernel_tower = _tower(width + 2, options)
        self.classes = nn.Conv2d(options.head_width, channels, kernel_size=3, padding=1)
        self.kernels = nn.Conv2d(options.head_width, options.mask_channels, kernel_size=3, padding=1)
        _start_small(self)
        assert self.classes.bias is not None
        nn.init.constant_(self.classes.bias, -math.log((1 - RARE) / RARE))

    def forward(self, pyramid: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        """Class logits one grid (batch, channels, grid, grid) a level, and the kernels of all cells."""
        classes, kernels = [], []
        for features, grid in zip(_resized(pyramid), self.grids, strict=True):
            cells = F.interpolate(with_coordinates(features), size=(grid, grid), mode="bilinear", align_corners=False)
            classes.append(self.classes(self.class_tower(cells[:, :-2])))
            kernels.append(self.kernels(self.kernel_tower(cells)).flatten(2))
        return classes, torch.cat(kernels, dim=2).transpose(1, 2)


class MaskFeatures(nn.Sequential):
    """Mask features (batch, mask channels, height / 4, width / 4), one map for all objects, from P2 to P5.

    Source: Wang et al. 2020, "SOLOv2", section 3.2 (mask feature branch): the coarsest level is told where it is.
    """

    def __init__(self, width: int, options: SOLOv2Options) -> None:
        super().__init__(
            SummedLevels(width, options.mask_width, coordinates=True),
            ConvNormAct(options.mask_width, options.mask_channels, kernel_size=1),
        )
        _start_small(self)


def _start_small(module: nn.Module) -> None:
    """Every convolution of both branches starts with weights of spread 0.01 and no bias.

    Source: `solov2_head.py` and `mask_feat_head.py: init_weights`.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.01)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _tower(inputs: int, options: SOLOv2Options) -> nn.Sequential:
    widths = [inputs, *[options.head_width] * options.head_depth]
    return nn.Sequential(*(ConvNormAct(a, b) for a, b in pairwise(widths)))


def _resized(pyramid: list[Tensor]) -> list[Tensor]:
    """P2 halved and P6 doubled: five levels at 1/8, 1/8, 1/16, 1/32 and 1/32, as the published network has them."""
    finest, *middle, coarsest = pyramid
    halved = F.interpolate(finest, scale_factor=0.5, mode="bilinear", align_corners=False)
    return [halved, *middle, F.interpolate(coarsest, size=middle[-1].shape[-2:], mode="bilinear", align_corners=False)]
