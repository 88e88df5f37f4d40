"""What void and crowd regions leave of the truth: the one place where `InstanceTargets.ignored` is applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.core import ConfigError
from segwright.models.instance.contract import InstanceTargets

# An anchor, a cell or a proposal with more than this share of its area ignored is neither right nor wrong.
MOSTLY = 0.5
CHUNK = 32  # objects worked on at a time: what is needed at once does not grow with the number of objects


def judged(targets: InstanceTargets) -> InstanceTargets:
    """The targets without what is ignored: masks end at it; objects that lie in it whole, or are empty, are gone."""
    if targets.masks is None:
        kept = (ignored_share(targets.boxes, targets.ignored) < 1) & (
            (targets.boxes[:, 2:] > targets.boxes[:, :2]).all(1)
        )
        return InstanceTargets(targets.channels[kept], targets.boxes[kept], None, targets.ignored, targets.seed)
    masks = targets.masks.to(torch.bool)
    if targets.ignored.any():
        masks = masks & ~targets.ignored
    kept = masks.flatten(1).any(1)
    if kept.all():  # the common case needs no copy of all masks
        return InstanceTargets(targets.channels, targets.boxes, masks, targets.ignored, targets.seed)
    return InstanceTargets(targets.channels[kept], targets.boxes[kept], masks[kept], targets.ignored, targets.seed)


def needs_masks(targets: InstanceTargets, network: str) -> None:
    """Raise ConfigError where a network that learns from masks is given boxes only."""
    if targets.masks is None:
        raise ConfigError.of(
            f"model.network: {network}",
            "learns from masks, and these objects have boxes only",
            allowed="objects with masks, or a network that learns from boxes",
            found=f"{len(targets)} objects without masks",
            fix="model.network=solov2 with learn_from boxes (BoxInst)",
        )


def ignored_share(boxes: Tensor, ignored: Tensor) -> Tensor:
    """The share 0..1 (n,) of each box (n, 4), cut at the frame and rounded to whole pixels, that is ignored.

    A box without a pixel in the frame has share 0.
    """
    height, width = ignored.shape
    table = F.pad(ignored.to(torch.float64).cumsum(0).cumsum(1), (1, 0, 1, 0))
    limits = torch.tensor([width, height, width, height], device=boxes.device)
    corners = torch.minimum(boxes.round().clamp(min=0), limits).to(torch.int64)
    x_min, y_min, x_max, y_max = corners.unbind(1)
    inside = table[y_max, x_max] - table[y_min, x_max] - table[y_max, x_min] + table[y_min, x_min]
    area = (x_max - x_min).clamp(min=0) * (y_max - y_min).clamp(min=0)
    return torch.where(area > 0, inside / area.clamp(min=1), 0).to(boxes.dtype)


@dataclass(frozen=True, eq=False)
class CellShares:
    """What each cell holds of each object: `held_px` (objects, rows, columns) uint8 of the `seen_px` (rows, columns).

    Pixels are counted in a byte, and shares are made of them for a few objects at a time: as floats, those of all
    objects of a frame would be the largest thing a loss keeps.
    """

    held_px: Tensor
    seen_px: Tensor

    @property
    def judged(self) -> Tensor:
        """(rows, columns) bool: whether anything is judged there."""
        return self.seen_px > 0

    def of(self, objects: Tensor | slice) -> Tensor:
        """The shares 0..1 (n, rows, columns) float32 of the pixels that are not ignored, of `objects` (n,)."""
        return self.held_px[objects].float() / self.seen_px.clamp(min=1)


def shares_at_stride(targets: InstanceTargets, stride_px: int) -> CellShares:
    """What each cell of stride x stride pixels, up to 15 x 15, holds of targets that have been through `judged`.

    A thin object keeps its share where a threshold would lose it.
    """
    assert targets.masks is not None
    seen = _pixels_a_cell((~targets.ignored)[None], stride_px)[0].float()
    parts = [_pixels_a_cell(targets.masks[part], stride_px) for part in chunks(len(targets))]
    return CellShares(torch.cat(parts) if parts else seen.new_zeros(0, *seen.shape, dtype=torch.uint8), seen)


def _pixels_a_cell(masks: Tensor, stride_px: int) -> Tensor:
    """How many pixels (n, rows, columns) uint8 of masks (n, height, width) are in each cell."""
    return (F.avg_pool2d(masks.float()[None], stride_px)[0] * stride_px**2).round().to(torch.uint8)


def chunks(count: int, size: int = CHUNK) -> Iterator[slice]:
    """Slices that cover `count` objects, `size` at a time."""
    return (slice(start, min(start + size, count)) for start in range(0, count, size))
