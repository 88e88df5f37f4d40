"""Pretrained weights for an encoder: from timm by name, from a file, or from an earlier run; nothing is unpickled.

A weights source in segwright.yaml is one of

    null                    random
    imagenet                timm's own weights for the encoder (needs its download, or its cache)
    auto                    imagenet where the weights can be had, else random, said in the plan
    FILE.safetensors|.pt    a state dict of the encoder, of a classifier built on it, or quantised folded layers
    runs/NAME               an earlier segwright run: encoder and decoder, head where classes are the same, in order
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from segwright.core import ArtefactError, ClassTable, ConfigError
from segwright.models import NetworkSpec, SegmentationNetwork
from segwright.models.choose_encoder import backbone_named
from segwright.models.folded import FoldedLayer, load_folded, unfold_batch_norm
from segwright.models.mix_transformer import MIX_TRANSFORMERS, flattened, renamed
from segwright.train.checkpoint import BEST, load_state, load_weights
from segwright.train.run import PLAN_FILE, read_plan

KEYS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class WeightReport:
    """What was loaded into what: tensor names taken, left at random, and left over in the file."""

    source: str
    matched: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    folded: bool = False

    def __str__(self) -> str:
        parts = [f"{self.matched} tensors from {self.source}"]
        for what, names in (("not in the file", self.missing), ("not in the network", self.unexpected)):
            if names:
                shown = ", ".join(names[:KEYS_SHOWN]) + (", ..." if len(names) > KEYS_SHOWN else "")
                parts.append(f"{len(names)} {what} ({shown})")
        return "; ".join(parts)


def load_pretrained(
    network: SegmentationNetwork, source: str | None, classes: ClassTable | None = None
) -> WeightReport | None:
    """Fill the network's encoder (for a run: the whole network) from `source`; None leaves it random.

    `classes` are those the network will answer for: the head of a run that answers for others is left out.

    Raises:
        ConfigError: `imagenet` weights that timm does not have or cannot fetch, offline.
        ArtefactError: a file that is not there, not readable, or of another network.
    """
    if source is None:
        return None
    path = Path(source)
    if source != "imagenet" and (path / "checkpoints" / BEST).is_file():
        return _from_run(network, path, classes)
    backbone = _backbone(network, source)
    if source == "imagenet":
        return _from_timm(network.spec, backbone)
    state = _read_state(path)
    if _is_quantised(state):
        return _from_folded(backbone, state, path)
    if network.spec.encoder in MIX_TRANSFORMERS:
        return load_matching(backbone, flattened(renamed(state)), str(path))
    return load_matching(backbone, _as_backbone(state), str(path))


def _backbone(network: SegmentationNetwork, source: str) -> nn.Module:
    """The module that weights go into.

    Raises:
        ConfigError: the network has none that weights are published for.
    """
    if network.backbone is None:
        raise ConfigError.of(
            "model.weights",
            f"cannot be loaded: the network '{network.spec.network}' has no encoder that weights exist for",
            allowed="null, or an earlier run",
            found=source,
            fix="model.weights=null",
        )
    return network.backbone


def stores_quantised_layers(source: str) -> bool:
    """True for a file of quantised folded layers: TensorFlow's, whose networks read frames as -1..1.

    Raises:
        ArtefactError: a file that is not readable.
    """
    path = Path(source)
    return path.is_file() and _is_quantised(_read_state(path))


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


def _from_timm(spec: NetworkSpec, backbone: nn.Module) -> WeightReport:
    name = spec.encoder
    try:
        model = backbone_named(name, spec.bands, pretrained=True)
    except Exception as error:
        raise ConfigError.of(
            "model.weights: imagenet",
            f"timm's weights for '{name}' cannot be had",
            allowed="an encoder with published weights, reachable or in the local cache",
            found=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
            fix="go online once, or set model.weights to a local file, or model.weights=null to start from random",
        ) from error
    return load_matching(
        backbone, model.state_dict(), f"the hub's {name}" if name in MIX_TRANSFORMERS else f"timm {name}"
    )


def _from_run(network: SegmentationNetwork, path: Path, classes: ClassTable | None) -> WeightReport:
    state = load_weights(path / "checkpoints" / BEST)
    if classes is not None and read_plan(path / PLAN_FILE).classes.names != classes.names:
        names = {id(module): f"{name}." for name, module in network.named_modules()}
        theirs = tuple(names[id(layer)] for layer in network.class_layers)
        state = {name: value for name, value in state.items() if not name.startswith(theirs)}
    return load_matching(network, state, str(path))


def _read_state(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ArtefactError.of(
            f"model.weights: {path}",
            "does not exist",
            allowed="imagenet, a file, a run folder, or null",
            found="no such file",
            fix="correct model.weights in segwright.yaml; model.weights=null starts from random",
        )
    state: Any = load_weights(path) if path.suffix == ".safetensors" else load_state(path)
    for wrapper in ("state_dict", "model", "model_state_dict"):
        if isinstance(state, Mapping) and isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
    tensors = state.items() if isinstance(state, Mapping) else ()
    return {str(name).removeprefix("module."): value for name, value in tensors if isinstance(value, Tensor)}


def _as_backbone(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Classifier names as a feature backbone has them: timm flattens `blocks.0.` to `blocks_0.` there."""
    prefixes = ("encoder.backbone.", "backbone.", "encoder.")
    prefix = next((text for text in prefixes if any(name.startswith(text) for name in state)), "")
    return {name.removeprefix(prefix): value for name, value in state.items()}


