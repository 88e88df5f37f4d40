"""ESPNet (Mehta et al. 2018): dilated convolutions in a spatial pyramid, 0.4 million weights.

Parameters are called as in the authors' files, which load without renaming; `classifier.bias` is ours, zero unless
`expect` sets it. Those files were trained on BGR frames with mean and std of their own: see docs/weights.md.

Source: "ESPNet: Efficient Spatial Pyramid of Dilated Convolutions for Semantic Segmentation", ECCV 2018, sections 3 and
4, figures 1 and 4; layer widths, epsilon and order of the fusion from the authors' code, github.com/sacmehta/ESPNet.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segwright.models.options import Option, resolve_options
from segwright.models.segmentation_network import SegmentationNetwork
from segwright.models.spec import NetworkSpec

OPTIONS = {
    "p": Option(2, "ESP blocks at 1/4 of the frame: alpha_2 of the paper"),
    "q": Option(8, "ESP blocks at 1/8 of the frame: alpha_3 of the paper"),
    "fine": Option(
        "features",
        "what the decoder sees at 1/2: the first layer's features, or the frame joined to them, as the CamVid file",
        choices=("features", "joined"),
    ),
}
WIDTHS = (16, 64, 128)  # at 1/2, 1/4 and 1/8
DILATIONS = (1, 2, 4, 8, 16)
LEAST_WIDTH = 8  # of the decoder: the authors' is as wide as there are classes, of which they have 12 and 20
EPSILON = 1e-3
STRIDE_PX = 8


class ESPNet(SegmentationNetwork):
    """The encoder ESPNet-C and its light decoder, whose layers are as wide as there are classes, and at least 8.

    Weights for other classes fill only the encoder: no layer of the decoder keeps its shape.
    """

    own_encoder = True

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec, stride_px=STRIDE_PX)
        options = resolve_options(spec, OPTIONS)
        width = max(spec.channels, LEAST_WIDTH)
        self.joins_frame = options["fine"] == "joined"
        fine = WIDTHS[0] + (spec.bands if self.joins_frame else 0)
        self.encoder = Encoder(spec.bands, width, options["p"], options["q"])
        self.level3_C = Convolution(2 * WIDTHS[1] + spec.bands, width, 1)
        self.br = nn.BatchNorm2d(width, eps=EPSILON)
        self.conv = ConvNormAct(fine + width, width, 3)
        self.up_l3 = nn.Sequential(_doubled(width, width))
        self.combine_l2_l3 = nn.Sequential(NormAct(2 * width), ESPBlock(2 * width, width, residual=False))
        self.up_l2 = nn.Sequential(_doubled(width, width), NormAct(width))
        self.classifier = _doubled(width, spec.channels, bias=True)
        nn.init.zeros_(cast("Tensor", self.classifier.bias))

    def forward(self, frames: Tensor) -> Tensor:
        fine, joined, middle, deep = self.encoder.pyramid(frames)
        deep = self.up_l3(self.br(self.encoder.classifier(deep)))
        middle = self.up_l2(self.combine_l2_l3(torch.cat([self.level3_C(middle), deep], dim=1)))
        return self.classifier(self.conv(torch.cat([middle, joined if self.joins_frame else fine], dim=1)))

    @property
    def stages(self) -> list[list[nn.Module]]:
        """Without the encoder's own classifier, which is as wide as there are classes and learns with the decoder."""
        parts = self.encoder
        return [
            [parts.level1, parts.b1],
            [parts.level2_0, parts.level2, parts.b2],
            [parts.level3_0, parts.level3, parts.b3],
        ]

    @property
    def backbone(self) -> nn.Module:
        return self.encoder

    @property
    def class_layers(self) -> list[Any]:
        return [self.classifier]


