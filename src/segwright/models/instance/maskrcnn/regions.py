"""Features of regions, whatever their size, from the pyramid level that fits them (RoIAlign)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torchvision.ops import roi_align

CANONICAL_SIDE, CANONICAL_LEVEL = 224.0, 2  # a region of ImageNet's size is pooled from P4, the third level
SAMPLES = 2  # a side of a cell


def region_features(pyramid: list[Tensor], boxes: Tensor, image: Tensor, size: int, strides: tuple[int, ...]) -> Tensor:
    """Features (regions, width, size, size) of boxes (regions, 4) px in the images `image` (regions,) of the batch.

    Half-pixel aligned, as Detectron2's RoIAlignV2. In ONNX, where no shape may depend on the boxes, every level pools
    every region and the fitting one is kept; the result is the same.

    Source: He et al. 2017, "Mask R-CNN", section 3; the level by Lin et al. 2017 (FPN), eq. 1.
    """
    levels = levels_of(boxes, len(strides))
    regions = torch.cat([image.to(boxes.dtype)[:, None], boxes], dim=1)
    if torch.compiler.is_exporting():
        return _pooled_everywhere(pyramid, regions, levels, size, strides)
    pooled = pyramid[0].new_zeros(len(boxes), pyramid[0].shape[1], size, size)
    for level, (features, stride) in enumerate(zip(pyramid, strides, strict=False)):
        here = (levels == level).nonzero().flatten()
        pooled = pooled.index_copy(0, here, _pooled(features, regions[here], size, stride))
    return pooled


def levels_of(boxes: Tensor, levels: int) -> Tensor:
    """The level (regions,) of the pyramid for each box (regions, 4): one coarser each time its side doubles."""
    side = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-6).prod(1).sqrt()
    level = (CANONICAL_LEVEL + (side / CANONICAL_SIDE).log2() + 1e-6).floor()
    return level.clamp(0, levels - 1).to(torch.int64)


def _pooled_everywhere(
    pyramid: list[Tensor], regions: Tensor, levels: Tensor, size: int, strides: tuple[int, ...]
) -> Tensor:
    pooled = _pooled(pyramid[0], regions, size, strides[0])
    for level in range(1, len(strides)):
        fits = (levels == level)[:, None, None, None]
        pooled = torch.where(fits, _pooled(pyramid[level], regions, size, strides[level]), pooled)
    return pooled


def _pooled(features: Tensor, regions: Tensor, size: int, stride: int) -> Tensor:
    return roi_align(
        features,
        regions.to(features.dtype),
        (size, size),
        spatial_scale=math.pow(stride, -1),
        sampling_ratio=SAMPLES,
        aligned=True,
    )


def flat_regions(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes (batch, n, 4) as (batch * n, 4), and the image of each (batch * n,)."""
    batch, count = boxes.shape[:2]
    image = torch.arange(batch, device=boxes.device)[:, None].expand(batch, count)
    return boxes.reshape(-1, 4), image.reshape(-1)
