"""SOLOv2 (Wang et al. 2020): objects by location; each cell of a grid makes the kernel that draws its object."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from segwright.core import ConfigError
from segwright.models.instance.boxinst import frames_in_lab
from segwright.models.instance.contract import Candidates, InstanceTargets, MaskFrame
from segwright.models.instance.draws import MASKS, draws_of, shuffled
from segwright.models.instance.judged import judged, needs_masks
from segwright.models.instance.pyramid_network import PyramidNetwork
from segwright.models.instance.solov2.answer import candidates_of
from segwright.models.instance.solov2.assignment import Assignment, assign
from segwright.models.instance.solov2.heads import CellHead, MaskFeatures
from segwright.models.instance.solov2.losses import AskedMasks, box_losses, cell_loss, dice_losses
from segwright.models.instance.solov2.options import SOLOv2Options
from segwright.models.instance.spec import InstanceSpec
from segwright.models.joint import joint_mean


class SOLOv2(PyramidNetwork):
    """Candidates with masks of the whole frame at 1/4, from frames (batch, bands, height, width)."""

    mask_frame: MaskFrame = "image"

    def __init__(self, spec: InstanceSpec) -> None:
        assert isinstance(spec.options, SOLOv2Options)
        _check_bands(spec, spec.options)
        super().__init__(spec, "pool")
        self.options = spec.options
        self.mask_stride_px = self.pyramid.strides[0]
        self.cells = CellHead(spec.width, spec.channels, self.options)
        self.mask_features = MaskFeatures(spec.width, self.options)
        self.steps_from_boxes: Tensor
        self.register_buffer("steps_from_boxes", torch.zeros((), dtype=torch.int64))  # of the warm-up

    def forward(self, frames: Tensor) -> Candidates:
        classes, kernels, features = self.heads(frames)
        return candidates_of(
            classes,
            kernels,
            features,
            count=self.spec.candidates,
            stride_px=self.mask_stride_px,
            options=self.options,
        )

    def heads(self, frames: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        """Class logits a level, kernels of all cells, mask features: what the loss and the answer are made from."""
        pyramid = self.pyramid(self.encoder(frames))
        classes, kernels = self.cells(pyramid)
        return classes, kernels, self.mask_features(pyramid)

    def loss(self, frames: Tensor, targets: Sequence[InstanceTargets]) -> tuple[Tensor, dict[str, Tensor]]:
        """Terms `cells` and `masks`; from boxes `cells`, `projection` and `colour`."""
        classes, kernels, features = self.heads(frames)
        with torch.autocast(frames.device.type, enabled=False):
            logits = torch.cat([level.flatten(2) for level in classes], dim=2).transpose(1, 2)
            return self.loss_of(logits.float(), kernels.float(), features.float(), frames, targets)

    def loss_of(
        self, logits: Tensor, kernels: Tensor, features: Tensor, frames: Tensor, targets: Sequence[InstanceTargets]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of class logits (batch, cells, channels), kernels and features: `loss` after the network."""
        from_boxes = self.options.learn_from == "boxes"
        seen = [judged(_boxes_only(target) if from_boxes else _with_masks(target)) for target in targets]
        assignments = [assign(target, self.options) for target in seen]
        asked = [
            self._asked(kernels[image], features[image], one, draws_of(targets[image], MASKS))
            for image, one in enumerate(assignments)
        ]
        terms = {"cells": cell_loss(logits, assignments)}
        nothing = 0 * (kernels.sum() + features.sum())  # a batch without objects still reaches every parameter
        if from_boxes:
            terms |= self._from_boxes(asked, seen, frames, nothing)
            total = terms["cells"] + terms["projection"] + self._warmth() * terms["colour"]
        else:
            parts = [
                dice_losses(mask, target, self.mask_stride_px)
                for mask, target in zip(asked, seen, strict=True)
                if len(mask.target)
            ]
            terms["masks"] = _joint_mean(parts, nothing)
            total = terms["cells"] + self.options.mask_weight * terms["masks"]
        return total, {name: term.detach() for name, term in terms.items()}

    def _asked(
        self, kernels: Tensor, features: Tensor, assignment: Assignment, draws: torch.Generator | None = None
    ) -> AskedMasks:
        """The masks of one image that cells are asked for: all, or `masks_to_train` of them drawn at random."""
        count, limit = len(assignment.cell), self.options.masks_to_train
        drawn = shuffled(count, kernels.device, draws)[:limit] if count > limit else slice(None)
        return AskedMasks(kernels[assignment.cell[drawn]], features, assignment.target[drawn])

    def _from_boxes(
        self, asked: list[AskedMasks], targets: list[InstanceTargets], frames: Tensor, nothing: Tensor
    ) -> dict[str, Tensor]:
        mean, std = frames.new_tensor(self.options.pixel_mean), frames.new_tensor(self.options.pixel_std)
        colours = frames_in_lab(frames, mean, std, self.mask_stride_px)
        parts = [
            box_losses(
                mask,
                target,
                lab,
                _judged_cells(target, self.mask_stride_px),
                stride_px=self.mask_stride_px,
                threshold=self.options.colour_threshold,
            )
            for mask, target, lab in zip(asked, targets, colours, strict=True)
            if len(mask.target)
        ]
        pairs = torch.cat([part.pairs for part in parts]).sum() if parts else 0
        alike = torch.cat([part.pairwise for part in parts]).sum() if parts else nothing
        return {
            "projection": _joint_mean([part.projection for part in parts], nothing),
            "colour": joint_mean(alike, pairs),
        }

    def _warmth(self) -> float:
        """The share 0..1 of the colour term: it grows over the first steps, until masks exist for it to refine."""
        if self.training:
            self.steps_from_boxes += 1
        return min(1.0, int(self.steps_from_boxes) / max(1, self.options.warm_up_steps))


def _joint_mean(parts: list[Tensor], nothing: Tensor) -> Tensor:
    """The mean of all values in `parts`; `nothing` where there is none."""
    values = torch.cat(parts) if parts else None
    return joint_mean(nothing, 0) if values is None else joint_mean(values.sum(), len(values))


def _check_bands(spec: InstanceSpec, options: SOLOv2Options) -> None:
    """Raise ConfigError where colours could not be read back from the frames: one mean and std would fill all bands."""
    found = {len(options.pixel_mean), len(options.pixel_std)}
    if options.learn_from == "boxes" and found != {spec.bands}:
        raise ConfigError.of(
            "model.network: solov2 with learn_from boxes",
            "has a mean and std for another number of bands",
            allowed=f"{spec.bands} of both, the numbers the frames are normalised with",
            found=f"{len(options.pixel_mean)} means, {len(options.pixel_std)} stds",
            fix="set pixel_mean and pixel_std to the preprocessing's mean and std",
        )


def _with_masks(targets: InstanceTargets) -> InstanceTargets:
    needs_masks(targets, "solov2")
    return targets


def _boxes_only(targets: InstanceTargets) -> InstanceTargets:
    return InstanceTargets(targets.channels, targets.boxes, None, targets.ignored)


def _judged_cells(targets: InstanceTargets, stride_px: int) -> Tensor:
    """The cells (height / stride, width / stride) bool without an ignored pixel."""
    return ~torch.nn.functional.max_pool2d(targets.ignored.float()[None], stride_px)[0].bool()
