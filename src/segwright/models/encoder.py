"""Encoders: any timm backbone that gives a feature pyramid, under timm's own names."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from typing import cast

import timm
import torch
from timm.models import FeatureInfo
from torch import Tensor, nn

from segwright.core import ConfigError, SegwrightError, Size

PYRAMID = (2, 4, 8, 16, 32)
TRIAL = Size(64, 96)  # not square: a network for one fixed input size shows itself


class Encoder(nn.Module):
    """A timm backbone as a pyramid: features at 1/2, 1/4, 1/8, 1/16 and 1/32 of the frame, fine to coarse.

    `stages` are its layers from the input upwards, one entry a pyramid level: what transfer learning freezes.
    """

    def __init__(self, name: str, bands: int) -> None:
        super().__init__()
        self.backbone = _backbone(name, bands)
        info = self._pyramid_info
        self.widths: tuple[int, ...] = tuple(info.channels())
        self.strides: tuple[int, ...] = tuple(info.reduction())
        if self.strides != PYRAMID:
            raise _unfit(name, f"features at strides {PYRAMID}", str(self.strides))
        self._try(name, bands)

    @property
    def stride_px(self) -> int:
        """Height and width of a frame are multiples of this."""
        return self.strides[-1]

    def forward(self, frames: Tensor) -> list[Tensor]:
        return self.backbone(frames)

    def _try(self, name: str, bands: int) -> None:
        """Raise ConfigError where the backbone does not do what timm says of it.

        Stems without padding, fixed input sizes and widths told wrong show only when a frame goes through.
        """
        expected = [
            (1, width, TRIAL.height // stride, TRIAL.width // stride)
            for width, stride in zip(self.widths, self.strides, strict=True)
        ]
        allowed = f"for a frame of {TRIAL} px the features (batch, width, height, width) {expected}"
        was_training = self.backbone.training
        self.backbone.eval()  # the trial leaves no trace in the batch norms
        try:
            with torch.inference_mode():
                pyramid = self.backbone(torch.zeros(1, bands, TRIAL.height, TRIAL.width))
        except Exception as error:  # whatever a foreign network raises on a size it cannot take
            raise _unfit(name, allowed, f"{type(error).__name__}: {error}".split("\n")[0]) from error
        finally:
            self.backbone.train(was_training)
        found = [tuple(features.shape) for features in pyramid]
        if found != expected:
            raise _unfit(name, allowed, str(found))

    @property
    def _pyramid_info(self) -> FeatureInfo:
        """What timm says of the levels; `features_only` models have it, `nn.Module` cannot say so."""
        return cast("FeatureInfo", self.backbone.feature_info)

    @property
    def stages(self) -> list[list[nn.Module]]:
        """The backbone's layers grouped by pyramid level: `stages[0]` ends at 1/2, `stages[-1]` at 1/32.

        Together they hold every parameter of the backbone once, in the order of `backbone.parameters()`.
        """
        # timm renames the layers it lifts out of a container (`return_layers`); other backbones keep theirs.
        ends = set(getattr(self.backbone, "return_layers", self._pyramid_info.module_name()))
        stages: list[list[nn.Module]] = [[]]
        for name, layer in _layers(self.backbone, ends):
            stages[-1].append(layer)
            if name in ends and len(stages) < len(self.strides):
                stages.append([])
        return [stage for stage in stages if stage]


def _unfit(name: str, allowed: str, found: str) -> SegwrightError:
    return ConfigError.of(
        f"model.encoder: {name}",
        "does not give the feature pyramid a U-Net needs",
        allowed=allowed,
        found=found,
        fix="choose another encoder, for example resnet34, mobilenetv2_100 or efficientnet_b0",
    )


def _layers(module: nn.Module, ends: Collection[str], prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The children of `module` with their full names; a child that a pyramid level ends inside of is opened."""
    for name, child in module.named_children():
        path = prefix + name
        if any(end.startswith(f"{path}.") for end in ends):
            yield from _layers(child, ends, f"{path}.")
        else:
            yield path, child


def _backbone(name: str, bands: int) -> nn.Module:
    if not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_models(), n=4)
        raise ConfigError.of(
            "model.encoder",
            "is not an encoder timm knows",
            allowed="a name that `timm.list_models()` prints",
            found=name,
            fix=f"did you mean {', '.join(close)}?" if close else "for example resnet34",
        )
    try:
        return timm.create_model(name, features_only=True, pretrained=False, in_chans=bands)
    except (RuntimeError, AttributeError, TypeError) as error:
        raise ConfigError.of(
            f"model.encoder: {name}",
            "cannot give a feature pyramid",
            allowed="timm models that support features_only",
            found=str(error),
            fix="choose another encoder, for example resnet34",
        ) from error
