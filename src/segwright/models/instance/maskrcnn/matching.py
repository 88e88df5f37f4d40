"""Which anchors and regions are asked for which object, and which of them a step looks at."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder, Matcher

from segwright.models.instance.contract import InstanceTargets
from segwright.models.instance.draws import shuffled
from segwright.models.instance.judged import MOSTLY, ignored_share
from segwright.models.instance.most_overlapped import most_overlapped

RPN_MATCHER = Matcher(0.7, 0.3, allow_low_quality_matches=True)
REGION_MATCHER = Matcher(0.5, 0.5, allow_low_quality_matches=False)
LARGEST = math.log(1000 / 16)  # torchvision's `bbox_xform_clip`
CODER = BoxCoder((1.0, 1.0, 1.0, 1.0))
REGION_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
REGION_CODER = BoxCoder(REGION_WEIGHTS)
NEUTRAL = -1


@dataclass(frozen=True, eq=False)
class Found:
    """classes (boxes,): 1 + channel of the object, 0 background, -1 neutral; target (boxes,): the object."""

    classes: Tensor
    target: Tensor


def match_boxes(targets: InstanceTargets, boxes: Tensor, matcher: Matcher) -> Found:
    """The object of each box (n, 4) as torchvision's matcher has it; mostly ignored boxes without one are neutral."""
    outside = ignored_share(boxes, targets.ignored) > MOSTLY
    if len(targets) == 0:
        classes = torch.zeros_like(outside, dtype=torch.int64)
        return Found(torch.where(outside, NEUTRAL, classes), torch.zeros_like(classes))
    found = most_overlapped(targets.boxes, boxes)
    classes = 1 + targets.channels[found.target]
    classes = torch.where(found.iou < matcher.high_threshold, NEUTRAL, classes)
    classes = torch.where(found.iou < matcher.low_threshold, 0, classes)
    if matcher.allow_low_quality_matches:
        classes = torch.where(found.is_best, 1 + targets.channels[found.target], classes)
    target = torch.where(classes > 0, found.target, 0)
    return Found(torch.where(outside & (classes == 0), NEUTRAL, classes), target)


def drawn(
    classes: Tensor, count: int, positive_share: float, draws: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """The positions of `count` boxes drawn at random from classes (n,), positive ones up to their share; negatives.

    Those that torchvision's `BalancedPositiveNegativeSampler` draws from the same random numbers.
    """
    positive, negative = (classes >= 1).nonzero().flatten(), (classes == 0).nonzero().flatten()
    wanted = min(int(count * positive_share), len(positive))
    others = min(count - wanted, len(negative))
    chosen = positive[shuffled(len(positive), classes.device, draws)[:wanted]]
    return chosen.sort().values, negative[shuffled(len(negative), classes.device, draws)[:others]].sort().values
