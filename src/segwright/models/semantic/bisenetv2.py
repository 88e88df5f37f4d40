"""BiSeNetV2 (Yu et al. 2021, figure 3): two branches for real time, trained from scratch, with no encoder of others.

    frame ─┬─ detail: wide and shallow, 1/8 of the frame ──────────────┐
           └─ semantic: narrow and deep, 1/32, then the frame's mean ── aggregation ─ head ─ enlarged x8

In training four heads on the semantic branch's stages answer too ("booster training", section 4.4).
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from segwright.models.options import Option, resolve_options
from segwright.models.segmentation_network import SegmentationNetwork
from segwright.models.semantic.blocks import ConvBlock, PointBlock
from segwright.models.semantic.encoder_decoder import enlarged
from segwright.models.spec import NetworkSpec

WIDTH = 128
BOOSTED = (16, 32, 64, 128)  # the semantic branch's stages, 1/4 to 1/32 of the frame: table 1
OPTIONS = {
    "boosters": Option(default=True, about="in training the semantic branch's stages answer too", choices=(True, False))
}


def bisenetv2(spec: NetworkSpec) -> BiSeNetV2:
    """BiSeNetV2; the encoder that `spec` names is not used."""
    return BiSeNetV2(spec, boosters=resolve_options(spec, OPTIONS)["boosters"])


class BiSeNetV2(SegmentationNetwork):
    """Logits from what the two branches say together."""

    own_encoder = True
    pools_frame = True

    def __init__(self, spec: NetworkSpec, *, boosters: bool) -> None:
        super().__init__(spec, stride_px=32)
        self.detail = nn.Sequential(*_stage(spec.bands, 64, 1), *_stage(64, 64, 2), *_stage(64, WIDTH, 2))
        self.semantic = SemanticBranch(spec.bands)
        self.aggregation = GuidedAggregation()
        self.features = nn.Sequential(ConvBlock(WIDTH, 1024), nn.Dropout(0.1))
        self.head = nn.Conv2d(1024, spec.channels, kernel_size=1)
        self.boosters = nn.ModuleList(Booster(width, spec.channels) for width in BOOSTED if boosters)

    def forward(self, frames: Tensor) -> Tensor | list[Tensor]:
        stages, semantic = self.semantic(frames)
        logits = enlarged(self.head(self.features(self.aggregation(self.detail(frames), semantic))), 8)
        if not self.training or not self.boosters:
            return logits
        return [logits, *(booster(stage) for booster, stage in zip(self.boosters, stages, strict=True))]

    @property
    def class_layers(self) -> list[nn.Conv2d]:
        return [self.head, *(cast("Booster", booster).score for booster in self.boosters)]


class SemanticBranch(nn.Module):
    """The four stages' maps, 1/4 to 1/32 of the frame, and the last one with the frame's context embedded."""

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.stem = Stem(bands)
        self.stages = nn.ModuleList(
            nn.Sequential(
                GatherExpand(inputs, outputs, stride=2), *(GatherExpand(outputs, outputs) for _ in range(more))
            )
            for inputs, outputs, more in ((16, 32, 1), (32, 64, 1), (64, 128, 3))
        )
        self.frame = nn.Sequential(nn.BatchNorm2d(128), PointBlock(128, 128))
        self.embed = nn.Conv2d(128, WIDTH, kernel_size=3, padding=1, bias=False)

    def forward(self, frames: Tensor) -> tuple[list[Tensor], Tensor]:
        maps = [self.stem(frames)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        last = maps[-1]
        return maps, self.embed(last + self.frame(last.mean((2, 3), keepdim=True)))


class Stem(nn.Module):
    """1/4 of the frame, 16 wide: convolutions and pooling side by side (figure 4a)."""

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.first = ConvBlock(bands, 16, stride=2)
        self.left = nn.Sequential(PointBlock(16, 8), ConvBlock(8, 16, stride=2))
        self.right = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.join = ConvBlock(32, 16)

    def forward(self, frames: Tensor) -> Tensor:
        half = self.first(frames)
        return self.join(torch.cat([self.left(half), self.right(half)], dim=1))


class GatherExpand(nn.Module):
    """Gather by a 3x3 convolution, expand six times by depthwise ones, project back (figure 5)."""

    EXPANSION = 6

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        inner = self.EXPANSION * inputs
        depthwise = [*_depthwise(inputs, inner, stride), nn.ReLU(inplace=True)]
        if stride == 2:
            depthwise = [*_depthwise(inputs, inner, 2), *_depthwise(inner, inner, 1), nn.ReLU(inplace=True)]
        project = [nn.Conv2d(inner, outputs, kernel_size=1, bias=False), nn.BatchNorm2d(outputs)]
        self.main = nn.Sequential(ConvBlock(inputs, inputs), *depthwise, *project)
        self.shortcut = nn.Sequential(*_shortcut(inputs, outputs) if stride == 2 else ())

    def forward(self, features: Tensor) -> Tensor:
        return (self.main(features) + self.shortcut(features)).relu()


class GuidedAggregation(nn.Module):
    """Each branch weighs the other, at 1/8 and at 1/32 of the frame, and both are added at 1/8 (figure 6)."""

    def __init__(self) -> None:
        super().__init__()
        self.detail_keep = nn.Sequential(*_depthwise(WIDTH, WIDTH, 1), nn.Conv2d(WIDTH, WIDTH, 1, bias=False))
        self.detail_down = nn.Sequential(_convolution(2), nn.BatchNorm2d(WIDTH), nn.AvgPool2d(3, stride=2, padding=1))
        self.semantic_up = nn.Sequential(_convolution(1), nn.BatchNorm2d(WIDTH))
        self.semantic_keep = nn.Sequential(*_depthwise(WIDTH, WIDTH, 1), nn.Conv2d(WIDTH, WIDTH, 1, bias=False))
        self.join = nn.Sequential(_convolution(1), nn.BatchNorm2d(WIDTH))

    def forward(self, detail: Tensor, semantic: Tensor) -> Tensor:
        fine = self.detail_keep(detail) * enlarged(self.semantic_up(semantic), 4).sigmoid()
        coarse = self.detail_down(detail) * self.semantic_keep(semantic).sigmoid()
        return self.join(fine + enlarged(coarse, 4))


class Booster(nn.Module):
    """An answer in training, at the size of a stage of the semantic branch."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.features = nn.Sequential(ConvBlock(inputs, WIDTH), nn.Dropout(0.1))
        self.score = nn.Conv2d(WIDTH, channels, kernel_size=1)

    def forward(self, stage: Tensor) -> Tensor:
        return self.score(self.features(stage))


def _stage(inputs: int, outputs: int, more: int) -> list[nn.Module]:
    """A stage of the detail branch: half the size, then `more` convolutions at it (table 1)."""
    return [ConvBlock(inputs, outputs, stride=2), *(ConvBlock(outputs, outputs) for _ in range(more))]


def _depthwise(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, groups=inputs, bias=False)
    return [convolution, nn.BatchNorm2d(outputs)]


def _shortcut(inputs: int, outputs: int) -> list[nn.Module]:
    point = nn.Conv2d(inputs, outputs, kernel_size=1, bias=False)
    return [*_depthwise(inputs, inputs, 2), point, nn.BatchNorm2d(outputs)]


def _convolution(stride: int) -> nn.Conv2d:
    return nn.Conv2d(WIDTH, WIDTH, kernel_size=3, stride=stride, padding=1, bias=False)
