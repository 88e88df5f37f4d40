"""Where weights come from: timm's and the Hugging Face hub's names, and local files. Nothing is unpickled."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
from torch import Tensor

from segwright.core import ArtefactError, ConfigError, SegwrightError
from segwright.models import NetworkSpec
from segwright.models.choose_encoder import backbone_named
from segwright.models.mix_transformer import MIX_TRANSFORMERS
from segwright.train.checkpoint import load_state, load_weights

TIMM, HUB = "timm:", "hf-hub:"
ALLOWED = "imagenet, timm:NAME[.TAG], hf-hub:OWNER/NAME, a file, a run folder, or null"
STATE_FILES = (".safetensors", ".pt", ".pth", ".th", ".bin", ".ckpt")
HUB_FILES = ("model.safetensors", "pytorch_model.bin")  # the first that the repository has
# What training scripts store a state dict under, beside optimiser and epoch.
WRAPPERS = ("state_dict", "model_state_dict", "model", "network", "net", "weights")


def is_published(source: str | None) -> bool:
    """Whether `model.weights` names a model of the hub, or a folder that transformers saved one to."""
    return source is not None and (source.startswith(HUB) or (Path(source) / "config.json").is_file())


def is_name(source: str | None) -> bool:
    """Whether `source` is a word or a published name rather than a path."""
    return source in (None, "auto", "imagenet") or source.startswith((TIMM, HUB))


def timm_name(source: str, encoder: str) -> str:
    """The name in `timm:NAME[.TAG]`, which must be the network's encoder; for `imagenet` the encoder itself.

    Raises:
        ConfigError: a name or a tag timm has no weights for, or another encoder than `encoder`.
    """
    name = encoder if source == "imagenet" else source.removeprefix(TIMM)
    architecture, _, tag = name.partition(".")
    if architecture != encoder.partition(".")[0]:
        raise ConfigError.of(
            f"model.weights: {source}",
            "are the weights of another encoder",
            allowed=f"weights of model.encoder, {encoder}",
            found=architecture,
            fix=f"model.encoder={architecture}, or model.weights={TIMM}{encoder}",
        )
    tags = timm.list_pretrained(f"{architecture}.*")
    if tag and name not in tags:
        close = difflib.get_close_matches(name, tags, n=1)
        fix = f"model.weights={TIMM}{close[0]}" if close else "model.weights=null, or a local file"
        allowed = ", ".join(tags) or f"none: timm publishes no weights for {architecture}"
        raise ConfigError.of(
            f"model.weights: {source}", "is not among timm's weights", allowed=allowed, found=name, fix=fix
        )
    return name


def timm_statistics(source: str, encoder: str) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and std, RGB in 0..1, that timm's weights were trained with; None where timm does not say."""
    given = timm.get_pretrained_cfg(timm_name(source, encoder))
    return None if given is None else (tuple(given.mean), tuple(given.std))


def from_timm(source: str, spec: NetworkSpec) -> dict[str, Tensor]:
    """timm's weights for the encoder of `spec` as a pyramid has them, from its cache or its download.

    Raises:
        ConfigError: no such weights, or they can neither be found nor fetched.
    """
    name = timm_name(source, spec.encoder)
    try:
        return backbone_named(name, 3, pretrained=True).state_dict()
    except Exception as error:  # whatever timm, the hub and the network stack below them raise
        given = timm.get_pretrained_cfg(name)
        repository = f"smp-hub/{name}.imagenet" if name in MIX_TRANSFORMERS else given and given.hf_hub_id
        raise ConfigError.of(
            f"model.weights: {source}",
            f"timm's weights for '{name}' cannot be had",
            allowed="an encoder with published weights, reachable or in the local cache",
            found=_in_short(error),
            fix=_fetch_elsewhere(repository, HUB_FILES[0]),
        ) from error


def from_hub(source: str) -> dict[str, Any]:
    """The tensors of `hf-hub:OWNER/NAME[@REVISION]`, from its cache or its download.

    Raises:
        ConfigError: not a repository's name, or it can neither be found nor fetched.
        ArtefactError: its file is not readable.
    """
    from huggingface_hub import hf_hub_download

    repository, _, revision = source.removeprefix(HUB).partition("@")
    if repository.count("/") != 1 or not all(repository.split("/")):
        allowed, fix = f"{HUB}OWNER/NAME, or {HUB}OWNER/NAME@REVISION", f"model.weights={HUB}timm/resnet34.a1_in1k"
        raise ConfigError.of("model.weights", "names no repository", allowed=allowed, found=source, fix=fix)
    failures = []
    for file in HUB_FILES:
        try:
            return read_state(Path(hf_hub_download(repository, file, revision=revision or None)))
        except SegwrightError:
            raise
        except Exception as error:  # the hub has a dozen, and the network stack below it its own
            failures.append(error)
    raise ConfigError.of(
        f"model.weights: {source}",
        "cannot be had from the Hugging Face hub",
        allowed=f"a repository with {' or '.join(HUB_FILES)}, reachable or in the local cache",
        found=_in_short(failures[0]),
        fix=_fetch_elsewhere(repository, HUB_FILES[0]),
    ) from failures[0]


def require_file(path: Path) -> Path:
    """The file that `path` names: itself, or the model.safetensors in a folder.

    Raises:
        ArtefactError: nothing is there, a folder without weights, or a file of a kind that is not read.
    """
    place, fix = (
        f"model.weights: {path}",
        "correct model.weights in segwright.yaml; model.weights=null starts from random",
    )
    if path.is_dir():
        if (path / HUB_FILES[0]).is_file():
            return path / HUB_FILES[0]
        raise ArtefactError.of(
            place, "holds no weights", allowed=ALLOWED, found="a folder without a run in it", fix=fix
        )
    if not path.is_file():
        raise ArtefactError.of(place, "does not exist", allowed=ALLOWED, found="no such file", fix=fix)
    if path.suffix.lower() not in STATE_FILES:
        raise ArtefactError.of(
            place,
            "is not a kind of file that weights are read from",
            allowed=f"a state dict in {', '.join(STATE_FILES)}",
            found=path.suffix or "no suffix",
            fix="convert it where it can be opened: torch.save(model.state_dict(), 'weights.pt')",
        )
    return path


def read_state(path: Path) -> dict[str, Any]:
    """The tensors of a file by name, taken out of what a training script wrapped them in.

    Raises:
        ArtefactError: see `require_file`; a file that is damaged or holds more than tensors and plain values.
    """
    path = require_file(path)
    state: Any = load_weights(path) if path.suffix.lower() == ".safetensors" else load_state(path)
    for wrapper in WRAPPERS:
        if isinstance(state, Mapping) and isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
    tensors = state.items() if isinstance(state, Mapping) else ()
    return {str(name): value for name, value in tensors if isinstance(value, Tensor)}


def _fetch_elsewhere(repository: str | None, file: str) -> str:
    """What to type where the hub can be reached, and what then here."""
    if repository is None:
        return "set model.weights to a local file, or model.weights=null to start from random"
    folder = repository.rpartition("/")[2]
    return (
        f"where the hub can be reached: hf download {repository} {file} --local-dir {folder}; copy the folder here and "
        f"set model.weights={folder}/{file}, or model.weights=null to start from random"
    )


def _in_short(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
