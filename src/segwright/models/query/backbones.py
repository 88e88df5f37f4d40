"""Backbones under Mask2Former: any timm pyramid at strides 4 to 32, or transformers' Swin, which reads any size."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, cast

import timm
import torch
from timm.models import FeatureInfo
from torch import nn
from transformers import PreTrainedConfig, SwinConfig, TimmBackboneConfig

from segwright.core import ConfigError, SegwrightError, Size

STRIDES = (4, 8, 16, 32)
TRIAL = Size(64, 96)  # not square: a backbone for one fixed input size shows itself

# Liu et al. 2021 (Swin Transformer), section 3.3, with the windows of Mask2Former's published weights
SWIN: dict[str, dict[str, Any]] = {
    "swin_micro": {"embed_dim": 24, "depths": [1, 1, 1, 1], "num_heads": [1, 2, 4, 8], "window_size": 4},
    "swin_tiny": {"embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24], "window_size": 7},
    "swin_small": {"embed_dim": 96, "depths": [2, 2, 18, 2], "num_heads": [3, 6, 12, 24], "window_size": 7},
    "swin_base": {"embed_dim": 128, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32], "window_size": 12},
    "swin_large": {"embed_dim": 192, "depths": [2, 2, 18, 2], "num_heads": [6, 12, 24, 48], "window_size": 12},
}
SWIN_DROP_PATH = 0.3  # Mask2Former's, of every size


def backbone_configuration(encoder: str, bands: int) -> PreTrainedConfig:
    """The transformers configuration of the backbone called `encoder`, a timm name or one of `SWIN`.

    Raises:
        ConfigError: timm does not know it, or it has no pyramid at strides 4, 8, 16 and 32.
    """
    if encoder in SWIN:
        stages = ["stage1", "stage2", "stage3", "stage4"]
        swin: dict[str, Any] = {**SWIN[encoder], "drop_path_rate": SWIN_DROP_PATH, "out_features": stages}
        return SwinConfig(num_channels=bands, **swin)
    body = _timm_body(encoder, bands)
    reductions = _info(body).reduction()
    if not set(STRIDES) <= set(reductions):
        raise _unfit(encoder, f"strides {reductions}")
    levels = tuple(reductions.index(stride) for stride in STRIDES)
    values: dict[str, Any] = {"backbone": encoder, "out_indices": levels, "use_pretrained_backbone": False}
    return TimmBackboneConfig(num_channels=bands, **values)


def as_timm_starts_it(module: Any, encoder: str, bands: int) -> None:
    """Give a timm backbone inside transformers the random start that timm gives it.

    transformers starts every batch norm of a Mask2Former with weights around 0, of its backbone too: then nothing of
    the frame reaches the decoder.
    """
    levels = tuple(module.config.out_indices)
    fresh = timm.create_model(encoder, features_only=True, pretrained=False, in_chans=bands, out_indices=levels)
    body_of(module).load_state_dict(fresh.state_dict())


def try_backbone(module: nn.Module, encoder: str, bands: int) -> None:
    """Raise ConfigError where the backbone does not do what its configuration says; see `models/encoder.py`."""
    widths = cast("list[int]", module.channels)
    expected = [
        (1, width, TRIAL.height // stride, TRIAL.width // stride) for width, stride in zip(widths, STRIDES, strict=True)
    ]
    was_training = module.training
    module.eval()  # the trial leaves no trace in the batch norms
    try:
        with torch.inference_mode():
            maps = module(torch.zeros(1, bands, TRIAL.height, TRIAL.width)).feature_maps
    except Exception as error:  # whatever a foreign network raises on a size it cannot take
        raise _unfit(encoder, f"{type(error).__name__}: {error}".split("\n")[0]) from error
    finally:
        module.train(was_training)
    if (found := [tuple(each.shape) for each in maps]) != expected:
        raise _unfit(encoder, f"features {found} for a frame of {TRIAL}")


def body_of(module: nn.Module) -> nn.Module:
    """The module whose parameters have their publisher's names: timm's own inside transformers' wrapper."""
    return cast("nn.Module", getattr(module, "_backbone", module))


def stages_of(module: nn.Module) -> list[list[nn.Module]]:
    """The backbone's layers from the input upwards, grouped by level; every parameter is in them once."""
    body = body_of(module)
    if hasattr(body, "swin"):
        return _swin_stages(body)
    info = _info(body)
    ends = set(getattr(body, "return_layers", info.module_name()))
    stages: list[list[nn.Module]] = [[]]
    for name, layer in _layers(body, ends):
        stages[-1].append(layer)
        if name in ends:
            stages.append([])
    return [stage for stage in stages if any(True for layer in stage for _ in layer.parameters())]


def _swin_stages(body: nn.Module) -> list[list[nn.Module]]:
    swin, norms = cast("nn.Module", body.swin), cast("nn.ModuleDict", body.hidden_states_norms)
    levels = list(cast("nn.ModuleList", cast("nn.Module", swin.encoder).layers))
    first, *others = levels
    stages = [[cast("nn.Module", swin.embeddings), first], *([level] for level in others)]
    known = {id(parameter) for stage in stages for layer in stage for parameter in layer.parameters()}
    rest = [layer for layer in (*norms.values(), getattr(swin, "layernorm", None)) if isinstance(layer, nn.Module)]
    stages[-1] += [layer for layer in rest if not {id(parameter) for parameter in layer.parameters()} <= known]
    return stages


def _layers(module: nn.Module, ends: set[str], prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The children of `module` with their full names; a child that a level ends inside of is opened."""
    for name, child in module.named_children():
        path = prefix + name
        if any(end.startswith(f"{path}.") for end in ends):
            yield from _layers(child, ends, f"{path}.")
        else:
            yield path, child


def _info(body: nn.Module) -> FeatureInfo:
    return cast("FeatureInfo", body.feature_info)


def _timm_body(encoder: str, bands: int) -> nn.Module:
    if not timm.is_model(encoder):
        close = difflib.get_close_matches(encoder, [*SWIN, *timm.list_models()], n=4)
        raise ConfigError.of(
            "model.encoder",
            "is not an encoder for Mask2Former",
            allowed=f"{', '.join(SWIN)}, or a name that `timm.list_models()` prints",
            found=encoder,
            fix=f"did you mean {', '.join(close)}?" if close else "for example resnet50 or swin_tiny",
        )
    try:
        return timm.create_model(encoder, features_only=True, pretrained=False, in_chans=bands)
    except (RuntimeError, AttributeError, TypeError) as error:
        raise _unfit(encoder, str(error)) from error


def _unfit(encoder: str, found: str) -> SegwrightError:
    return ConfigError.of(
        f"model.encoder: {encoder}",
        "does not give the feature pyramid Mask2Former needs",
        allowed=f"features (batch, width, height, width) at strides {', '.join(map(str, STRIDES))} for any frame",
        found=found,
        fix="choose another encoder, for example resnet50, convnext_tiny or swin_tiny",
    )
