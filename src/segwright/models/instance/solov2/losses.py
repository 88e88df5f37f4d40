"""SOLOv2's losses: focal loss of the cells, and of each asked cell's mask, Dice or, from boxes only, BoxInst's two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from torchvision.ops import sigmoid_focal_loss

from segwright.models.instance.boxinst import box_masks, colour_affinity, pairwise_loss, projection_loss
from segwright.models.instance.contract import InstanceTargets
from segwright.models.instance.judged import chunks, shares_at_stride
from segwright.models.instance.solov2.assignment import Assignment
from segwright.models.joint import joint_sum

DICE_SMOOTH = 1e-3  # in each of the two sums of the denominator, as in `solov2_head.py: dice_loss`


def cell_loss(logits: Tensor, assignments: Sequence[Assignment]) -> Tensor:
    """Focal loss of all judged cells over the number of cells with an object + 1.

    Logits (batch, cells, channels). Source: Lin et al. 2017, gamma 2, alpha 0.25; the + 1 is `solov2_head.py: loss`'s.
    """
    channels = torch.stack([assignment.channels for assignment in assignments])
    judged = torch.stack([assignment.judged for assignment in assignments])
    truth = torch.zeros_like(logits)
    truth.scatter_(2, channels.clamp(min=0).unsqueeze(2), (channels >= 0).to(logits.dtype).unsqueeze(2))
    losses = sigmoid_focal_loss(logits, truth, alpha=0.25, gamma=2.0)
    return joint_sum(torch.where(judged.unsqueeze(2), losses, 0).sum()) / (joint_sum((channels >= 0).sum()) + 1)


@dataclass(frozen=True, eq=False)
class AskedMasks:
    """The masks of one image that cells are asked for: kernels (asked, channels), features (channels, height, width).

    `target` (asked,) is the object of each. Logits are made in chunks and made again going backwards, so that memory
    does not grow with the number of objects.
    """

    kernels: Tensor
    features: Tensor
    target: Tensor

    def sums(self, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """What `loss` gives for mask logits (n, height, width) and their objects (n,), for all: (asked, ...)."""

        def of(kernels: Tensor, features: Tensor, target: Tensor) -> Tensor:
            return loss(torch.einsum("nc,chw->nhw", kernels, features), target)

        parts = [
            checkpoint(of, self.kernels[part], self.features, self.target[part], use_reentrant=False)
            for part in chunks(len(self.target))
        ]
        return torch.cat(parts)


def dice_losses(asked: AskedMasks, targets: InstanceTargets, stride_px: int) -> Tensor:
    """One minus the Dice (asked,) of each asked mask with its object's share of each cell; empty with none.

    Source: Wang et al. 2020, "SOLO", eq. 3 and 4: squares in the denominator.
    """
    shares = shares_at_stride(targets, stride_px)
    judged = shares.judged

    def dice(logits: Tensor, target: Tensor) -> Tensor:
        scores = torch.where(judged, logits.sigmoid(), 0).flatten(1)
        truth = torch.where(judged, shares.of(target), 0).flatten(1)
        sums = (scores**2).sum(1) + (truth**2).sum(1) + 2 * DICE_SMOOTH
        return 1 - 2 * (scores * truth).sum(1) / sums

    return asked.sums(dice)


@dataclass(frozen=True, eq=False)
class BoxTerms:
    """BoxInst's sums over the asked masks of one image: projection (asked,), pairs' loss (asked,), pairs (asked,)."""

    projection: Tensor
    pairwise: Tensor
    pairs: Tensor


def box_losses(
    asked: AskedMasks, targets: InstanceTargets, lab: Tensor, judged: Tensor, *, stride_px: int, threshold: float
) -> BoxTerms:
    """What boxes (of `targets`) and colours (bands, height, width) say of the asked masks.

    A pair counts in the box where its colours are at least `threshold` alike (Tian et al. 2021, eq. 8).
    """
    alike = colour_affinity(lab, judged) >= threshold
    height, width = judged.shape
    boxes = box_masks(targets.boxes, height, width, stride_px)

    def terms(logits: Tensor, target: Tensor) -> Tensor:
        inside = boxes[target]
        pairs = alike & inside.unsqueeze(1)
        shares = [projection_loss(logits, inside, judged), pairwise_loss(logits, pairs), pairs.flatten(1).sum(1)]
        return torch.stack([part.to(logits.dtype) for part in shares], dim=1)

    projection, pairwise, count = asked.sums(terms).unbind(1)
    return BoxTerms(projection, pairwise, count)
