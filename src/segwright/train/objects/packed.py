"""Targets of batches that wait for their step: true masks a bit a pixel, whole again when the step takes them.

500 objects of a crop of 512 px are 131 MB as bytes, a crop; of all batches ahead of training that is gigabytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segwright.models.instance import InstanceTargets
from segwright.models.panoptic import PanopticTargets
from segwright.models.query import SegmentTargets


@dataclass(frozen=True)
class PackedMasks:
    """Masks (objects, height, width) bool as bits."""

    bits: npt.NDArray[np.uint8]
    shape: tuple[int, ...]

    @staticmethod
    def of(masks: Tensor) -> PackedMasks:
        """The bits of `masks`, which lie on the CPU."""
        return PackedMasks(np.packbits(masks.numpy().reshape(-1)), tuple(masks.shape))

    def masks(self) -> Tensor:
        """The masks they were made of."""
        count = int(np.prod(self.shape))
        return torch.from_numpy(np.unpackbits(self.bits, count=count).view(np.bool_).reshape(self.shape))


def packed(target: Any) -> Callable[[], Any]:
    """What gives `target` back, as it is; meanwhile its masks take an eighth of their bytes. Maps stay as they are."""
    if isinstance(target, PanopticTargets):
        things, stuff = packed(target.things), target.stuff
        return lambda: PanopticTargets(things(), stuff)
    if isinstance(target, InstanceTargets) and target.masks is not None and target.masks.dtype == torch.bool:
        masks, rest = PackedMasks.of(target.masks), replace(target, masks=None)
        return lambda: replace(rest, masks=masks.masks())
    if isinstance(target, SegmentTargets) and target.places.dtype == torch.bool:
        places, channels, valid = PackedMasks.of(target.places), target.channels, target.valid
        return lambda: SegmentTargets(channels, places.masks(), valid)
    return lambda: target
