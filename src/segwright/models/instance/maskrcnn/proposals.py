"""Region proposals (RPN): where there may be an object of whatever class."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import batched_nms

from segwright.models.instance.anchors import Anchors, clipped, decoded, per_anchor
from segwright.models.instance.contract import InstanceTargets
from segwright.models.instance.draws import ANCHORS, draws_of
from segwright.models.instance.maskrcnn.matching import CODER, LARGEST, RPN_MATCHER, drawn, match_boxes
from segwright.models.instance.maskrcnn.options import MaskRCNNOptions
from segwright.models.instance.ranking import best, filled, take
from segwright.models.instance.suppression import box_iou, greedy_nms
from segwright.models.joint import joint_mean

RPN_WEIGHTS = (1.0, 1.0, 1.0, 1.0)
SMALLEST_PX = 1e-3


@dataclass(frozen=True, eq=False)
class Proposed:
    """What the RPN says: objectness logits a level (batch, anchors), codes (batch, anchors, 4), anchors a level."""

    objectness: list[Tensor]
    codes: list[Tensor]
    anchors: list[Tensor]

    def boxes(self, frames: Tensor, level: int) -> Tensor:
        """The level's boxes (batch, anchors, 4) px, cut at the frame; no gradient goes through them."""
        codes = self.codes[level].detach().float()
        return clipped(decoded(codes, self.anchors[level], RPN_WEIGHTS, LARGEST), frames)


class Proposals(nn.Module):
    """The network part of the RPN, torchvision's head over torchvision's anchors."""

    def __init__(self, width: int, strides: tuple[int, ...], options: MaskRCNNOptions) -> None:
        super().__init__()
        ratios = (options.aspect_ratios,) * len(strides)
        generator = AnchorGenerator(tuple((size,) for size in options.anchor_sizes_px), ratios)
        self.anchors = Anchors(generator.cell_anchors, strides, offset=0.0)  # on the cells' corners, as there
        self.head = RPNHead(width, self.anchors.per_cell)

    def forward(self, pyramid: list[Tensor]) -> Proposed:
        objectness, codes = self.head(pyramid)
        return Proposed(
            [per_anchor([level], 1)[..., 0] for level in objectness],
            [per_anchor([level], 4) for level in codes],
            self.anchors(pyramid),
        )


def best_proposals(said: Proposed, frames: Tensor, options: MaskRCNNOptions) -> tuple[Tensor, Tensor]:
    """The boxes (batch, n, 4) to look at: the best of each level without duplicates, then the best of all.

    And which of them (batch, n) are proposals at all: there may be fewer than `proposals`, and then n is less where it
    may be (`ranking.filled`), and the rest is nothing.
    """
    scores, boxes = [], []
    for level, objectness in enumerate(said.objectness):
        count = min(options.proposals_a_level, options.proposals * 2)
        values, index = best(objectness.float().sigmoid(), count)
        here = take(said.boxes(frames, level), index)
        large = ((here[..., 2:] - here[..., :2]) >= SMALLEST_PX).all(-1)
        one_class = torch.zeros_like(index)
        kept = greedy_nms(values, one_class, box_iou(here, here), iou_threshold=options.proposal_iou)
        scores.append(torch.where(kept & large, values, 0))
        boxes.append(here)
    values, index = best(torch.cat(scores, dim=1), options.proposals)
    used = filled(values)
    return take(torch.cat(boxes, dim=1), index[:, :used]), values[:, :used] > 0


def proposals_to_train(said: Proposed, frames: Tensor, options: MaskRCNNOptions) -> list[Tensor]:
    """One (n, 4) an image, at most twice `proposals`; torchvision's own suppression, whose shapes depend on boxes."""
    chosen = []
    for image in range(len(frames)):
        scores, boxes, levels = [], [], []
        for level, objectness in enumerate(said.objectness):
            values, index = (
                objectness[image].detach().float().topk(min(2 * options.proposals_a_level, objectness.shape[1]))
            )
            here = said.boxes(frames, level)[image, index]
            large = ((here[:, 2:] - here[:, :2]) >= SMALLEST_PX).all(1)
            scores.append(values[large])
            boxes.append(here[large])
            levels.append(torch.full_like(index[large], level))
        every = torch.cat(boxes)
        kept = batched_nms(every, torch.cat(scores), torch.cat(levels), options.proposal_iou)
        chosen.append(every[kept[: 2 * options.proposals]])
    return chosen


def proposal_losses(said: Proposed, targets: list[InstanceTargets], options: MaskRCNNOptions) -> tuple[Tensor, Tensor]:
    """Objectness and box loss of anchors drawn from each image, half of them with an object where there are so many.

    Equal to torchvision's `RegionProposalNetwork.compute_loss`. Targets without what is ignored.
    """
    anchors = torch.cat(said.anchors)
    objectness, codes = torch.cat(said.objectness, dim=1).float(), torch.cat(said.codes, dim=1).float()
    logits, truths, shifts, wanted = [], [], [], []
    for image, target in enumerate(targets):
        found = match_boxes(target, anchors, RPN_MATCHER)
        positive, negative = drawn(found.classes.clamp(max=1), options.anchors_to_train, 0.5, draws_of(target, ANCHORS))
        chosen = torch.cat([positive, negative])
        logits.append(objectness[image, chosen])
        truths.append((found.classes[chosen] > 0).float())
        shifts.append(codes[image, positive])
        wanted.append(CODER.encode_single(target.boxes[found.target[positive]], anchors[positive]))
    count = sum(len(part) for part in logits)
    box = F.smooth_l1_loss(torch.cat(shifts), torch.cat(wanted), beta=1 / 9, reduction="sum")
    said_so = F.binary_cross_entropy_with_logits(torch.cat(logits), torch.cat(truths), reduction="sum")
    return joint_mean(said_so, count), joint_mean(box, count)
