"""BoxInst: masks learned from boxes, because a mask fills its box's sides and neighbours of one colour belong together.

Two losses of mask logits (objects, height, width), for any network that gives a mask for each object: SOLOv2 here, a
CondInst-style head as well. A pixel that is not judged is in no projection and in no pair.

Source: Tian et al. 2021, "BoxInst: High-performance instance segmentation with box annotations"; definitions of the
code from AdelaiDet (`adet/modeling/condinst/dynamic_mask_head.py`, `condinst.py`).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.models.instance.colour import lab_of_rgb

DILATION = 2  # px between a cell and its neighbours, at the mask's stride
SMOOTH = 1e-5
NEIGHBOURS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0))


def box_masks(boxes: Tensor, height: int, width: int, stride_px: int) -> Tensor:
    """Masks (objects, height, width) bool of the cells whose centre lies in each box (objects, 4) px; at least one.

    A box thinner than a cell keeps the cell its middle lies in, so that thin objects have a target at all.
    """
    left, right = _cells(boxes[:, 0::2], width, stride_px)
    top, bottom = _cells(boxes[:, 1::2], height, stride_px)
    x, y = torch.arange(width, device=boxes.device), torch.arange(height, device=boxes.device)
    columns = (x >= left[:, None]) & (x < right[:, None])
    rows = (y >= top[:, None]) & (y < bottom[:, None])
    return rows[:, :, None] & columns[:, None, :]


def projection_loss(logits: Tensor, boxes: Tensor, judged: Tensor) -> Tensor:
    """How far each mask's shadows on the two axes are from its box's (objects,): the sum of two Dice losses, 0..2.

    boxes (objects, height, width) bool, judged (height, width) bool.
    """
    scores = torch.where(judged, logits.sigmoid(), 0)
    truth = (boxes & judged).to(scores.dtype)
    return _dice(scores.amax(1), truth.amax(1)) + _dice(scores.amax(2), truth.amax(2))


def colour_affinity(lab: Tensor, judged: Tensor) -> Tensor:
    """How alike each cell and its eight neighbours are, 0..1: exp(-distance / 2), 0 where either is not judged.

    lab (bands, height, width), judged (height, width); returns (8, height, width), in the order of `NEIGHBOURS`.
    """
    near = neighbours(lab, 0.0)  # (8, bands, height, width)
    alike = torch.exp(-torch.linalg.vector_norm(lab - near, dim=1) / 2)
    return alike * neighbours(judged.to(lab.dtype), 0.0) * judged


def pairwise_loss(logits: Tensor, pairs: Tensor) -> Tensor:
    """The summed -log probability (objects,) that a cell and its neighbour say the same, over pairs given.

    logits (objects, height, width); pairs (objects, 8, height, width) bool. Divide by the number of pairs.
    """
    inside, outside = F.logsigmoid(logits), F.logsigmoid(-logits)
    total = logits.new_zeros(len(logits))
    for number, (dy, dx) in enumerate(NEIGHBOURS):
        both = torch.logaddexp(inside + shifted(inside, dy, dx, 0.0), outside + shifted(outside, dy, dx, 0.0))
        total = total - torch.where(pairs[:, number], both, 0).flatten(1).sum(1)
    return total


def frames_in_lab(frames: Tensor, mean: Tensor, std: Tensor, stride_px: int) -> Tensor:
    """The colours (batch, bands, height / stride, width / stride) of normalised frames, averaged over each cell.

    RGB becomes CIELAB; other bands, which have no colour, 100 times their value, so that distances have L*'s range.
    """
    pixels = frames.float() * std.reshape(-1, 1, 1) + mean.reshape(-1, 1, 1)
    cells = F.avg_pool2d(pixels, stride_px).clamp(0, 1)
    return lab_of_rgb(cells) if cells.shape[1] == 3 else 100 * cells


def neighbours(values: Tensor, fill: float) -> Tensor:
    """The eight neighbours (8, ..., height, width) of each cell, `DILATION` away; `fill` beyond the edge."""
    return torch.stack([shifted(values, dy, dx, fill) for dy, dx in NEIGHBOURS])


def shifted(values: Tensor, dy: int, dx: int, fill: float) -> Tensor:
    """values[y + dy * DILATION, x + dx * DILATION] over the last two axes, `fill` beyond the edge."""
    height, width = values.shape[-2:]
    padded = F.pad(values, (DILATION,) * 4, value=fill)
    top, left = DILATION * (dy + 1), DILATION * (dx + 1)
    return padded[..., top : top + height, left : left + width]


def _dice(scores: Tensor, truth: Tensor) -> Tensor:
    overlap = (scores * truth).sum(1)
    return 1 - 2 * overlap / ((scores**2).sum(1) + (truth**2).sum(1) + SMOOTH)


def _cells(interval: Tensor, cells: int, stride_px: int) -> tuple[Tensor, Tensor]:
    """First and last + 1 of the cells whose centre lies in [min, max) px (objects, 2)."""
    first, end = (interval / stride_px - 0.5).ceil().to(torch.int64).unbind(1)
    middle = (interval.mean(1) / stride_px).floor().to(torch.int64)
    thin = end <= first
    first, end = torch.where(thin, middle, first), torch.where(thin, middle + 1, end)
    first = first.clamp(0, cells - 1)
    return first, torch.maximum(end.clamp(max=cells), first + 1)
