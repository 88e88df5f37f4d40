"""What a loss draws at random of one image: from the image's own seed where it has one."""

from __future__ import annotations

import torch
from torch import Tensor

from segwright.models.instance.contract import InstanceTargets

ANCHORS, REGIONS, MASKS, POINTS = range(4)  # what is drawn; each has random numbers of its own


def draws_of(targets: InstanceTargets, what: int) -> torch.Generator | None:
    """The random numbers for `what` of an image; None for torch's own."""
    if targets.seed is None:
        return None
    return torch.Generator().manual_seed(4 * targets.seed + what)


def shuffled(count: int, device: torch.device, draws: torch.Generator | None) -> Tensor:
    """The numbers from 0 to `count` - 1 in a random order, on `device`."""
    if draws is None:
        return torch.randperm(count, device=device)
    return torch.randperm(count, generator=draws).to(device)


def uniform(shape: tuple[int, ...], device: torch.device, draws: torch.Generator | None) -> Tensor:
    """Numbers in 0..1 of `shape`, on `device`."""
    return torch.rand(shape, device=device) if draws is None else torch.rand(shape, generator=draws).to(device)
