"""Panoptic FPN (Kirillov et al. 2019): Mask R-CNN and a map of the stuff on one pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segwright.models.instance.contract import MaskFrame
from segwright.models.instance.maskrcnn.network import RegionHeads
from segwright.models.instance.pyramid import SummedLevels
from segwright.models.instance.pyramid_network import PyramidNetwork
from segwright.models.losses.cross_entropy import cross_entropy
from segwright.models.losses.target import VOID_CHANNEL
from segwright.models.panoptic.contract import PanopticAnswer, PanopticTargets

if TYPE_CHECKING:
    from segwright.models.panoptic.spec import PanopticSpec


class PanopticFPN(PyramidNetwork):
    """Things as Mask R-CNN's candidates and stuff as logits, from frames (batch, bands, height, width)."""

    mask_frame: MaskFrame = "box"

    def __init__(self, spec: PanopticSpec) -> None:
        super().__init__(spec, "pool")
        self.regions = RegionHeads(spec.width, spec.channels, self.pyramid.strides, spec.options)
        self.stuff = StuffHead(spec.width, spec.stuff_width, spec.stuff + 1, self.pyramid.strides[0])

    def forward(self, frames: Tensor) -> PanopticAnswer:
        pyramid = self.pyramid(self.encoder(frames))
        things = self.regions(frames, pyramid, self.spec.candidates)
        return PanopticAnswer(things.scores, things.channels, things.boxes, things.mask_logits, self.stuff(pyramid))

    def loss(self, frames: Tensor, targets: Sequence[PanopticTargets]) -> tuple[Tensor, dict[str, Tensor]]:
        """Mask R-CNN's terms, and `stuff`, which counts `stuff_weight`."""
        pyramid = self.pyramid(self.encoder(frames))
        terms = self.regions.losses(frames, pyramid, [target.things for target in targets])
        logits = self.stuff(pyramid)
        with torch.autocast(frames.device.type, enabled=False):
            stuff = stuff_loss(logits.float(), targets)
        total = torch.stack(list(terms.values())).sum() + self.spec.stuff_weight * stuff
        return total, {name: term.detach() for name, term in {**terms, "stuff": stuff}.items()}


class StuffHead(nn.Module):
    """Logits (batch, channels, height, width) at the size of the frame, from P2 to P5.

    Source: Kirillov et al. 2019, "Panoptic feature pyramid networks", section 3.1 and figure 3.
    """

    def __init__(self, width: int, inner: int, channels: int, stride_px: int) -> None:
        super().__init__()
        self.levels = SummedLevels(width, inner, coordinates=False)
        self.classes = nn.Conv2d(inner, channels, kernel_size=1)
        self.stride_px = stride_px

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        logits = self.classes(self.levels(pyramid))
        return F.interpolate(logits, scale_factor=float(self.stride_px), mode="bilinear", align_corners=False)


def stuff_loss(logits: Tensor, targets: Sequence[PanopticTargets]) -> Tensor:
    """Mean cross-entropy over the pixels that are neither void nor ignored; 0 where none is."""
    truth = torch.stack([torch.where(one.things.ignored, VOID_CHANNEL, one.stuff) for one in targets])
    return cross_entropy(F.log_softmax(logits, dim=1), truth)