def load_matching(module: nn.Module, state: Mapping[str, Tensor], source: str) -> WeightReport:
    """Fill `module` with the tensors of `state` that have a name and shape of its own; the rest is reported.

    Raises:
        ArtefactError: there is none.
    """
    own = module.state_dict()
    renamed = {_own_name(name, own): value for name, value in state.items()}
    fitting = {name: value for name, value in renamed.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        raise ArtefactError.of(
            source,
            "holds no weights for this network",
            allowed=", ".join(list(own)[:KEYS_SHOWN]) + ", ...",
            found=", ".join(list(state)[:KEYS_SHOWN]) + ", ...",
            fix="choose the encoder the file was made for (model.encoder)",
        )
    module.load_state_dict(fitting, strict=False)
    counters = [name for name in own if name.endswith("num_batches_tracked")]
    missing = tuple(name for name in own if name not in fitting and name not in counters)
    return WeightReport(source, len(fitting), missing, tuple(name for name in renamed if name not in fitting))


def _own_name(name: str, own: Mapping[str, Tensor]) -> str:
    flattened = name.replace(".", "_", 1)
    return flattened if name not in own and flattened in own else name


def folded_layers(path: Path) -> list[FoldedLayer]:
    """The layers of a quantised file: `NN.weight_q`, `.scale`, `.zero_point`, `.bias`, batch norm folded in, in order.

    w = (weight_q - zero_point) * scale, worked out in float64.
    """
    return _folded_layers(_read_state(path))


def _folded_layers(state: Mapping[str, Any]) -> list[FoldedLayer]:
    layers = []
    for number in sorted({name.split(".")[0] for name in state}):
        scale, zero = state[f"{number}.scale"].double(), state[f"{number}.zero_point"].double()
        weight = ((state[f"{number}.weight_q"].double() - zero) * scale).float()
        layers.append(FoldedLayer(weight, state[f"{number}.bias"].float()))
    return layers


def _from_folded(backbone: nn.Module, state: Mapping[str, Any], path: Path) -> WeightReport:
    used, left = load_folded(backbone, _folded_layers(state))
    unexpected = tuple(f"layer {number}" for number in range(used, used + left))
    return WeightReport(f"{path.name} (batch norm folded)", used, (), unexpected, folded=True)


def folded_statistics(network: SegmentationNetwork, frames: Tensor) -> None:
    """Give batch-norm layers loaded from folded weights the statistics of `frames` without changing what they say."""
    with torch.no_grad():
        unfold_batch_norm(_backbone(network, "folded weights"), frames)
