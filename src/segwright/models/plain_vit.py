"""Plain vision transformers (DINOv2, DINOv3, DeiT, ... in timm) as encoders: a simple feature pyramid on the last map.

A plain transformer works at one scale, 1/16 of the frame. ViTDet (Li et al. 2022, section 3 and figure 2) makes the
others from its last feature map alone, by transposed convolutions and pooling, without a top-down path.
"""

from __future__ import annotations

from typing import cast

import timm
from timm.layers.norm import LayerNorm2d
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from segwright.core import ConfigError, SegwrightError
from segwright.models.feature_pyramid import FeaturePyramid, grouped, try_out

# The families whose models are plain transformers for which timm resamples positions at any frame size.
FAMILIES = ("timm.models.vision_transformer", "timm.models.deit", "timm.models.eva")
PATCH_PX = 16
WIDEST = 256
GROUPS = 4


class PlainViT(FeaturePyramid):
    """A plain transformer as features at 1/4, 1/8, 1/16 and 1/32 of the frame, each `widths[0]` wide.

    Models made for other patches (14 px: DINOv2) are built for patches of 16 px, and timm resamples their first
    layer and positions when weights are loaded (FlexiViT, Beyer et al. 2023): 1/14 of a frame fits no power of two.
    """

    def __init__(self, name: str, bands: int) -> None:
        super().__init__()
        self.backbone = plain_backbone(name, bands)
        given = self._vit.embed_dim
        width = min(WIDEST, given)
        self.widths = (width,) * 4
        self.strides = (4, 8, 16, 32)
        self.levels = nn.ModuleList(
            nn.Sequential(scale, *_mixed(inner, width))
            for scale, inner in (
                (nn.Sequential(_double(given, given // 2), LayerNorm2d(given // 2), nn.GELU(),
                               _double(given // 2, given // 4)), given // 4),
                (_double(given, given // 2), given // 2),
                (nn.Identity(), given),
                (nn.MaxPool2d(2), given),
            )
        )  # fmt: skip
        try_out(name, self, bands)

    def forward(self, frames: Tensor) -> list[Tensor]:
        maps = self._vit.forward_intermediates(frames, indices=1, norm=True, intermediates_only=True)
        last = cast("list[Tensor]", maps)[-1]
        return [level(last) for level in self.levels]

    @property
    def _vit(self) -> VisionTransformer:
        return cast("VisionTransformer", self.backbone)

    @property
    def stages(self) -> list[list[nn.Module]]:
        """Patches and positions with the first quarter of the blocks, then the other quarters."""
        depth = len(self._vit.blocks)
        return grouped(self.backbone, [f"blocks.{depth * quarter // GROUPS - 1}" for quarter in range(1, GROUPS + 1)])


def is_plain_vit(name: str) -> bool:
    """Whether timm's model `name` belongs to a family of plain transformers."""
    return timm.models.model_entrypoint(name).__module__ in FAMILIES


def plain_backbone(name: str, bands: int, *, pretrained: bool = False) -> nn.Module:
    """timm's transformer of that name without its classifier, for any frame whose sides are multiples of 16 px.

    Raises:
        ConfigError: it is none that works at one scale, or not at any size.
    """
    try:
        backbone = timm.create_model(
            name, pretrained=pretrained, num_classes=0, in_chans=bands, dynamic_img_size=True, patch_size=PATCH_PX
        )
    except (RuntimeError, AttributeError, TypeError, AssertionError) as error:
        raise _not_plain(name, str(error)) from error
    if not isinstance(backbone, VisionTransformer | Eva):
        raise _not_plain(name, type(backbone).__name__)
    return backbone


def _not_plain(name: str, found: str) -> SegwrightError:
    return ConfigError.of(
        f"model.encoder: {name}",
        "is a transformer that cannot read frames of any size in patches of 16 px",
        allowed="vit_small_patch14_dinov2, vit_small_patch16_dinov3 and others of timm's plain transformers",
        found=found.split("\n")[0],
        fix="model.encoder=vit_small_patch14_dinov2",
    )


def _double(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, kernel_size=2, stride=2)


def _mixed(inputs: int, outputs: int) -> list[nn.Module]:
    """1x1 and 3x3 convolution, each with layer norm, as every level of ViTDet's pyramid ends."""
    first = [nn.Conv2d(inputs, outputs, kernel_size=1, bias=False), LayerNorm2d(outputs)]
    return [*first, nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False), LayerNorm2d(outputs)]
