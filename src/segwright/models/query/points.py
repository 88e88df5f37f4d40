"""Points at which masks are compared: centres of pixels that count, more of them where a mask is unsure.

Void is kept out by never being drawn, so it can change neither a matching nor a loss.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.core import Size
from segwright.models.joint import joint_draw

# Kirillov et al. 2020 (PointRend), section 4.1, with the ratios of Cheng et al. 2022 (Mask2Former), section 4.1
OVERSAMPLING = 3
UNSURE_SHARE = 0.75
# Masks whose many points are in memory at a time.
MASKS_AT_ONCE = 16


class Grid(NamedTuple):
    """The pixels of a frame that count: positions in the flattened frame, and its size."""

    pixels: Tensor
    size: Size

    @staticmethod
    def of(valid: Tensor) -> Grid:
        """The True pixels of `valid` (height, width)."""
        return Grid(valid.flatten().nonzero().squeeze(1), Size(*valid.shape))

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Positions of pixels, uniform and with replacement, of `shape`."""
        chosen = torch.randint(len(self.pixels), shape, generator=generator, device=self.pixels.device)
        return self.pixels[chosen]


def generators_on(device: torch.device, frames: int) -> list[torch.Generator]:
    """A generator on `device` for each frame of this process's share of a batch.

    Draws depend on torch's random state on the CPU, which checkpoints hold, and on the frame's place in the whole
    batch: the same whichever process has it.
    """
    drawn, before = joint_draw(frames, device)
    return [torch.Generator(device).manual_seed(drawn + before + frame) for frame in range(frames)]


def logits_at(masks: Tensor, pixels: Tensor, size: Size) -> Tensor:
    """Mask logits (masks, points) at centres of pixels of a frame of `size`, bilinear between the logits' own centres.

    Masks are (masks, height, width) over the whole frame at any resolution; `pixels` (points,) or (masks, points).
    """
    row, column = pixels.div(size.width, rounding_mode="floor"), pixels % size.width
    # -1..1 from edge to edge, as align_corners=False has it
    places = torch.stack([(2 * column + 1) / size.width - 1, (2 * row + 1) / size.height - 1], dim=-1).to(masks.dtype)
    if pixels.ndim == 1:  # one sampling of many masks, instead of many of one
        grid = places.view(1, 1, -1, 2)
        return F.grid_sample(masks.unsqueeze(0), grid, padding_mode="border", align_corners=False)[0, :, 0]
    grid = places.unsqueeze(1)
    return F.grid_sample(masks.unsqueeze(1), grid, padding_mode="border", align_corners=False)[:, 0, 0]


@torch.no_grad()
def unsure_pixels(masks: Tensor, grid: Grid, points: int, generator: torch.Generator) -> Tensor:
    """Positions of `points` pixels for each of `masks` (masks, height, width): (masks, points).

    Of three times as many the three quarters whose logits are nearest to 0, the rest anywhere.

    Source: Kirillov et al. 2020 (PointRend), section 3.1, "Training".
    """
    wanted = int(UNSURE_SHARE * points)
    found = []
    for some in masks.split(MASKS_AT_ONCE):
        many = grid.draw((len(some), OVERSAMPLING * points), generator)
        sure = logits_at(some, many, grid.size).abs()
        unsure = many.gather(1, sure.topk(wanted, dim=1, largest=False).indices)
        found.append(torch.cat([unsure, grid.draw((len(some), points - wanted), generator)], dim=1))
    return torch.cat(found)
