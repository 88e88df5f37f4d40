"""What can be chosen for SOLOv2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SOLOv2Options:
    """The published network's values (`configs/solov2/solov2_r50_fpn_8gpu_1x.py`), with the light one's head width.

    grids: cells a side, one grid a pyramid level; an object is named by the cell its centre lies in.
    sizes_px: the square root of the area of the boxes each level is for; they overlap, and an object may have two. The
        first level also takes what is smaller, the last what is larger.
    centre: the share of an object's box around its centre whose cells are asked for it.
    masks_to_train: masks an image that the mask loss looks at, drawn at random where more cells are asked for one.
    learn_from: "masks", or "boxes": then the masks come from the boxes and the frame's colours (BoxInst), which
        `pixel_mean` and `pixel_std`, one a band, must be the normalisation of.
    """

    grids: tuple[int, ...] = (40, 36, 24, 16, 12)
    sizes_px: tuple[tuple[float, float], ...] = ((1, 96), (48, 192), (96, 384), (192, 768), (384, 2048))
    head_width: int = 256
    head_depth: int = 4
    mask_channels: int = 256
    mask_width: int = 128
    centre: float = 0.2
    mask_weight: float = 3.0
    score_floor: float = 0.1
    before_suppression: int = 500
    sigma: float = 2.0
    masks_to_train: int = 300
    learn_from: Literal["masks", "boxes"] = "masks"
    warm_up_steps: int = 10_000
    colour_threshold: float = 0.3
    pixel_mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    pixel_std: tuple[float, ...] = (0.229, 0.224, 0.225)
