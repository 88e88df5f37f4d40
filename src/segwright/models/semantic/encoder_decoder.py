"""The shape of nearly every semantic network: encoder, decoder, one 1x1 convolution a class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from torch import Tensor, nn
from torch.nn import functional as F

from segwright.core import ConfigError, Problem, raise_collected
from segwright.models.choose_encoder import encoder_named
from segwright.models.feature_pyramid import FeaturePyramid
from segwright.models.options import Option, option_problems
from segwright.models.plain_vit import PlainViT
from segwright.models.segmentation_network import SegmentationNetwork
from segwright.models.spec import NetworkSpec


def encoder_and_options(
    spec: NetworkSpec, known: Mapping[str, Option], *, last_levels_only: bool = False
) -> tuple[FeaturePyramid, dict[str, Any]]:
    """The encoder of `spec`, at its option `output_stride` where the network has one, and all options.

    `last_levels_only`: the network does not read the levels from 1/4 on, which a plain transformer would make in vain.

    Raises:
        ConfigError: wrong options and an encoder that does not fit, all at once.
    """
    problems: list[Problem] = list(option_problems(spec, known))
    options = {name: spec.options.get(name, option.default) for name, option in known.items()}
    output_stride = options.get("output_stride", 32)
    strange = any(problem.place == "model.options.output_stride" for problem in problems)
    try:
        encoder = encoder_named(spec.encoder, spec.bands, 32 if strange else output_stride)
    except ConfigError as error:
        raise ConfigError(*problems, *error.problems) from error
    if last_levels_only and isinstance(encoder, PlainViT):
        rule = f"is a plain transformer, and the network '{spec.network}' does not read the levels made of its last map"
        allowed = "a convolutional encoder such as resnet34, or a network that reads all levels: fpn, upernet, unet"
        problems.append(Problem(f"model.encoder: {spec.encoder}", rule, allowed, spec.encoder, "model.network=upernet"))
    raise_collected(problems, ConfigError)
    return encoder, options


class Decoder(nn.Module):
    """Frames `(batch, bands, height, width)` with their pyramid, fine to coarse, to feature maps.

    `levels[0]` are the frames themselves, `levels[1:]` what the encoder made of them.

    The first map, `widths[0]` wide, at 1/`stride` of the frame, is what the classes are read from. In training mode
    there may be further maps, as wide as the other `widths`, for auxiliary heads; their sizes are their own.
    `pools_frame`: see `SegmentationNetwork`.
    """

    def __init__(self, widths: tuple[int, ...], stride: int, *, pools_frame: bool = False) -> None:
        super().__init__()
        self.widths = widths
        self.stride = stride
        self.pools_frame = pools_frame

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        """The feature maps, see the class."""
        raise NotImplementedError


class EncodedNetwork(SegmentationNetwork):
    """A network on one encoder, which sets its stride and input size, and holds all that has published weights."""

    def __init__(self, spec: NetworkSpec, encoder: FeaturePyramid) -> None:
        super().__init__(spec, encoder.stride_px, encoder.fixed_input)
        self.encoder = encoder

    @property
    def stages(self) -> list[list[nn.Module]]:
        return self.encoder.stages

    @property
    def backbone(self) -> nn.Module:
        return self.encoder.backbone


class EncoderDecoder(EncodedNetwork):
    """`encoder` -> `decoder` -> `head`, made larger to the frame's size by bilinear interpolation of the logits.

    Where the decoder has further maps for training, a head of its own answers from each: `auxiliary`.
    """

    def __init__(self, spec: NetworkSpec, encoder: FeaturePyramid, decoder: Decoder) -> None:
        super().__init__(spec, encoder)
        self.pools_frame = decoder.pools_frame
        self.decoder = decoder
        width, *further = decoder.widths
        self.head = nn.Conv2d(width, spec.channels, kernel_size=1)
        self.auxiliary = nn.ModuleList(nn.Conv2d(width, spec.channels, kernel_size=1) for width in further)

    def forward(self, frames: Tensor) -> Tensor | list[Tensor]:
        features, *further = self.decoder([frames, *self.encoder(frames)])
        logits = enlarged(self.head(features), self.decoder.stride)
        if not self.training or not self.auxiliary:
            return logits
        return [logits, *(head(each) for head, each in zip(self.auxiliary, further, strict=True))]

    @property
    def class_layers(self) -> list[nn.Conv2d]:
        return [self.head, *(cast("nn.Conv2d", head) for head in self.auxiliary)]


def enlarged(features: Tensor, factor: int) -> Tensor:
    """`features` at `factor` times the size, bilinear."""
    if factor == 1:
        return features
    return F.interpolate(features, scale_factor=float(factor), mode="bilinear", align_corners=False)
