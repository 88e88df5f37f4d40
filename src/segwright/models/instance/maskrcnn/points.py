"""PointRend: the least certain points of a mask decided one by one, from the frame's own features.

Source: Kirillov et al. 2020, "PointRend: Image segmentation as rendering", sections 3.1 to 3.3.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segwright.models.instance.contract import InstanceTargets
from segwright.models.instance.draws import POINTS, draws_of, uniform
from segwright.models.instance.maskrcnn.mask_head import AskedMasks
from segwright.models.joint import joint_mean

OVERSAMPLE = 3  # points drawn for one that is kept
UNCERTAIN_SHARE = 0.75  # of the kept, the rest is anywhere
TRAINING_POINTS = 14 * 14
SCREENED = 16  # regions whose truth is looked up at a time


class PointHead(nn.Module):
    """Logits (regions, points) of one class, from fine features at the points and the coarse mask's logit there."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        widths = [width + 1, width, width, width]
        self.layers = nn.ModuleList(
            nn.Conv1d(a + (level > 0), b, kernel_size=1) for level, (a, b) in enumerate(pairwise(widths))
        )
        self.weight = nn.Parameter(torch.empty(channels, width + 1))
        self.bias = nn.Parameter(torch.zeros(channels))
        nn.init.normal_(self.weight, std=0.001)

    def forward(self, fine: Tensor, coarse: Tensor, channels: Tensor) -> Tensor:
        """fine (regions, width, points), coarse (regions, points): the coarse logit goes into every layer."""
        prediction = coarse[:, None]
        values = fine
        for layer in self.layers:
            values = F.relu(layer(torch.cat([values, prediction], dim=1)))
        values = torch.cat([values, prediction], dim=1)
        return torch.einsum("ncp,nc->np", values, self.weight[channels]) + self.bias[channels, None]


def refined(
    logits: Tensor, boxes: Tensor, channels: Tensor, features: Tensor, head: PointHead, *, times: int, points: int
) -> Tensor:
    """Masks (batch, regions, side, side), doubled `times` times; each time the least certain points are made anew.

    boxes (batch, regions, 4) px, features (batch, width, height, width) of the finest level, over the whole frame.
    """
    batch, regions = boxes.shape[:2]
    for _ in range(times):
        logits = F.interpolate(logits, scale_factor=2.0, mode="bilinear", align_corners=False)
        side = logits.shape[-1]
        flat = logits.flatten(2)
        _, index = (-flat.abs()).topk(min(points, side**2), dim=2)
        x, y = (index % side + 0.5) / side, (index // side + 0.5) / side
        where = torch.stack([x, y], dim=-1)  # (batch, regions, points, 2) in 0..1 of the box
        fine = _at(features, _in_frame(where, boxes, features).flatten(1, 2)).unflatten(2, (regions, index.shape[2]))
        fine = fine.transpose(1, 2).flatten(0, 1)
        decided = head(fine, flat.gather(2, index).flatten(0, 1), channels.flatten())
        flat = flat.scatter(2, index, decided.unflatten(0, (batch, regions)).to(flat.dtype))
        logits = flat.unflatten(2, (side, side))
    return logits


def point_loss(
    logits: Tensor, asked: AskedMasks, features: Tensor, targets: list[InstanceTargets], head: PointHead
) -> Tensor:
    """Mean cross-entropy of points of the asked masks (n, side, side), most of them where the logits are uncertain."""
    images = [logits.detach()[asked.image == number] for number in range(len(targets))]  # they rise in `asked`
    drawn = [points_to_train(own, draws_of(target, POINTS)) for own, target in zip(images, targets, strict=True)]
    where = torch.cat(drawn)
    coarse = _at(logits[:, None], where)[:, 0]
    fine, truth, judged = [], [], []
    for number, target in enumerate(targets):
        own = asked.image == number
        boxes = asked.boxes[own]
        places = _in_frame(where[own], boxes, features).flatten(0, 1)[None]
        fine.append(_at(features[number][None], places)[0].unflatten(1, (len(boxes), where.shape[1])).transpose(0, 1))
        share, counted = truth_at(where[own], boxes, asked.target[own], target)
        truth.append(share)
        judged.append(counted)
    said = head(torch.cat(fine), coarse, asked.channels)
    losses = F.binary_cross_entropy_with_logits(said, torch.cat(truth), reduction="none")
    counted = torch.cat(judged)
    return joint_mean(torch.where(counted, losses, 0).sum(), counted.sum())


def points_to_train(logits: Tensor, draws: torch.Generator | None = None) -> Tensor:
    """Points (n, points, 2) x, y in 0..1 of the box: of three times as many the least certain, and some anywhere."""
    drawn = uniform((len(logits), OVERSAMPLE * TRAINING_POINTS, 2), logits.device, draws)
    uncertain = int(UNCERTAIN_SHARE * TRAINING_POINTS)
    _, index = (-_at(logits[:, None], drawn)[:, 0].abs()).topk(uncertain, dim=1)
    anywhere = uniform((len(logits), TRAINING_POINTS - uncertain, 2), logits.device, draws)
    return torch.cat([drawn.gather(1, index[..., None].expand(-1, -1, 2)), anywhere], dim=1)


def truth_at(where: Tensor, boxes: Tensor, target: Tensor, targets: InstanceTargets) -> tuple[Tensor, Tensor]:
    """The share 0..1 (n, points) of each box's object at points in it, and whether the pixels there are judged."""
    size = torch.tensor([targets.ignored.shape[1], targets.ignored.shape[0]], device=boxes.device)
    places = _placed(where, boxes) / size
    assert targets.masks is not None
    ignored = _at(targets.ignored[None, None].float(), places.flatten(0, 1)[None])
    shares = [
        _at(targets.masks[index][:, None].float(), place)[:, 0]
        for index, place in zip(target.split(SCREENED), places.split(SCREENED), strict=True)
        if len(index)
    ]
    held = torch.cat(shares) if shares else places.new_zeros(0, places.shape[1])
    return held, ignored.reshape(held.shape) == 0


def _placed(where: Tensor, boxes: Tensor) -> Tensor:
    """Points (..., points, 2) in 0..1 of boxes (..., 4) as px of the frame."""
    low, high = boxes[..., None, :2], boxes[..., None, 2:]
    return low + where * (high - low)


def _in_frame(where: Tensor, boxes: Tensor, features: Tensor) -> Tensor:
    """Points in 0..1 of boxes as 0..1 of the frame, whose finest features are at 1/4."""
    height, width = features.shape[-2:]
    scale = torch.stack([torch.as_tensor(4 * width), torch.as_tensor(4 * height)]).to(where)
    return _placed(where, boxes) / scale


def _at(maps: Tensor, where: Tensor) -> Tensor:
    """Maps (n, channels, height, width) at points (n, points, 2) x, y in 0..1, bilinear: (n, channels, points)."""
    grid = (2 * where - 1)[:, :, None]
    return F.grid_sample(maps, grid.to(maps.dtype), mode="bilinear", padding_mode="border", align_corners=False)[..., 0]
