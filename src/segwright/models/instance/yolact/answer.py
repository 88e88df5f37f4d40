"""From YOLACT's predictions to candidates: the best anchors, Fast NMS, and the prototypes put together."""

from __future__ import annotations

import torch
from torch import Tensor

from segwright.models.instance.anchors import clipped, decoded
from segwright.models.instance.contract import Candidates
from segwright.models.instance.ranking import best, filled, padded_with_nothing, take
from segwright.models.instance.suppression import box_iou, fast_nms
from segwright.models.instance.yolact.heads import Predictions
from segwright.models.instance.yolact.losses import crop
from segwright.models.instance.yolact.options import YOLACTOptions

WEIGHTS = (10.0, 10.0, 5.0, 5.0)  # one over the variances 0.1 and 0.2
LARGEST = 10.0  # log of how much larger than its anchor a box may be: what keeps exp finite
OUTSIDE = -10.0  # the logit outside of a mask's box


def candidates_of(
    said: Predictions, frames: Tensor, *, count: int, stride_px: int, options: YOLACTOptions
) -> Candidates:
    """The `count` best objects of each frame; an anchor may be two of them, under two classes.

    Fast NMS looks at the best `before_suppression` pairs of anchor and class with a score above the floor.
    """
    probabilities = said.classes.softmax(-1)[..., 1:]
    channels = probabilities.shape[2]
    flat = torch.where(probabilities > options.score_floor, probabilities, 0).flatten(1)
    scores, index = best(flat, options.before_suppression)
    used = filled(scores)
    scores, index = scores[:, :used], index[:, :used]
    anchor, channel = index // channels, index % channels
    boxes = clipped(decoded(take(said.codes, anchor), said.anchors[anchor], WEIGHTS, LARGEST), frames)
    kept = fast_nms(scores, channel, box_iou(boxes, boxes), iou_threshold=options.suppression_iou)
    has_area = (boxes[..., 2:] > boxes[..., :2]).all(-1)
    scores, chosen = best(torch.where(kept & has_area, scores, 0), count)
    used = filled(scores)
    scores, chosen = scores[:, :used], chosen[:, :used]
    boxes = take(boxes, chosen)
    height, width = said.prototypes.shape[2:]
    logits = take(said.coefficients, take(anchor, chosen)) @ said.prototypes.flatten(2)
    inside = crop(boxes.flatten(0, 1), height, width, stride_px).unflatten(0, scores.shape)
    logits = torch.where(inside, logits.unflatten(2, (height, width)), OUTSIDE)
    return padded_with_nothing(Candidates(scores, take(channel, chosen), boxes, logits), count)
