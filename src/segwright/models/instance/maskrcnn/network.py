"""Mask R-CNN (He et al. 2017) on a timm encoder: torchvision's parts, put together so that they export."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segwright.models.instance.contract import Candidates, InstanceTargets, MaskFrame
from segwright.models.instance.judged import judged, needs_masks
from segwright.models.instance.maskrcnn.box_head import (
    SIDE,
    BoxHead,
    Regions,
    best_boxes,
    region_losses,
    regions_to_train,
)
from segwright.models.instance.maskrcnn.mask_head import AskedMasks, MaskHead, mask_loss, truths_in
from segwright.models.instance.maskrcnn.options import MaskRCNNOptions
from segwright.models.instance.maskrcnn.points import PointHead, point_loss, refined
from segwright.models.instance.maskrcnn.proposals import (
    Proposals,
    best_proposals,
    proposal_losses,
    proposals_to_train,
)
from segwright.models.instance.maskrcnn.regions import flat_regions, region_features
from segwright.models.instance.pyramid_network import PyramidNetwork
from segwright.models.instance.ranking import padded_with_nothing
from segwright.models.instance.spec import InstanceSpec


class MaskRCNN(PyramidNetwork):
    """Candidates with masks that fill their boxes, from frames (batch, bands, height, width)."""

    mask_frame: MaskFrame = "box"

    def __init__(self, spec: InstanceSpec) -> None:
        super().__init__(spec, "pool")
        assert isinstance(spec.options, MaskRCNNOptions)
        self.regions = RegionHeads(spec.width, spec.channels, self.pyramid.strides, spec.options)

    def forward(self, frames: Tensor) -> Candidates:
        return self.regions(frames, self.pyramid(self.encoder(frames)), self.spec.candidates)

    def loss(self, frames: Tensor, targets: Sequence[InstanceTargets]) -> tuple[Tensor, dict[str, Tensor]]:
        """Terms `objectness`, `proposals`, `classes`, `boxes`, `masks`; with refinement `points`. All weigh 1."""
        terms = self.regions.losses(frames, self.pyramid(self.encoder(frames)), targets)
        return torch.stack(list(terms.values())).sum(), {name: term.detach() for name, term in terms.items()}


class RegionHeads(nn.Module):
    """All of Mask R-CNN after the pyramid: proposals, the box head, the mask head and, if asked for, PointRend's."""

    def __init__(self, width: int, channels: int, strides: tuple[int, ...], options: MaskRCNNOptions) -> None:
        super().__init__()
        self.options = options
        self.pooled_strides = strides[:4]  # P2 to P5; P6 proposes only
        self.proposals = Proposals(width, strides, options)
        self.box_head = BoxHead(width, channels, options.head_width)
        self.mask_head = MaskHead(width, channels)
        self.point_head = PointHead(width, channels) if options.refinements else None

    def forward(self, frames: Tensor, pyramid: list[Tensor], count: int) -> Candidates:
        """The `count` best objects of each frame."""
        proposals = best_proposals(self.proposals(pyramid), frames, self.options)
        features = region_features(pyramid, *flat_regions(proposals[0]), SIDE, self.pooled_strides)
        logits, codes = self.box_head(features)
        scores, channels, boxes = best_boxes(logits, codes, proposals, frames, count=count, options=self.options)
        side = self.options.mask_size // 2
        features = region_features(pyramid, *flat_regions(boxes), side, self.pooled_strides)
        masks = self.mask_head(features, channels.flatten()).unflatten(0, scores.shape)
        if self.point_head is not None:
            masks = refined(
                masks,
                boxes,
                channels,
                pyramid[0],
                self.point_head,
                times=self.options.refinements,
                points=self.options.points,
            )
        return padded_with_nothing(Candidates(scores, channels, boxes, masks), count)

    def losses(self, frames: Tensor, pyramid: list[Tensor], targets: Sequence[InstanceTargets]) -> dict[str, Tensor]:
        """The terms, each a scalar with gradient; an image without objects has no box and no mask loss."""
        for target in targets:
            needs_masks(target, "maskrcnn")
        seen = [judged(target) for target in targets]
        said = self.proposals(pyramid)
        chosen = proposals_to_train(said, frames, self.options)
        regions = regions_to_train(chosen, seen, self.options)
        logits, codes = self.box_head(region_features(pyramid, regions.boxes, regions.image, SIDE, self.pooled_strides))
        with torch.autocast(frames.device.type, enabled=False):
            objectness, proposals = proposal_losses(said, seen, self.options)
            classes, boxes = region_losses(logits.float(), codes.float(), regions)
        terms = {"objectness": objectness, "proposals": proposals, "classes": classes, "boxes": boxes}
        return terms | self._mask_losses(pyramid, regions, seen)

    def _mask_losses(
        self, pyramid: list[Tensor], regions: Regions, targets: list[InstanceTargets]
    ) -> dict[str, Tensor]:
        asked = AskedMasks.of(regions)
        side = self.options.mask_size // 2
        features = region_features(pyramid, asked.boxes, asked.image, side, self.pooled_strides)
        logits = self.mask_head(features, asked.channels)
        with torch.autocast(logits.device.type, enabled=False):
            logits = logits.float()
            parts = [
                truths_in(asked.boxes[own], asked.target[own], target, self.options.mask_size)
                for target, own in ((one, asked.image == number) for number, one in enumerate(targets))
            ]
            shares, counted = (torch.cat(values) for values in zip(*parts, strict=True))
            terms = {"masks": mask_loss(logits, shares, counted)}
            if self.point_head is not None:
                terms["points"] = point_loss(logits, asked, pyramid[0].float(), targets, self.point_head)
        return terms
