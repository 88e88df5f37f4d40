"""What the networks of objects over a feature pyramid have in common: an encoder and the pyramid on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from segwright.models.encoder import Encoder
from segwright.models.instance.contract import MaskFrame
from segwright.models.instance.pyramid import Levels, Pyramid
from segwright.models.trainable import Trainable

if TYPE_CHECKING:
    from segwright.models.instance.spec import InstanceSpec
    from segwright.models.panoptic.spec import PanopticSpec


class PyramidNetwork(Trainable):
    """An encoder with a pyramid of the spec's width; the heads on it are the network's own, built after it."""

    mask_frame: MaskFrame

    def __init__(self, spec: InstanceSpec | PanopticSpec, levels: Levels) -> None:
        super().__init__()
        self.spec = spec
        self.encoder = Encoder(spec.encoder, spec.bands)
        self.stride_px = self.encoder.strides[-1]
        self.pyramid = Pyramid(self.encoder, spec.width, levels)
        self.example_px = self.pyramid.strides[-1]

    @property
    def stages(self) -> list[list[nn.Module]]:
        return self.encoder.stages

    @property
    def backbone(self) -> nn.Module:
        return self.encoder.backbone
