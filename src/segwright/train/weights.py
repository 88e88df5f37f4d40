"""Pretrained weights for a network: published ones by name, from a file, or from an earlier run; nothing is unpickled.

A weights source in segwright.yaml is one of

    null                    random
    imagenet                timm's own weights for the encoder (needs its download, or its cache)
    timm:NAME[.TAG]         others of timm's for the encoder: timm:resnet34.a1_in1k
    hf-hub:OWNER/NAME       a repository of the Hugging Face hub; @REVISION behind it names one version
    auto                    imagenet where the weights can be had, else random, said in the plan
    FILE.safetensors|.pt    a state dict: of the encoder, of a classifier built on it, of a segmentation network (ours,
                            torchvision's, smp's), or quantised folded layers; also .pth .th .bin .ckpt
    runs/NAME               an earlier segwright run: encoder and decoder, head where classes are the same, in order;
                            of a run of another task its encoder
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from segwright.core import ClassTable, ConfigError
from segwright.models import SegmentationNetwork
from segwright.models.folded import FoldedLayer, conv_norm_pairs, load_folded, unfold_batch_norm
from segwright.models.mix_transformer import MIX_TRANSFORMERS, flattened, renamed
from segwright.models.trainable import Trainable
from segwright.train.checkpoint import BEST, load_weights
from segwright.train.run import PLAN_FILE, read_plan
from segwright.train.settings import Plan
from segwright.train.weight_fit import adapted_to_bands, band_rule, fit
from segwright.train.weight_report import WeightReport
from segwright.train.weight_sources import HUB, TIMM, from_hub, from_timm, is_name, read_state, require_file, timm_name


def load_pretrained(network: Trainable, source: str | None, classes: ClassTable | None = None) -> WeightReport | None:
    """Fill the network from `source`, as far as it goes; None leaves it random.

    `classes` are those the network will answer for: the head of a run that answers for others is left out.

    Raises:
        ConfigError: published weights that do not exist, are another encoder's, or cannot be fetched, offline.
        ArtefactError: a file that is not there, not readable, or of another network.
    """
    if source is None:
        return None
    path = Path(source)
    if not is_name(source) and (path / "checkpoints" / BEST).is_file():
        return _from_run(network, path, classes)
    _require_encoder(network, source)
    if source == "imagenet" or source.startswith(TIMM):
        name = timm_name(source, network.spec.encoder)
        publisher = "the hub's" if name in MIX_TRANSFORMERS else "timm"
        return fit(network, from_timm(source, network.spec), f"{publisher} {name}")
    state = from_hub(source) if source.startswith(HUB) else read_state(path)
    if _is_quantised(state):
        return _from_folded(network, state, path)
    if network.spec.encoder in MIX_TRANSFORMERS:
        state = flattened(renamed(state))
    return fit(network, state, source)


def check_source(source: str | None, encoder: str) -> None:
    """Say before training what can be said without loading: a path that holds no weights, another encoder's name.

    Raises:
        ConfigError, ArtefactError: see `load_pretrained`.
    """
    if source is None or source.startswith(HUB):
        return
    if is_name(source):
        timm_name(source, encoder)
    elif not (Path(source) / "checkpoints" / BEST).is_file():
        require_file(Path(source))


def _require_encoder(network: Trainable, source: str) -> None:
    """Raise ConfigError where the network has no encoder that these weights exist for."""
    published = source == "imagenet" or source.startswith(TIMM)
    if network.backbone is None or (network.own_encoder and published):
        what = "no encoder that weights exist for" if network.backbone is None else "an encoder that timm has not"
        own = "null, or an earlier run" if network.backbone is None else "null, a file its authors published, a run"
        raise ConfigError.of(
            "model.weights",
            f"cannot be loaded: the network '{network.spec.network}' has {what}",
            allowed=own,
            found=source,
            fix="model.weights=null",
        )


def stores_quantised_layers(source: str) -> bool:
    """True for a file of quantised folded layers: TensorFlow's, whose networks read frames as -1..1.

    Raises:
        ArtefactError: a file that is not readable.
    """
    path = Path(source)
    return path.is_file() and _is_quantised(read_state(path))


def _is_quantised(state: Mapping[str, Any]) -> bool:
    return any(name.endswith(".weight_q") for name in state)


def imagenet_at_hand(encoder: str) -> bool:
    """True where weights for `encoder` that anyone may use are in the local cache or can be fetched now.

    Those of the Mix Transformer are for research only: they are taken by name, never by themselves.
    """
    if encoder in MIX_TRANSFORMERS:
        return False
    try:
        timm.create_model(encoder, pretrained=True)
    except Exception:
        return False
    return True


def _from_run(network: Trainable, path: Path, classes: ClassTable | None) -> WeightReport:
    state = load_weights(path / "checkpoints" / BEST)
    earlier = read_plan(path / PLAN_FILE)
    others = classes is not None and earlier.classes.names != classes.names
    if isinstance(network, SegmentationNetwork):
        return fit(network, state, str(path), without=network.class_layers if others else ())
    if others or earlier.network.network != network.spec.network:  # heads are for the objects they were made for
        return _encoder_of_run(network, state, path, earlier)
    return fit(network, state, str(path))


def _encoder_of_run(network: Trainable, state: Mapping[str, Tensor], path: Path, earlier: Plan) -> WeightReport:
    """The encoder of a run of another network or of other classes; all else starts from random.

    Raises:
        ConfigError: the run learned another encoder.
    """
    theirs = f"{earlier.network.network} on {earlier.network.encoder}"
    if earlier.network.encoder != network.spec.encoder:
        raise ConfigError.of(
            "model.weights",
            "names a run that learned another encoder",
            allowed=f"a run on {network.spec.encoder}, or {earlier.network.encoder} as this one's encoder",
            found=f"{path}: {theirs}",
            fix=f"model.encoder={earlier.network.encoder}",
        )
    report = fit(network, {name: value for name, value in state.items() if name.startswith("encoder.")}, str(path))
    left = len(state) - sum(name.startswith("encoder.") for name in state)
    note = (
        f"the encoder of that {earlier.task} run is taken over ({theirs}); the {left} tensors of its decoder and head "
        f"are not, and what {network.spec.network} has beside the encoder starts from random"
    )
    return replace(report, notes=(*(text for text in report.notes if "file is an encoder's" not in text), note))


def folded_layers(path: Path) -> list[FoldedLayer]:
    """The layers of a quantised file: `NN.weight_q`, `.scale`, `.zero_point`, `.bias`, batch norm folded in, in order.

    w = (weight_q - zero_point) * scale, worked out in float64.
    """
    return _folded_layers(read_state(path))


def _folded_layers(state: Mapping[str, Any]) -> list[FoldedLayer]:
    layers = []
    for number in sorted({name.split(".")[0] for name in state}):
        scale, zero = state[f"{number}.scale"].double(), state[f"{number}.zero_point"].double()
        weight = ((state[f"{number}.weight_q"].double() - zero) * scale).float()
        layers.append(FoldedLayer(weight, state[f"{number}.bias"].float()))
    return layers


def _from_folded(network: Trainable, state: Mapping[str, Any], path: Path) -> WeightReport:
    backbone, layers, notes = _backbone(network), _folded_layers(state), []
    first, bands = conv_norm_pairs(backbone)[0][0].weight, network.spec.bands
    theirs = layers[0].weight
    if theirs.shape[1] != first.shape[1] == bands:
        layers[0] = FoldedLayer(adapted_to_bands(theirs, bands), layers[0].bias)
        notes.append(band_rule(theirs.shape[1], bands))
    used, left = load_folded(backbone, layers)
    unexpected = tuple(f"layer {number}" for number in range(used, used + left))
    source = f"{path.name} (batch norm folded)"
    return WeightReport(source, used, (), unexpected, folded=True, notes=tuple(notes))


def _backbone(network: Trainable) -> nn.Module:
    """The module that encoder weights go into; callers have asked `_require_encoder`."""
    assert network.backbone is not None
    return network.backbone


def folded_statistics(network: Trainable, frames: Tensor) -> None:
    """Give batch-norm layers loaded from folded weights the statistics of `frames` without changing what they say."""
    with torch.no_grad():
        unfold_batch_norm(_backbone(network), frames)
