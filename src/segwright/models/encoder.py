"""Encoders with levels of their own: timm's, under timm's names, and the Mix Transformer."""

from __future__ import annotations

from typing import Any, cast

import timm
from timm.layers.format import Format
from timm.models import FeatureInfo
from torch import Tensor, nn

from segwright.core import ConfigError, SegwrightError, Size
from segwright.models.feature_pyramid import FeaturePyramid, grouped, try_out, unfit
from segwright.models.mix_transformer import MIX_TRANSFORMERS, mix_transformer

PYRAMID = (2, 4, 8, 16, 32)
STRIDES = {stride: tuple(min(level, stride) for level in PYRAMID) for stride in (8, 16, 32)}
# Families that are built for one frame size unless they are told otherwise: timm's argument for any size. Their ONNX
# files still hold for one size only: how many windows a level is cut into becomes part of the file.
ANY_SIZE: dict[str, dict[str, Any]] = {
    "timm.models.swin_transformer": {"strict_img_size": False},
    "timm.models.swin_transformer_v2": {"strict_img_size": False},
}


class Encoder(FeaturePyramid):
    """A backbone as a pyramid: features at 1/2, 1/4, 1/8, 1/16 and 1/32 of the frame, or from 1/4 on.

    With `output_stride` 16 or 8 the last levels stay at that share of the frame: strides become dilations.
    """

    def __init__(self, name: str, bands: int, output_stride: int = 32) -> None:
        super().__init__()
        self.backbone = hierarchical_backbone(name, bands, output_stride)
        info = self._pyramid_info
        self.widths = tuple(info.channels())
        self.strides = tuple(info.reduction())
        if self.strides not in (STRIDES[output_stride], STRIDES[output_stride][1:]):
            allowed = f"features at strides {STRIDES[output_stride]}, or from 4 on"
            raise unfit(name, allowed, str(self.strides))
        self._bands_last = getattr(self.backbone, "output_fmt", None) == Format.NHWC
        if _family(name) in ANY_SIZE:
            self.fixed_input = Size(*cast("tuple[int, int]", cast("Any", self.backbone).patch_embed.img_size))
        try_out(name, self, bands)

    def forward(self, frames: Tensor) -> list[Tensor]:
        pyramid = self.backbone(frames)
        return [level.permute(0, 3, 1, 2) for level in pyramid] if self._bands_last else pyramid

    @property
    def _pyramid_info(self) -> FeatureInfo:
        """What timm says of the levels; `features_only` models have it, `nn.Module` cannot say so."""
        return cast("FeatureInfo", self.backbone.feature_info)

    @property
    def stages(self) -> list[list[nn.Module]]:
        """The backbone's layers grouped by pyramid level: `stages[0]` ends at the finest, `stages[-1]` at 1/32."""
        # timm renames the layers it lifts out of a container (`return_layers`); other backbones keep theirs.
        return grouped(self.backbone, list(getattr(self.backbone, "return_layers", self._pyramid_info.module_name())))


def hierarchical_backbone(name: str, bands: int, output_stride: int = 32, *, pretrained: bool = False) -> nn.Module:
    """timm's feature extractor of that name, or a Mix Transformer.

    Pretrained weights of a first layer for three bands are adapted by timm: one band gets their sum, more than
    three get them in turns, scaled to the same brightness.

    Raises:
        ConfigError: no levels to be had, or not at this output stride.
    """
    if name in MIX_TRANSFORMERS:
        if output_stride != 32:
            raise _no_output_stride(name, output_stride, "the Mix Transformer halves its size by overlapping patches")
        return mix_transformer(name, bands, pretrained=pretrained)
    told = dict(ANY_SIZE.get(_family(name), {}))
    if output_stride != 32:
        told["output_stride"] = output_stride
    try:
        return timm.create_model(name, features_only=True, pretrained=pretrained, in_chans=bands, **told)
    except (RuntimeError, AttributeError, TypeError, NotImplementedError, AssertionError) as error:
        if output_stride != 32:
            raise _no_output_stride(name, output_stride, str(error)) from error
        raise ConfigError.of(
            f"model.encoder: {name}",
            "cannot give a feature pyramid",
            allowed="timm models that support features_only",
            found=str(error),
            fix="choose another encoder, for example resnet34",
        ) from error


def _family(name: str) -> str:
    """The module of timm that a model is defined in; none for the Mix Transformer."""
    return "" if name in MIX_TRANSFORMERS else timm.models.model_entrypoint(name).__module__


def _no_output_stride(name: str, output_stride: int, why: str) -> SegwrightError:
    return ConfigError.of(
        f"model.encoder: {name}",
        f"cannot stay at 1/{output_stride} of the frame (model.options.output_stride)",
        allowed="encoders of convolutions: resnet34, resnext50_32x4d, mobilenetv2_100, efficientnet_b0, convnext_tiny",
        found=why.split("\n")[0],
        fix="model.encoder=resnet34, or a network that needs no output stride: model.network=fpn",
    )
