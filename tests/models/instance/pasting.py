"""A candidate's mask on the whole frame: what the contract says of `mask_logits`, in a few lines."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.models.instance import Candidates, MaskFrame


def pasted(found: Candidates, image: int, candidate: int, frame: MaskFrame, height: int, width: int) -> Tensor:
    """The mask (height, width) bool of one candidate."""
    shares = found.mask_logits[image, candidate][None, None].sigmoid()
    if frame == "image":
        return F.interpolate(shares, size=(height, width), mode="bilinear", align_corners=False)[0, 0] > 0.5
    x_min, y_min, x_max, y_max = found.boxes[image, candidate].tolist()
    x = (torch.arange(width) + 0.5 - x_min) / (x_max - x_min) * 2 - 1
    y = (torch.arange(height) + 0.5 - y_min) / (y_max - y_min) * 2 - 1
    grid = torch.stack([x.expand(height, width), y[:, None].expand(height, width)], dim=-1)[None]
    inside = (x.abs() < 1) & (y.abs() < 1)[:, None]
    return (F.grid_sample(shares, grid, padding_mode="border", align_corners=False)[0, 0] > 0.5) & inside


def best_iou(found: Candidates, image: int, truth: Tensor, channel: int, frame: MaskFrame, score: float) -> float:
    """The highest IoU of a true mask (height, width) with a candidate of its class above `score`."""
    shares = [0.0]
    for candidate in range(int((found.scores[image] > score).sum())):
        if found.channels[image, candidate] == channel:
            mask = pasted(found, image, candidate, frame, *truth.shape)
            shares.append(float((mask & truth).sum()) / float((mask | truth).sum()))
    return max(shares)
