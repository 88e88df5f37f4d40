"""ESPNetv2 (Mehta et al. 2019) with its authors' light decoder: depth-wise dilated convolutions, 0.1 to 0.8 M weights.

Parameters are called as in the authors' files, which load without renaming; the `module_act` of their strided units,
which they never use, is left over. Those were trained on RGB frames with
ImageNet's mean and std.

Source: "ESPNetv2: A Light-weight, Power Efficient, and General Purpose Convolutional Neural Network", CVPR 2019,
section 3, figures 1 and 2 (EESP unit, strided EESP); widths, receptive-field limits and the decoder, which the paper
does not describe, from the authors' code, github.com/sacmehta/EdgeNets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segwright.models.options import Option, resolve_options
from segwright.models.segmentation_network import SegmentationNetwork
from segwright.models.semantic.espnetv2_decoder import GatedSkip, PyramidPooling
from segwright.models.spec import NetworkSpec

# scale -> widths at 1/2, 1/4, 1/8 and 1/16 of the frame
WIDTHS = {
    0.5: (16, 32, 64, 128),
    1.0: (32, 64, 128, 256),
    1.25: (32, 80, 160, 320),
    1.5: (32, 96, 192, 384),
    2.0: (32, 128, 256, 512),
}
OPTIONS = {
    "scale": Option(2.0, "how wide the encoder is", choices=tuple(WIDTHS)),
    "decoder_width": Option(16, "of the decoder, a quarter of its widest level: the authors take 16, for COCO 32"),
}
BRANCHES = 4
BLOCKS = (3, 7)  # EESP units at 1/8 and 1/16
# The largest receptive field of a branch, by the level a unit stands at; wider branches fall back to 3x3.
RECEPTIVE_LIMITS = (13, 11, 9, 7)
LEAST_WIDTH = 8  # of the pooling: the authors' is half as wide as there are classes, of which they have 20 and 21
STRIDE_PX = 64  # the encoder needs 16; the exported pooling needs levels whose sides are multiples of 4


class ESPNetv2(SegmentationNetwork):
    """EESP encoder to 1/16 of the frame, and a decoder of pyramid pooling at 1/16, 1/8, 1/4 and 1/2."""

    own_encoder = True

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec, stride_px=STRIDE_PX)
        options = resolve_options(spec, OPTIONS)
        base, classes = options["decoder_width"], spec.channels
        widths, decoder = WIDTHS[options["scale"]], [4 * base, 3 * base, 2 * base]
        projected = min(base, max(classes // 2, LEAST_WIDTH))
        self.base_net = Encoder(spec.bands, widths)
        self.bu_dec_l1 = PyramidPooling(widths[3], projected, decoder[0])
        self.bu_dec_l2 = PyramidPooling(decoder[0], projected, decoder[1])
        self.bu_dec_l3 = PyramidPooling(decoder[1], projected, decoder[2])
        self.bu_dec_l4 = PyramidPooling(decoder[2], projected, classes, last=True)
        self.merge_enc_dec_l2 = GatedSkip(widths[2], decoder[0])
        self.merge_enc_dec_l3 = GatedSkip(widths[1], decoder[1])
        self.merge_enc_dec_l4 = GatedSkip(widths[0], decoder[2])
        self.bu_br_l2 = _norm_act(decoder[0])
        self.bu_br_l3 = _norm_act(decoder[1])
        self.bu_br_l4 = _norm_act(decoder[2])
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, frames: Tensor) -> Tensor:
        half, quarter, eighth, deep = self.base_net(frames)
        features = self.bu_dec_l1(deep)
        features = self.bu_dec_l2(self.bu_br_l2(self.merge_enc_dec_l2(eighth) + _doubled(features)))
        features = self.bu_dec_l3(self.bu_br_l3(self.merge_enc_dec_l3(quarter) + _doubled(features)))
        features = self.bu_dec_l4(self.bu_br_l4(self.merge_enc_dec_l4(half) + _doubled(features)))
        return F.interpolate(features, size=frames.shape[2:], mode="bilinear", align_corners=True)

    @property
    def stages(self) -> list[list[nn.Module]]:
        parts = self.base_net
        return [[parts.level1], [parts.level2_0], [parts.level3_0, parts.level3], [parts.level4_0, parts.level4]]

    @property
    def backbone(self) -> nn.Module:
        return self.base_net

    @property
    def class_layers(self) -> list[nn.Conv2d]:
        return [cast("nn.Conv2d", self.bu_dec_l4.merge_layer[3])]


class Encoder(nn.Module):
    """The classifier of the paper without its last level: features at 1/2, 1/4, 1/8 and 1/16 of the frame."""

    def __init__(self, bands: int, widths: Sequence[int]) -> None:
        super().__init__()
        half, quarter, eighth, deep = widths
        limits = RECEPTIVE_LIMITS
        self.level1 = ConvNormAct(bands, half, 3, stride=2)
        self.level2_0 = StridedEESP(half, quarter, limits[0], bands)
        self.level3_0 = StridedEESP(quarter, eighth, limits[1], bands)
        self.level3 = nn.ModuleList(EESP(eighth, limits[2]) for _ in range(BLOCKS[0]))
        self.level4_0 = StridedEESP(eighth, deep, limits[2], bands)
        self.level4 = nn.ModuleList(EESP(deep, limits[3]) for _ in range(BLOCKS[1]))

    def forward(self, frames: Tensor) -> list[Tensor]:
        half = self.level1(frames)
        at_quarter = _halved(_halved(frames))
        at_eighth = _halved(at_quarter)
        quarter = self.level2_0(half, at_quarter)
        eighth = self.level3_0(quarter, at_eighth)
        for unit in self.level3:
            eighth = unit(eighth)
        deep = self.level4_0(eighth, _halved(at_eighth))
        for unit in self.level4:
            deep = unit(deep)
        return [half, quarter, eighth, deep]


class Branches(nn.Module):
    """Reduce by grouped 1x1, spread by depth-wise dilated 3x3 summed from narrow to wide, merge by grouped 1x1."""

    def __init__(self, inputs: int, outputs: int, receptive_limit: int, *, stride: int = 1) -> None:
        super().__init__()
        width = outputs // BRANCHES
        self.proj_1x1 = ConvNormAct(inputs, width, 1, groups=BRANCHES)
        self.spp_dw = nn.ModuleList(Depthwise(width, dilation, stride) for dilation in dilations(receptive_limit))
        self.conv_1x1_exp = ConvNorm(outputs, outputs, 1, groups=BRANCHES)
        self.br_after_cat = NormAct(outputs)

    def forward(self, features: Tensor) -> Tensor:
        reduced = self.proj_1x1(features)
        answers: list[Tensor] = []
        for branch in self.spp_dw:
            answer = branch(reduced)
            answers.append(answer + answers[-1] if answers else answer)
        return self.conv_1x1_exp(self.br_after_cat(torch.cat(answers, dim=1)))


class EESP(Branches):
    """The EESP unit at one resolution: the branches' answer added to what came in."""

    def __init__(self, width: int, receptive_limit: int) -> None:
        super().__init__(width, width, receptive_limit)
        self.module_act = nn.PReLU(width)

    def forward(self, features: Tensor) -> Tensor:
        return self.module_act(super().forward(features) + features)


