"""From an encoder's name to the encoder: timm's pyramids, timm's plain transformers, or the Mix Transformer."""

from __future__ import annotations

import difflib

import timm
from torch import nn

from segwright.core import ConfigError
from segwright.models.encoder import Encoder, hierarchical_backbone
from segwright.models.feature_pyramid import FeaturePyramid
from segwright.models.mix_transformer import MIX_TRANSFORMERS
from segwright.models.plain_vit import PlainViT, is_plain_vit, plain_backbone


def encoder_named(name: str, bands: int, output_stride: int = 32) -> FeaturePyramid:
    """The encoder called `name`, with random weights.

    Raises:
        ConfigError: no such encoder, or none that gives levels at this output stride.
    """
    if _is_plain(name):
        if output_stride != 32:
            raise ConfigError.of(
                f"model.encoder: {name}",
                "has no strides that could become dilations: a plain transformer works at 1/16 of the frame",
                allowed="encoders of convolutions: resnet34, mobilenetv2_100, convnext_tiny",
                found=f"model.options.output_stride={output_stride}",
                fix="model.network=upernet, or model.encoder=resnet34",
            )
        return PlainViT(name, bands)
    return Encoder(name, bands, output_stride)


def backbone_named(name: str, bands: int, *, pretrained: bool) -> nn.Module:
    """The backbone inside the encoder called `name`; `pretrained`: with the weights its publisher offers.

    Raises:
        ConfigError: no such encoder.
    """
    if _is_plain(name):
        return plain_backbone(name, bands, pretrained=pretrained)
    return hierarchical_backbone(name, bands, pretrained=pretrained)


def _is_plain(name: str) -> bool:
    _require_known(name)
    return name not in MIX_TRANSFORMERS and is_plain_vit(name)


def _require_known(name: str) -> None:
    if name in MIX_TRANSFORMERS or timm.is_model(name):
        return
    close = difflib.get_close_matches(name, [*timm.list_models(), *MIX_TRANSFORMERS], n=4)
    raise ConfigError.of(
        "model.encoder",
        "is not an encoder segwright knows",
        allowed="a name that `timm.list_models()` prints, or mit_b0 to mit_b5",
        found=name,
        fix=f"did you mean {', '.join(close)}?" if close else "for example resnet34",
    )
