"""What training, inference and export rely on, whatever a network is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from segwright.core import Size
from segwright.models.spec import NetworkSpec

# A class rarer than this starts as if it were this common: crops are centred on rare classes, and soft Dice has no
# gradient where a class starts near zero everywhere.
RAREST_SHARE = 1e-2


class SegmentationNetwork(nn.Module):
    """Frames `(batch, bands, height, width)` to logits `(batch, channels, height, width)`.

    In training mode it may answer with a list of logits instead, the finest first, each at a size of its own: what
    auxiliary heads say, which `segwright.models.losses.DeepSupervision` takes.

    Attributes:
        spec: what it was built from.
        stride_px: height and width are multiples of this; the tile engine pads to it.
        fixed_input: the one size it can read, where it is built for one; its `stride_px` is then its side.
        own_encoder: whether its encoder belongs to it; then the encoder that `spec` names is not used.
        pools_frame: a batch norm sees one value a frame and channel, so that training needs two crops in a step.
    """

    own_encoder: ClassVar[bool] = False
    pools_frame: bool = False

    def __init__(self, spec: NetworkSpec, stride_px: int, fixed_input: Size | None = None) -> None:
        super().__init__()
        self.spec = spec
        self.stride_px = stride_px
        self.fixed_input = fixed_input

    @property
    def stages(self) -> list[list[nn.Module]]:
        """The encoder's layers from the input upwards, grouped; every parameter of the encoder is in them once.

        What transfer learning freezes and teaches more slowly; all other parameters count as decoder. None: no
        layer has pretrained weights.
        """
        return []

    @property
    def backbone(self) -> nn.Module | None:
        """The module that pretrained weights are loaded into, under their publisher's names; None: there are none."""
        return None

    @property
    def class_layers(self) -> Sequence[nn.Conv2d | nn.Linear]:
        """The last layers, which have a channel a class: of no use to a network for other classes."""
        return []

    def expect(self, shares: Sequence[float]) -> None:
        """Start from predicting class shares (channels,) everywhere, instead of every class alike.

        Without it the first hundreds of steps only teach that most pixels are background.
        Source: Lin et al. 2017 (focal loss), section 3.3, "class imbalance and model initialization".
        """
        for layer in self.class_layers:
            set_bias(layer, expected_logits(shares))

    def forward(self, frames: Tensor) -> Tensor | list[Tensor]:
        """Logits, see the class."""
        raise NotImplementedError


def expected_logits(shares: Sequence[float]) -> Tensor:
    """Logits (channels,) whose softmax are the shares, the rarest raised to `RAREST_SHARE`; their mean is 0."""
    logits = torch.tensor([math.log(max(share, RAREST_SHARE)) for share in shares])
    return logits - logits.mean()


def set_bias(layer: nn.Conv2d | nn.Linear, values: Tensor) -> None:
    """Give a layer these biases."""
    assert layer.bias is not None  # a layer is built with one unless told otherwise
    with torch.no_grad():
        layer.bias.copy_(values)
