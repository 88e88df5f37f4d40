"""The class and the box of each region."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.roi_heads import fastrcnn_loss

from segwright.models.instance.anchors import clipped, decoded
from segwright.models.instance.contract import InstanceTargets
from segwright.models.instance.draws import REGIONS, draws_of
from segwright.models.instance.maskrcnn.matching import (
    LARGEST,
    REGION_CODER,
    REGION_MATCHER,
    REGION_WEIGHTS,
    drawn,
    match_boxes,
)
from segwright.models.instance.maskrcnn.options import MaskRCNNOptions
from segwright.models.instance.ranking import best, filled, take
from segwright.models.instance.suppression import box_iou, greedy_nms
from segwright.models.joint import joint_mean

SIDE = 7  # cells a side of a region
POSITIVE_SHARE = 0.25  # of the regions a step looks at


class BoxHead(nn.Module):
    """Class logits (regions, 1 + channels), background first, and codes (regions, (1 + channels) * 4), a box a class.

    torchvision's two-layer head.
    """

    def __init__(self, width: int, channels: int, head_width: int) -> None:
        super().__init__()
        self.layers = TwoMLPHead(width * SIDE**2, head_width)
        self.predictor = FastRCNNPredictor(head_width, 1 + channels)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return self.predictor(self.layers(features))


@dataclass(frozen=True, eq=False)
class Regions:
    """The regions of a batch that a step looks at.

    boxes (n, 4), image (n,), classes (n,) with 0 background, target (n,) the object in its image, codes (n, 4) wanted.
    """

    boxes: Tensor
    image: Tensor
    classes: Tensor
    target: Tensor
    codes: Tensor


def regions_to_train(proposals: list[Tensor], targets: list[InstanceTargets], options: MaskRCNNOptions) -> Regions:
    """Proposals and true boxes, drawn so that a quarter has an object where there are so many."""
    parts: list[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]] = []
    for image, (proposed, target) in enumerate(zip(proposals, targets, strict=True)):
        boxes = torch.cat([proposed, target.boxes])
        found = match_boxes(target, boxes, REGION_MATCHER)
        chosen = torch.cat(drawn(found.classes, options.regions_to_train, POSITIVE_SHARE, draws_of(target, REGIONS)))
        boxes, classes, index = boxes[chosen], found.classes[chosen], found.target[chosen]
        wanted = target.boxes[index] if len(target) else boxes
        codes = REGION_CODER.encode_single(wanted, boxes)
        parts.append((boxes, torch.full_like(classes, image), classes, index, codes))
    return Regions(*(torch.cat(values) for values in zip(*parts, strict=True)))


def region_losses(logits: Tensor, codes: Tensor, regions: Regions) -> tuple[Tensor, Tensor]:
    """torchvision's class and box loss of regions; 0 where there is none."""
    count = len(regions.classes)
    if count == 0:
        return joint_mean(0 * logits.sum(), 0), joint_mean(0 * codes.sum(), 0)
    classes, boxes = fastrcnn_loss(logits, codes, [regions.classes], [regions.codes])
    return joint_mean(classes * count, count), joint_mean(boxes * count, count)


def best_boxes(
    logits: Tensor,
    codes: Tensor,
    proposals: tuple[Tensor, Tensor],
    frames: Tensor,
    *,
    count: int,
    options: MaskRCNNOptions,
) -> tuple[Tensor, Tensor, Tensor]:
    """Scores, channels (batch, n) and boxes (batch, n, 4) of what `proposals` hold, as `best_proposals` gives them.

    n is `count`, or less where fewer hold anything and shapes may say so (`ranking.filled`).

    Greedy suppression within each class looks at the best `before_suppression` pairs of region and class above the
    floor. Equal to torchvision's `postprocess_detections` where no more pairs are above it.
    """
    where, real = proposals
    batch, regions = where.shape[:2]
    probabilities = logits.float().softmax(-1)[:, 1:].reshape(batch, regions, -1)
    channels = logits.shape[1] - 1
    counted = (probabilities > options.score_floor) & real.unsqueeze(2)
    scores, index = best(torch.where(counted, probabilities, 0).flatten(1), options.before_suppression)
    used = filled(scores)
    scores, index = scores[:, :used], index[:, :used]
    region, channel = index // channels, index % channels
    every = codes.float().reshape(batch, regions * (1 + channels), 4)
    chosen = take(every, region * (1 + channels) + channel + 1)
    boxes = clipped(decoded(chosen, take(where, region), REGION_WEIGHTS, LARGEST), frames)
    kept = greedy_nms(scores, channel, box_iou(boxes, boxes), iou_threshold=options.suppression_iou)
    has_area = (boxes[..., 2:] > boxes[..., :2]).all(-1)
    scores, best_index = best(torch.where(kept & has_area, scores, 0), count)
    used = filled(scores)
    best_index = best_index[:, :used]
    return scores[:, :used], take(channel, best_index), take(boxes, best_index)
