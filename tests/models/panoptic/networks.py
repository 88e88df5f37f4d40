"""Panoptic FPN as small as it still learns, and frames with two kinds of stuff under their things."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from segwright.models.panoptic import PanopticFPN, PanopticSpec, PanopticTargets, build_panoptic_network
from tests.models.instance.networks import MASK_RCNN
from tests.models.instance.scenes import scene

LEFT, RIGHT, THING, VOID = 0, 1, 2, -1


def spec(*, refinements: int = 0, score_floor: float = 0.05) -> PanopticSpec:
    options = replace(MASK_RCNN, refinements=refinements, score_floor=score_floor)
    return PanopticSpec("panoptic_fpn", "test_resnet", 3, 2, 2, options, width=32, candidates=10, stuff_width=32)


def network(**options: float) -> PanopticFPN:
    """The network with the same random weights each time."""
    torch.manual_seed(0)
    return build_panoptic_network(spec(**options))


def panoptic_scene(seed: int) -> tuple[Tensor, PanopticTargets]:
    """A frame whose right half is darker, with discs and bars."""
    frame, things = scene(seed)
    assert things.masks is not None
    covered = things.masks.any(0)
    right = (torch.arange(64) >= 32).expand(64, 64)
    stuff = torch.where(covered, THING, torch.where(right, RIGHT, LEFT))
    return torch.where(right & ~covered, frame - 1, frame), PanopticTargets(things, stuff)


def batch(seeds: range) -> tuple[Tensor, list[PanopticTargets]]:
    pairs = [panoptic_scene(seed) for seed in seeds]
    return torch.stack([frame for frame, _ in pairs]), [target for _, target in pairs]
