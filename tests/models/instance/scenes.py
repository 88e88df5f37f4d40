"""Small generated frames with discs (class 0) and bars (class 1), as a network reads them, and their objects."""

from __future__ import annotations

import torch
from torch import Tensor

from segwright.models.instance import InstanceTargets

DISC, BAR = 0, 1
GREY = 0.35
COLOURS = {DISC: (0.9, 0.3, 0.2), BAR: (0.2, 0.5, 0.95)}


def scene(seed: int, size: int = 64, objects: int = 3) -> tuple[Tensor, InstanceTargets]:
    """A frame (3, size, size) around 0 and its objects, which do not touch; nothing is ignored."""
    draw = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    pixels = torch.full((3, size, size), GREY) + 0.02 * torch.randn(3, size, size, generator=draw)
    taken = torch.zeros(size, size, dtype=torch.bool)
    masks, channels = [], []
    while len(masks) < objects:
        centre_x, centre_y, extent = torch.randint(0, size, (3,), generator=draw).tolist()
        kind = len(masks) % 2
        if kind == DISC:
            mask = (x - centre_x) ** 2 + (y - centre_y) ** 2 < (6 + extent % 5) ** 2
        else:
            mask = ((x - centre_x).abs() < 14) & ((y - centre_y).abs() < 3)
        near = torch.nn.functional.max_pool2d(taken.float()[None], 9, 1, 4)[0].bool()
        if mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any() or (mask & near).any():
            continue
        taken |= mask
        masks.append(mask)
        channels.append(kind)
        pixels[:, mask] = torch.tensor(COLOURS[kind])[:, None] + 0.02 * torch.randn(3, int(mask.sum()), generator=draw)
    return (pixels - 0.45) / 0.225, targets(torch.stack(masks), channels)


def targets(masks: Tensor, channels: list[int], ignored: Tensor | None = None) -> InstanceTargets:
    """The objects whose masks (n, height, width) these are, with the boxes around them."""
    boxes = [[*span(mask.any(0)), *span(mask.any(1))] for mask in masks]
    return InstanceTargets(
        torch.tensor(channels, dtype=torch.int64),
        torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)[:, [0, 2, 1, 3]],
        masks,
        torch.zeros(masks.shape[1:], dtype=torch.bool) if ignored is None else ignored,
    )


def span(filled: Tensor) -> tuple[int, int]:
    """First and last + 1 of what is True."""
    where = filled.nonzero().flatten()
    return int(where.min()), int(where.max()) + 1


def batch(seeds: range, size: int = 64, objects: int = 3) -> tuple[Tensor, list[InstanceTargets]]:
    """Frames (n, 3, size, size) and their objects."""
    pairs = [scene(seed, size, objects) for seed in seeds]
    return torch.stack([frame for frame, _ in pairs]), [target for _, target in pairs]


def large_disc(centre_x: int, centre_y: int, radius: int = 22, size: int = 64) -> tuple[Tensor, InstanceTargets]:
    """A frame with one disc of many mask cells, whose box it fills to 79 %."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    mask = (x - centre_x) ** 2 + (y - centre_y) ** 2 < radius**2
    pixels = torch.where(mask, torch.tensor(COLOURS[DISC])[:, None, None], torch.tensor(GREY))
    return (pixels - 0.45) / 0.225, targets(mask[None], [DISC])