class StridedEESP(nn.Module):
    """Half the resolution: averaged features beside an EESP of stride 2, and the frame itself, averaged down, added."""

    def __init__(self, inputs: int, outputs: int, receptive_limit: int, bands: int) -> None:
        super().__init__()
        self.eesp = Branches(inputs, outputs - inputs, receptive_limit, stride=2)
        self.inp_reinf = nn.Sequential(ConvNormAct(bands, bands, 3), ConvNorm(bands, outputs, 1))
        self.act = nn.PReLU(outputs)

    def forward(self, features: Tensor, frames: Tensor) -> Tensor:
        joined = torch.cat([_halved(features), self.eesp(features)], dim=1)
        return self.act(joined + self.inp_reinf(frames))


def dilations(receptive_limit: int) -> list[int]:
    """The branches' dilations, rising: 3x3, 5x5, ... wide, those above the limit 3x3 again."""
    fields = [3 + 2 * branch for branch in range(BRANCHES)]
    return sorted((field - 1) // 2 if field <= receptive_limit else 1 for field in fields)


class Depthwise(nn.Module):
    """A dilated 3x3 convolution, each channel by itself."""

    def __init__(self, width: int, dilation: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride, dilation, dilation, groups=width, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        return self.conv(features)


class NormAct(nn.Module):
    """Batch norm, then PReLU with a slope a channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(width)
        self.act = nn.PReLU(width)

    def forward(self, features: Tensor) -> Tensor:
        return self.act(self.bn(features))


class ConvNorm(nn.Module):
    """Convolution and batch norm."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        return self.bn(self.conv(features))


class ConvNormAct(ConvNorm):
    """Convolution, batch norm, PReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride=stride, groups=groups)
        self.act = nn.PReLU(outputs)

    def forward(self, features: Tensor) -> Tensor:
        return self.act(super().forward(features))


def _halved(features: Tensor) -> Tensor:
    return F.avg_pool2d(features, kernel_size=3, stride=2, padding=1)


def _doubled(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=True)


def _norm_act(width: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(width), nn.PReLU(width))
