"""Which cells of SOLOv2's grids are asked for which object."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from segwright.models.instance.contract import InstanceTargets
from segwright.models.instance.judged import CHUNK, MOSTLY, ignored_share
from segwright.models.instance.solov2.options import SOLOv2Options


@dataclass(frozen=True, eq=False)
class Assignment:
    """What the cells of all levels of one image are to say.

    channels: (cells,) int64, the class of the object in each cell, or -1: none.
    judged: (cells,) bool, False where a cell without an object is mostly ignored.
    cell, target: (asked,) int64, which cell is asked for the mask of which object; a cell may be asked for two.
    """

    channels: Tensor
    judged: Tensor
    cell: Tensor
    target: Tensor


def assign(targets: InstanceTargets, options: SOLOv2Options) -> Assignment:
    """The cells of every grid in the middle of each object of that level's sizes; targets without what is ignored.

    Source: Wang et al. 2020, "SOLO", section 3.3.1; the box around the centre of mass, at most 3 x 3 cells, as in
    `solov2_head.py: solov2_target_single`. Pixel centres lie at half pixels here, at whole ones there.
    """
    size = torch.tensor([targets.ignored.shape[1], targets.ignored.shape[0]], device=targets.boxes.device)
    spans = targets.boxes[:, 2:] - targets.boxes[:, :2]
    side = spans.prod(1).sqrt()
    centres = centres_of(targets)
    cells, objects, offset = [], [], 0
    last_level = len(options.grids) - 1
    for level, (grid, (smallest, largest)) in enumerate(zip(options.grids, options.sizes_px, strict=True)):
        # what is smaller or larger than all sizes belongs to the first or last level: no object is left out
        small_enough = (side <= largest) | (level == last_level)
        here = (((side >= smallest) | (level == 0)) & small_enough).nonzero().flatten()
        cell, index = _middle_cells(centres[here] / size, spans[here] / size * options.centre, grid)
        cells.append(offset + cell)
        objects.append(here[index])
        offset += grid**2
    cell, target = torch.cat(cells), torch.cat(objects)
    # of several objects in a cell the last one names its class, whatever order a scatter has
    last = torch.full((offset,), -1, device=cell.device).scatter_reduce(0, cell, target, "amax")
    with_none = torch.cat([targets.channels.new_full((1,), -1), targets.channels])
    channels = with_none[last + 1]
    shares = torch.cat([ignored_share(_cell_boxes(grid, size), targets.ignored) for grid in options.grids])
    return Assignment(channels, (channels >= 0) | (shares <= MOSTLY), cell, target)


def centres_of(targets: InstanceTargets) -> Tensor:
    """The centre of mass (objects, 2) x, y in px of each mask, of each box where there are no masks."""
    if targets.masks is None:
        return (targets.boxes[:, :2] + targets.boxes[:, 2:]) / 2
    height, width = targets.ignored.shape
    device = targets.masks.device
    x = torch.arange(width, device=device, dtype=torch.float32) + 0.5
    y = torch.arange(height, device=device, dtype=torch.float32) + 0.5
    parts = []
    for masks in targets.masks.split(CHUNK):
        columns, rows = masks.sum(1, dtype=torch.float32), masks.sum(2, dtype=torch.float32)
        area = rows.sum(1).clamp(min=1)
        parts.append(torch.stack([(columns @ x) / area, (rows @ y) / area], dim=1))
    return torch.cat(parts) if parts else targets.boxes.new_zeros(0, 2)


def _middle_cells(centres: Tensor, spans: Tensor, grid: int) -> tuple[Tensor, Tensor]:
    """The cells within half a span of each centre (in 0..1 of the frame), at most one away; cell and object (n,)."""
    own = (centres * grid).floor().to(torch.int64)
    low = torch.maximum(((centres - spans / 2) * grid).floor().to(torch.int64).clamp(min=0), own - 1)
    high = torch.minimum(((centres + spans / 2) * grid).floor().to(torch.int64).clamp(max=grid - 1), own + 1)
    step = torch.arange(-1, 2, device=centres.device)
    x, y = own[:, None, 0] + step, own[:, None, 1] + step  # (objects, 3)
    x_in = (x >= low[:, None, 0]) & (x <= high[:, None, 0])
    y_in = (y >= low[:, None, 1]) & (y <= high[:, None, 1])
    inside = y_in[:, :, None] & x_in[:, None, :]
    index = inside.nonzero()[:, 0]
    return (y[:, :, None] * grid + x[:, None, :])[inside], index


def _cell_boxes(grid: int, size: Tensor) -> Tensor:
    """The boxes (cells, 4) in px of the cells of a grid over a frame of `size` (2,) width, height."""
    step = torch.arange(grid, device=size.device, dtype=torch.float32)
    y, x = torch.meshgrid(step, step, indexing="ij")
    low = torch.stack([x, y], dim=-1).reshape(-1, 2)
    return torch.cat([low, low + 1], dim=1) * (size / grid).repeat(2)
