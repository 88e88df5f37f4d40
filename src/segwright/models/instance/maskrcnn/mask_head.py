"""The mask of each region: a small convolutional network whose answer fills the region's box."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads
from torchvision.ops import roi_align

from segwright.models.instance.contract import InstanceTargets
from segwright.models.instance.judged import chunks
from segwright.models.instance.maskrcnn.box_head import Regions
from segwright.models.joint import joint_mean

DEPTH = 4
# The spread of the last weights at first, as Detectron2 has it: every cell starts near 1/2. He's, for one class, starts
# with logits of ten and more, and the first steps go into taking them back.
UNDECIDED = 0.001


@dataclass(frozen=True, eq=False)
class AskedMasks:
    """The regions that are asked for a mask, image by image.

    boxes (n, 4), channels (n,), image (n,) rising, target (n,): the object in its image.
    """

    boxes: Tensor
    channels: Tensor
    image: Tensor
    target: Tensor

    @staticmethod
    def of(regions: Regions) -> AskedMasks:
        """Those regions of a step that have an object: at most a quarter, however many objects there are."""
        positive = (regions.classes > 0).nonzero().flatten()
        positive = positive[regions.image[positive].argsort(stable=True)]
        values = (regions.boxes, regions.classes - 1, regions.image, regions.target)
        return AskedMasks(*(value[positive] for value in values))


class MaskHead(nn.Module):
    """Mask logits (regions, side, side) of one class a region, from features at half the side.

    Only the asked class's mask is made, so that a thousand classes cost no more than one.

    Source: He et al. 2017, "Mask R-CNN", section 3 and figure 4.
    """

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.layers = MaskRCNNHeads(width, (width,) * DEPTH, dilation=1)
        self.up = nn.ConvTranspose2d(width, width, kernel_size=2, stride=2)
        self.weight = nn.Parameter(torch.empty(channels, width))
        self.bias = nn.Parameter(torch.zeros(channels))
        nn.init.kaiming_normal_(self.up.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.weight, std=UNDECIDED)

    def forward(self, features: Tensor, channels: Tensor) -> Tensor:
        # channels last: oneDNN's transposed convolution of small maps takes half the time
        up = F.relu_(self.up(self.layers(features.contiguous(memory_format=torch.channels_last))))
        logits = up.permute(0, 2, 3, 1).flatten(1, 2) @ self.weight[channels].unsqueeze(2)
        # not `len(up)`: an exporter takes that for a constant, begins again, and needs twice the time
        return logits.reshape(up.shape[0], *up.shape[2:]) + self.bias[channels, None, None]


def truths_in(boxes: Tensor, target: Tensor, targets: InstanceTargets, side: int) -> tuple[Tensor, Tensor]:
    """What each box (n, 4) holds of its object (n,): shares (n, side, side) in 0..1, and which cells are judged.

    A cell's share is the mean over its pixels, so that an object thinner than a cell stays above 0. In chunks: the
    float copies of masks do not grow with the number of objects.
    """
    shares, judged = [], []
    ignored = targets.ignored[None, None].float()
    for part in chunks(len(boxes)):
        here = boxes[part]
        own = torch.arange(len(here), device=boxes.device, dtype=boxes.dtype)
        assert targets.masks is not None
        shares.append(_cells(targets.masks[target[part]][:, None].float(), torch.cat([own[:, None], here], 1), side))
        judged.append(_cells(ignored, torch.cat([torch.zeros_like(own)[:, None], here], 1), side) == 0)
    if not shares:
        empty = boxes.new_zeros(0, side, side)
        return empty, empty > 0
    return torch.cat(shares), torch.cat(judged)


def mask_loss(logits: Tensor, shares: Tensor, judged: Tensor) -> Tensor:
    """Mean cross-entropy over the judged cells of all regions (n, side, side); 0 where there is none.

    Equal to torchvision's `maskrcnn_loss` where all is judged and shares are its targets.
    """
    losses = F.binary_cross_entropy_with_logits(logits, shares, reduction="none")
    return joint_mean(torch.where(judged, losses, 0).sum(), judged.sum())


def _cells(masks: Tensor, regions: Tensor, side: int) -> Tensor:
    return roi_align(masks, regions, (side, side), spatial_scale=1.0, sampling_ratio=0, aligned=True)[:, 0]
