"""The parts of ESPNetv2's decoder: pooling at five scales, and encoder features weighted by the whole frame.

Source: the authors' code (github.com/sacmehta/EdgeNets), whose parameter names these are; no paper describes them.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SCALES = ((2, 1), (3, 2), (1, 1), (1, 2), (1, 10))  # 2, 1.5, 1, 0.5 and 0.1 times the level
LEAST_SIDE = 5  # px: no scale makes a level smaller


class PyramidPooling(nn.Module):
    """A depth-wise 3x3 convolution at five scales of a narrow projection, mixed by a grouped 3x3 and a 1x1.

    With `last` the 1x1 gives logits: it has a bias, and no norm follows.
    """

    def __init__(self, inputs: int, projected: int, outputs: int, *, last: bool = False) -> None:
        super().__init__()
        wide = projected * len(SCALES)
        self.projection_layer = NamedSequence(cbr=_conv_norm_act(inputs, projected, 1, 1))
        self.stages = nn.ModuleList(
            nn.Conv2d(projected, projected, 3, padding=1, groups=projected, bias=False) for _ in SCALES
        )
        mixed = nn.Conv2d(projected, outputs, kernel_size=1, bias=last)
        if mixed.bias is not None:
            nn.init.zeros_(mixed.bias)
        self.merge_layer = nn.Sequential(
            NamedSequence(br=_norm_act(wide)),
            nn.ChannelShuffle(len(SCALES)),
            NamedSequence(cbr=_conv_norm_act(wide, projected, 3, projected)),
            mixed,
        )
        self.br = nn.Identity() if last else NamedSequence(br=_norm_act(outputs))

    def forward(self, features: Tensor) -> Tensor:
        features = self.projection_layer(features)
        answers = [_at_scale(features, stage, scale) for stage, scale in zip(self.stages, SCALES, strict=True)]
        return self.br(self.merge_layer(torch.cat(answers, dim=1)))


class GatedSkip(nn.Module):
    """Encoder features at the decoder's width, each channel weighted by what the whole frame says of it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        gate = nn.Conv2d(inputs, outputs, kernel_size=1, bias=False)
        self.wt_layer = nn.Sequential(nn.AdaptiveAvgPool2d(1), gate, nn.Sigmoid())
        self.expansion_layer = NamedSequence(cbr=_conv_norm_act(inputs, outputs, 3, math.gcd(inputs, outputs)))

    def forward(self, features: Tensor) -> Tensor:
        return self.expansion_layer(features) * self.wt_layer(features)


class NamedSequence(nn.Module):
    """Layers one after the other under the one name the authors' files give them: `cbr.0.weight`."""

    def __init__(self, **layers: nn.Sequential) -> None:
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, features: Tensor) -> Tensor:
        for layer in self.children():
            features = layer(features)
        return features


def _at_scale(features: Tensor, stage: nn.Module, scale: tuple[int, int]) -> Tensor:
    """`stage` at `scale` times the size of `features`, brought back to their size."""
    times, over = scale
    height, width = features.shape[2:]
    if times == over:
        return stage(features)
    size = (_scaled(height, times, over), _scaled(width, times, over))
    if times < over:
        return _resized(stage(_averaged(features, size)), (height, width))
    larger = stage(_resized(features, size))
    if torch.compiler.is_exporting():  # levels are then multiples of 4: see STRIDE_PX of the network
        return F.avg_pool2d(larger, 2) if over == 1 else _two_of_three(_two_of_three(larger, 2), 3)
    return F.adaptive_avg_pool2d(larger, (height, width))


def _scaled(side: int, times: int, over: int) -> int:
    """The side at that scale, rounded up with positive numbers only: ONNX divides towards zero, Python downwards."""
    return cast("int", torch.sym_max((side * times + over - 1) // over, LEAST_SIDE))


def _resized(features: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(features, size=list(size), mode="bilinear", align_corners=True)


def _averaged(features: Tensor, size: tuple[int, int]) -> Tensor:
    """Adaptive average pooling. Export has none for sizes that are not known: there, products with two matrices."""
    if not torch.compiler.is_exporting():
        return F.adaptive_avg_pool2d(features, size)
    rows, columns = (_window_means(features.shape[axis + 2], size[axis], features) for axis in (0, 1))
    return rows @ (features @ columns.T)


def _window_means(length: int, windows: int, like: Tensor) -> Tensor:
    """(windows, length): row i holds the weights of the mean that adaptive pooling takes for its answer i."""
    index = torch.arange(windows, device=like.device)[:, None]
    first, past = index * length // windows, ((index + 1) * length + windows - 1) // windows
    place = torch.arange(length, device=like.device)[None]
    inside = (place >= first) & (place < past)
    return inside.to(like.dtype) / (past - first).to(like.dtype)


def _two_of_three(features: Tensor, axis: int) -> Tensor:
    """Adaptive average pooling of an axis of 3 k px to 2 k: the means of the first two and of the last two of three."""
    first, middle, last = features.unflatten(axis, (-1, 3)).unbind(axis + 1)
    return torch.stack([(first + middle) / 2, (middle + last) / 2], dim=axis + 1).flatten(axis, axis + 1)


def _conv_norm_act(inputs: int, outputs: int, kernel: int, groups: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, *_norm_act(outputs))


def _norm_act(width: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(width), nn.PReLU(width))
