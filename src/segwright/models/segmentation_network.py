"""What training, inference and export rely on, whatever a network is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segwright.core import Size
from segwright.models.spec import NetworkSpec
from segwright.models.trainable import Trainable

# A class rarer than this starts as if it were this common: crops are centred on rare classes, and soft Dice has no
# gradient where a class starts near zero everywhere.
RAREST_SHARE = 1e-2


class SegmentationNetwork(Trainable):
    """Frames `(batch, bands, height, width)` to logits `(batch, channels, height, width)`.

    In training mode it may answer with a list of logits instead, the finest first, each at a size of its own: what
    auxiliary heads say, which `segwright.models.losses.DeepSupervision` takes.

    Attributes, beside those of `Trainable`:
        fixed_input: the one size it can read, where it is built for one; its `stride_px` is then its side.
        pools_frame: a batch norm sees one value a frame and channel, so that training needs two crops in a step.
    """

    pools_frame: bool = False

    def __init__(self, spec: NetworkSpec, stride_px: int, fixed_input: Size | None = None) -> None:
        super().__init__()
        self.spec = spec
        self.stride_px = stride_px
        self.fixed_input = fixed_input

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