class Encoder(nn.Module):
    """ESPNet-C: 1/2, 1/4 and 1/8 of the frame, each joined by the frame itself, averaged down."""

    def __init__(self, bands: int, outputs: int, p: int, q: int) -> None:
        super().__init__()
        fine, middle, deep = WIDTHS
        self.level1 = ConvNormAct(bands, fine, 3, stride=2)
        self.b1 = NormAct(fine + bands)
        self.level2_0 = ESPDown(fine + bands, middle)
        self.level2 = nn.ModuleList(ESPBlock(middle, middle) for _ in range(p))
        self.b2 = NormAct(2 * middle + bands)
        self.level3_0 = ESPDown(2 * middle + bands, deep)
        self.level3 = nn.ModuleList(ESPBlock(deep, deep) for _ in range(q))
        self.b3 = NormAct(2 * deep)
        self.classifier = Convolution(2 * deep, outputs, 1)

    def pyramid(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Features at 1/2, the same with the frame joined, and those at 1/4 and 1/8."""
        half = _halved(frames)
        fine = self.level1(frames)
        joined = self.b1(torch.cat([fine, half], dim=1))
        down = self.level2_0(joined)
        middle = down
        for block in self.level2:
            middle = block(middle)
        middle = self.b2(torch.cat([middle, down, _halved(half)], dim=1))
        down = self.level3_0(middle)
        deep = down
        for block in self.level3:
            deep = block(deep)
        return fine, joined, middle, self.b3(torch.cat([down, deep], dim=1))

    def forward(self, frames: Tensor) -> Tensor:
        """ESPNet-C's logits at 1/8 of the frame."""
        return self.classifier(self.pyramid(frames)[-1])


class Convolution(nn.Module):
    """A convolution without bias that keeps the size at stride 1."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        padding = (kernel - 1) // 2 * dilation
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        return self.conv(features)


class NormAct(nn.Module):
    """Batch norm, then PReLU with a slope a channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(width, eps=EPSILON)
        self.act = nn.PReLU(width)

    def forward(self, features: Tensor) -> Tensor:
        return self.act(self.bn(features))


class ConvNormAct(nn.Module):
    """Convolution, batch norm, PReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=EPSILON)
        self.act = nn.PReLU(outputs)

    def forward(self, features: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(features)))


class Pyramid(nn.Module):
    """Reduce to a fifth of the width, then five dilated 3x3 convolutions side by side, summed from narrow to wide.

    The sums remove the grid that dilated convolutions leave (paper, section 3.2, "hierarchical feature fusion"); the
    branch of dilation 1 stays out of them and takes what a fifth leaves over.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        fifth = outputs // len(DILATIONS)
        first = outputs - (len(DILATIONS) - 1) * fifth
        self.c1 = Convolution(inputs, fifth, kernel, stride=stride)
        self.d1 = Convolution(fifth, first, 3)
        self.d2 = Convolution(fifth, fifth, 3, dilation=2)
        self.d4 = Convolution(fifth, fifth, 3, dilation=4)
        self.d8 = Convolution(fifth, fifth, 3, dilation=8)
        self.d16 = Convolution(fifth, fifth, 3, dilation=16)

    def spread(self, features: Tensor) -> Tensor:
        """The branches' answers, one after the other."""
        reduced = self.c1(features)
        answers, total = [self.d1(reduced)], None
        for branch in (self.d2, self.d4, self.d8, self.d16):
            total = branch(reduced) if total is None else total + branch(reduced)
            answers.append(total)
        return torch.cat(answers, dim=1)


class ESPBlock(Pyramid):
    """The ESP module at one resolution."""

    def __init__(self, inputs: int, outputs: int, *, residual: bool = True) -> None:
        super().__init__(inputs, outputs, kernel=1, stride=1)
        self.bn = NormAct(outputs)
        self.residual = residual

    def forward(self, features: Tensor) -> Tensor:
        answer = self.spread(features)
        return self.bn(features + answer if self.residual else answer)


class ESPDown(Pyramid):
    """The ESP module that halves the resolution: its reduction has stride 2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, kernel=3, stride=2)
        self.bn = nn.BatchNorm2d(outputs, eps=EPSILON)
        self.act = nn.PReLU(outputs)

    def forward(self, features: Tensor) -> Tensor:
        return self.act(self.bn(self.spread(features)))


def _halved(frames: Tensor) -> Tensor:
    return F.avg_pool2d(frames, kernel_size=3, stride=2, padding=1)


def _doubled(inputs: int, outputs: int, *, bias: bool = False) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, kernel_size=2, stride=2, bias=bias)
