"""The feature pyramid (FPN) over any timm encoder: torchvision's, from 1/4 of the frame upwards."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool, LastLevelP6P7

from segwright.models.encoder import Encoder

# pool: P2 to P6, as Mask R-CNN and SOLOv2 use it. convolve: P3 to P7, as RetinaNet and YOLACT do.
Levels = Literal["pool", "convolve"]


class Pyramid(nn.Module):
    """Features (batch, width, height, width_px), fine to coarse, at the strides `strides`, all with `width` channels.

    Source: Lin et al. 2017, "Feature pyramid networks for object detection", section 3.
    """

    def __init__(self, encoder: Encoder, width: int, levels: Levels) -> None:
        super().__init__()
        self.first = 1 if levels == "pool" else 2  # of the encoder's levels at 1/2, 1/4, ...
        widths = list(encoder.widths[self.first :])
        extra = LastLevelMaxPool() if levels == "pool" else LastLevelP6P7(width, width)
        self.fpn = FeaturePyramidNetwork(widths, width, extra_blocks=extra)
        self.width = width
        finest, last = encoder.strides[self.first], encoder.strides[-1]
        more = (last * 2,) if levels == "pool" else (last * 2, last * 4)
        self.strides: tuple[int, ...] = (*(s for s in encoder.strides if s >= finest), *more)

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        named = {str(level): feature for level, feature in enumerate(features[self.first :])}
        return list(self.fpn(named).values())


class ConvNormAct(nn.Sequential):
    """3x3 convolution, group norm, ReLU: batches of one or two frames have no statistics worth a batch norm."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int = 3) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel_size, padding=kernel_size // 2, bias=False),
            nn.GroupNorm(groups_of(outputs), outputs),
            nn.ReLU(inplace=True),
        )


class SummedLevels(nn.Module):
    """P2 to P5 as one map (batch, outputs, height / 4, width / 4): each level brought up by convolutions, then added.

    A level at 1/8 has one convolution and doubling, one at 1/32 three. With `coordinates` the coarsest is told where
    it is.

    Source: Kirillov et al. 2019, "Panoptic feature pyramid networks", figure 3.
    """

    def __init__(self, width: int, outputs: int, *, coordinates: bool) -> None:
        super().__init__()
        self.coordinates = coordinates
        coarsest = width + 2 if coordinates else width
        self.finest = ConvNormAct(width, outputs)
        self.steps = nn.ModuleList(
            nn.Sequential(*(_Doubled(inputs if step == 0 else outputs, outputs) for step in range(level)))
            for level, inputs in ((1, width), (2, width), (3, coarsest))
        )

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        finest, *middle, coarsest = pyramid[:4]
        coarser = [*middle, with_coordinates(coarsest) if self.coordinates else coarsest]
        total = self.finest(finest)
        for features, step in zip(coarser, self.steps, strict=True):
            total = total + step(features)
        return total


class _Doubled(nn.Sequential):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            ConvNormAct(inputs, outputs), nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False)
        )


def with_coordinates(features: Tensor) -> Tensor:
    """The features with x and y in -1..1 of the frame, at pixel centres, as two more channels."""
    batch, _, height, width = features.shape
    x = (torch.arange(width, device=features.device, dtype=features.dtype) + 0.5) * (2 / width) - 1
    y = (torch.arange(height, device=features.device, dtype=features.dtype) + 0.5) * (2 / height) - 1
    grid = torch.stack([x.expand(height, width), y[:, None].expand(height, width)])
    return torch.cat([features, grid.expand(batch, -1, -1, -1)], dim=1)


def groups_of(width: int) -> int:
    """The largest number of groups that divides `width`, up to 32 and of 4 channels or more: one value has no norm."""
    return next(groups for groups in range(max(1, min(32, width // 4)), 0, -1) if width % groups == 0)
