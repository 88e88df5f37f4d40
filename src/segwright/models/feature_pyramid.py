"""What every encoder is to a decoder: feature maps of one frame, fine to coarse."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import torch
from torch import Tensor, nn

from segwright.core import ConfigError, SegwrightError, Size

TRIAL = Size(64, 96)  # not square: a network for one fixed input size shows itself


class FeaturePyramid(nn.Module):
    """Frames `(batch, bands, height, width)` to a list of `(batch, width, height / stride, width / stride)`.

    Attributes:
        backbone: the part that has published weights, under their publisher's names.
        widths, strides: of each level, fine to coarse. The finest is at 1/2 or 1/4 of the frame.
        fixed_input: the one frame size an exported file of it reads, see `SegmentationNetwork`.
    """

    backbone: nn.Module
    widths: tuple[int, ...]
    strides: tuple[int, ...]
    fixed_input: Size | None = None

    @property
    def stride_px(self) -> int:
        """Height and width of a frame are multiples of this."""
        return max(self.strides) if self.fixed_input is None else self.fixed_input.height

    @property
    def stages(self) -> list[list[nn.Module]]:
        """The backbone's layers from the input upwards, grouped; see `SegmentationNetwork.stages`."""
        raise NotImplementedError

    def forward(self, frames: Tensor) -> list[Tensor]:
        """The levels, see the class."""
        raise NotImplementedError


def grouped(backbone: nn.Module, ends: Collection[str]) -> list[list[nn.Module]]:
    """The backbone's layers up to and including each of `ends`, names of modules inside it.

    Together they hold every parameter of the backbone once, in the order of `backbone.parameters()`.
    """
    stages: list[list[nn.Module]] = [[]]
    for name, layer in _layers(backbone, ends):
        stages[-1].append(layer)
        if name in ends and len(stages) < len(ends):
            stages.append([])
    return [stage for stage in stages if stage]


def _layers(module: nn.Module, ends: Collection[str], prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The children of `module` with their full names; a child that a group ends inside of is opened.

    Parameters that no child owns, such as a class token, come first, as a list that is a module of its own.
    """
    own = [parameter for _, parameter in module.named_parameters(recurse=False)]
    if own:
        yield f"{prefix}(own)", nn.ParameterList(own)
    for name, child in module.named_children():
        path = prefix + name
        if any(end.startswith(f"{path}.") for end in ends):
            yield from _layers(child, ends, f"{path}.")
        else:
            yield path, child


def try_out(name: str, encoder: FeaturePyramid, bands: int) -> None:
    """Raise ConfigError where an encoder does not give the levels it says.

    Stems without padding, fixed input sizes and widths told wrong show only when a frame goes through.
    """
    expected = [
        (1, width, TRIAL.height // stride, TRIAL.width // stride)
        for width, stride in zip(encoder.widths, encoder.strides, strict=True)
    ]
    allowed = f"for a frame of {TRIAL} px the features (batch, width, height, width) {expected}"
    was_training = encoder.training
    encoder.eval()  # the trial leaves no trace in the batch norms
    try:
        with torch.inference_mode():
            pyramid = encoder(torch.zeros(1, bands, TRIAL.height, TRIAL.width))
    except Exception as error:  # whatever a foreign network raises on a size it cannot take
        raise unfit(name, allowed, f"{type(error).__name__}: {error}".split("\n")[0]) from error
    finally:
        encoder.train(was_training)
    found = [tuple(features.shape) for features in pyramid]
    if found != expected:
        raise unfit(name, allowed, str(found))


def unfit(name: str, allowed: str, found: str) -> SegwrightError:
    """The error of an encoder that no decoder can stand on."""
    return ConfigError.of(
        f"model.encoder: {name}",
        "does not give the feature pyramid a decoder needs",
        allowed=allowed,
        found=found,
        fix="choose another encoder, for example resnet34, mobilenetv2_100 or convnext_tiny",
    )
