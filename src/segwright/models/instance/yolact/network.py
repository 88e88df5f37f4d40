"""YOLACT (Bolya et al. 2019): a mask is the frame's prototypes times the object's coefficients, cut at its box."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segwright.models.instance.contract import Candidates, InstanceTargets, MaskFrame
from segwright.models.instance.draws import MASKS, draws_of, shuffled
from segwright.models.instance.judged import judged, needs_masks
from segwright.models.instance.pyramid_network import PyramidNetwork
from segwright.models.instance.spec import InstanceSpec
from segwright.models.instance.yolact.answer import candidates_of
from segwright.models.instance.yolact.heads import AnchorHead, Predictions, Protonet, anchors_of
from segwright.models.instance.yolact.losses import class_loss, encode, mask_loss, semantic_loss
from segwright.models.instance.yolact.matching import match
from segwright.models.instance.yolact.options import YOLACTOptions
from segwright.models.joint import joint_mean


class YOLACT(PyramidNetwork):
    """Candidates with masks of the whole frame at 1/4, from frames (batch, bands, height, width)."""

    mask_frame: MaskFrame = "image"

    def __init__(self, spec: InstanceSpec) -> None:
        super().__init__(spec, "convolve")
        assert isinstance(spec.options, YOLACTOptions)
        self.options = spec.options
        self.mask_stride_px = self.pyramid.strides[0] // 2
        self.anchors = anchors_of(self.options, self.pyramid.strides)
        self.head = AnchorHead(spec.width, spec.channels, self.anchors.per_cell, self.options.prototypes)
        self.protonet = Protonet(spec.width, self.options.prototypes)
        self.semantic = nn.Conv2d(spec.width, spec.channels, kernel_size=1)  # for the loss alone

    def forward(self, frames: Tensor) -> Candidates:
        return candidates_of(
            self.predictions(frames),
            frames,
            count=self.spec.candidates,
            stride_px=self.mask_stride_px,
            options=self.options,
        )

    def predictions(self, frames: Tensor) -> Predictions:
        """What is said of every anchor, and the prototypes."""
        pyramid = [F.relu(level) for level in self.pyramid(self.encoder(frames))]
        classes, codes, coefficients = self.head(pyramid)
        anchors = torch.cat(self.anchors(pyramid))
        return Predictions(classes, codes, coefficients, self.protonet(pyramid[0]), anchors, self.semantic(pyramid[0]))

    def loss(self, frames: Tensor, targets: Sequence[InstanceTargets]) -> tuple[Tensor, dict[str, Tensor]]:
        """Terms `classes`, `boxes`, `masks`, `semantic`."""
        said = self.predictions(frames)
        with torch.autocast(frames.device.type, enabled=False):
            return self.loss_of(Predictions(*(part.float() for part in said)), targets)

    def loss_of(self, said: Predictions, targets: Sequence[InstanceTargets]) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of predictions: `loss` after the network."""
        nothing = 0 * sum((part.sum() for part in said), start=said.classes.new_zeros(()))
        sums: dict[str, Tensor] = dict.fromkeys(("classes", "boxes", "masks", "semantic"), nothing)
        positives = 0
        for image, given in enumerate(targets):
            needs_masks(given, "yolact")
            target = judged(given)
            matches = match(target, said.anchors, self.options)
            positive = (matches.classes > 0).nonzero().flatten()
            positives += len(positive)
            asked = matches.target[positive]
            codes = encode(target.boxes[asked], said.anchors[positive])
            sums["classes"] = sums["classes"] + class_loss(
                said.classes[image], matches.classes, self.options.negatives_per_positive
            )
            sums["boxes"] = sums["boxes"] + F.smooth_l1_loss(said.codes[image, positive], codes, reduction="sum")
            sums["masks"] = sums["masks"] + self._masks(said, image, positive, asked, target)
            sums["semantic"] = sums["semantic"] + semantic_loss(said.semantic[image], target, 2 * self.mask_stride_px)
        return self._weighted(sums, positives, len(targets))

    def _masks(self, said: Predictions, image: int, positive: Tensor, asked: Tensor, target: InstanceTargets) -> Tensor:
        """The mask loss of one image over at most `masks_to_train` of its anchors, scaled up to all of them."""
        count, limit = len(positive), self.options.masks_to_train
        drawn = shuffled(count, positive.device, draws_of(target, MASKS))[:limit] if count > limit else slice(None)
        coefficients = said.coefficients[image, positive[drawn]]
        total = mask_loss(coefficients, said.prototypes[image], asked[drawn], target, self.mask_stride_px)
        return total * max(1.0, count / limit)

    def _weighted(self, sums: dict[str, Tensor], positives: int, images: int) -> tuple[Tensor, dict[str, Tensor]]:
        counts = {name: images if name == "semantic" else positives for name in sums}
        terms = {name: joint_mean(value, counts[name]) for name, value in sums.items()}
        weights = {
            "classes": self.options.class_weight,
            "boxes": self.options.box_weight,
            "masks": self.options.mask_weight,
            "semantic": self.options.semantic_weight,
        }
        total = sum((weights[name] * term for name, term in terms.items()), start=terms["classes"].new_zeros(()))
        return total, {name: term.detach() for name, term in terms.items()}
