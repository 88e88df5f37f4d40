"""Tensors of a file into a network: by name where publishers' names differ only in known ways, else by order."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from segwright.core import ArtefactError, SegwrightError
from segwright.models.trainable import Trainable
from segwright.train.weight_report import KEYS_SHOWN, Misfit, WeightReport

COUNTER = "num_batches_tracked"  # of batch norm; nothing computes with it
# What training scripts put before every name: DataParallel, torch.compile, Lightning modules, smp's timm encoders.
WRAPPED = ("module.", "_orig_mod.", "model.", "net.", "network.")
# Before the names of an encoder: ours, torchvision's segmentation models, smp's, smp's with an encoder of timm.
ENCODERS = ("encoder.backbone.", "encoder.model.", "backbone.body.", "backbone.", "encoder.")
# The decoder of smp's Unet is our U-Net's but for the skip at the frame's own resolution.
RENAMED = (
    (re.compile(r"^(decoder\.blocks\.\d+)\.conv([12])\."), lambda match: f"{match[1]}.mix.{int(match[2]) - 1}."),
    (re.compile(r"^segmentation_head\.0\."), lambda _: "head."),
)


@dataclass
class _Fit:
    """What has been decided so far; `taken` is ready for `load_state_dict`."""

    taken: dict[str, Tensor] = field(default_factory=dict)
    misfits: dict[str, Misfit] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def fit(
    network: Trainable, state: Mapping[str, Tensor], source: str, *, without: Collection[nn.Module] = ()
) -> WeightReport:
    """Load what fits of `state` into `network`; `without` are modules that are left as they are, whatever fits.

    Raises:
        ArtefactError: nothing fits.
    """
    fitted = _by_name(network, state, _names_in(network, without))
    backbone = _prefix(network, network.backbone)
    if backbone and not any(name.startswith(backbone) for name in fitted.taken):
        _add_by_order(fitted, network, state, backbone)
    if not fitted.taken:
        raise _nothing_fits(network, state, source, fitted)
    network.load_state_dict(fitted.taken, strict=False)
    left = [name for name in network.state_dict() if name not in fitted.taken and name not in fitted.misfits]
    missing = [name for name in left if not name.endswith(COUNTER)]
    if backbone and all(name.startswith(backbone) for name in (*fitted.taken, *fitted.misfits)):
        missing = [name.removeprefix(backbone) for name in missing if name.startswith(backbone)]
        fitted.notes.append("decoder and head start from random: the file is an encoder's")
    else:
        fitted.notes += _head_notes(network, fitted, without)
    matched = sum(not name.endswith(COUNTER) for name in fitted.taken)
    misfits, notes = tuple(fitted.misfits.values()), tuple(fitted.notes)
    return WeightReport(source, matched, tuple(missing), tuple(fitted.unexpected), misfits=misfits, notes=notes)


def load_matching(module: nn.Module, state: Mapping[str, Tensor], source: str) -> WeightReport:
    """Fill `module` with the tensors of `state` that have a name and shape of its own; the rest is reported.

    Raises:
        ArtefactError: there is none.
    """
    own = module.state_dict()
    fitting = {name: value for name, value in state.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        raise ArtefactError.of(
            source,
            "holds no weights for this network",
            allowed=", ".join(list(own)[:KEYS_SHOWN]) + ", ...",
            found=", ".join(list(state)[:KEYS_SHOWN]) + ", ...",
            fix="choose the network the file was made for (model.network, model.encoder)",
        )
    module.load_state_dict(fitting, strict=False)
    missing = tuple(name for name in own if name not in fitting and not name.endswith(COUNTER))
    return WeightReport(source, len(fitting), missing, tuple(name for name in state if name not in fitting))


def adapted_to_bands(weight: Tensor, bands: int) -> Tensor:
    """The first convolution's `weight` (out, its bands, height, width) for frames of `bands` bands.

    One band: the sum over the file's bands, so that a grey frame is answered as three bands equal to it were. Else the
    file's bands over and over, scaled to the same sum of answers where the bands are alike. timm does the same.
    """
    theirs = weight.shape[1]
    if bands == 1:
        return weight.sum(dim=1, keepdim=True)
    return weight[:, [band % theirs for band in range(bands)]] * (theirs / bands)


def band_rule(theirs: int, bands: int) -> str:
    """What `adapted_to_bands` did, in words."""
    if bands == 1:
        return f"the first layer's {theirs} bands are summed to 1"
    return f"the first layer's {theirs} bands are repeated to {bands} and scaled by {theirs}/{bands}"


def _by_name(network: Trainable, state: Mapping[str, Tensor], without: Collection[str]) -> _Fit:
    own = network.state_dict()
    backbone = _prefix(network, network.backbone)
    first = _first_layer(network, backbone)
    fitted = _Fit()
    for name, value in state.items():
        known = [one for one in _candidates(name, backbone) if one in own and one not in fitted.taken]
        fitting = next((one for one in known if own[one].shape == value.shape), None)
        if any(one in without for one in known):
            fitted.unexpected.append(name)
        elif fitting is not None:
            fitted.taken[fitting] = value
            fitted.misfits.pop(fitting, None)
        elif first in known and _only_bands_differ(own[first], value):
            fitted.taken[first] = adapted_to_bands(value, own[first].shape[1])
            fitted.notes.append(band_rule(value.shape[1], own[first].shape[1]))
        elif known:
            fitted.misfits[known[0]] = Misfit(known[0], tuple(own[known[0]].shape), tuple(value.shape))
        elif not name.endswith(COUNTER):
            fitted.unexpected.append(name)
    return fitted


def _add_by_order(fitted: _Fit, network: nn.Module, state: Mapping[str, Tensor], backbone: str) -> None:
    """Take the names nobody knows, in their order, as the backbone's, where all shapes say so one after the other.

    torchvision's MobileNetV2 and timm's are one network under other names, for one.
    """
    own = {name: value for name, value in network.state_dict().items() if name.startswith(backbone)}
    ours = [name for name in own if not name.endswith(COUNTER)]
    pairs = list(zip(ours, fitted.unexpected, strict=False))
    same = [own[name].shape == state[other].shape for name, other in pairs]
    if len(pairs) < len(ours) or not all(same[1:]):
        return
    first, theirs = own[ours[0]], state[fitted.unexpected[0]]
    if not (same[0] or _only_bands_differ(first, theirs)):
        return
    fitted.taken.update({name: state[other] for name, other in pairs})
    if not same[0]:
        fitted.taken[ours[0]] = adapted_to_bands(theirs, first.shape[1])
        fitted.notes.append(band_rule(theirs.shape[1], first.shape[1]))
    del fitted.unexpected[: len(ours)]
    fitted.notes.append("no name of the encoder is known, but all its shapes come in the same order: taken by order")


def _candidates(name: str, backbone: str) -> Iterator[str]:
    """The names that a file's `name` may have in the network, the likeliest first."""
    bare = [name]
    for prefix in WRAPPED * 2:
        if bare[-1].startswith(prefix):
            bare.append(bare[-1].removeprefix(prefix))
    for text in reversed(bare):
        yield text
        for pattern, replacement in RENAMED:
            if pattern.match(text):
                yield pattern.sub(replacement, text)
        for prefix in ("", *ENCODERS):
            if text.startswith(prefix):
                inner = text.removeprefix(prefix)
                yield backbone + inner
                yield backbone + inner.replace(".", "_", 1)  # timm's pyramids flatten `blocks.0.` to `blocks_0.`


def _prefix(network: nn.Module, module: nn.Module | None) -> str:
    """The name of `module` in `network` with a dot; "" where it is None."""
    return next((f"{name}." for name, inner in network.named_modules() if inner is module and name), "")


def _names_in(network: Trainable, modules: Collection[nn.Module]) -> set[str]:
    prefixes = tuple(_prefix(network, module) for module in modules)
    return {name for name in network.state_dict() if prefixes and name.startswith(prefixes)}


def _first_layer(network: Trainable, backbone: str) -> str | None:
    """The weight of the convolution that reads the frame's bands."""
    state = network.state_dict()
    return next((name for name, value in state.items() if name.startswith(backbone) and value.ndim == 4), None)


def _only_bands_differ(own: Tensor, value: Tensor) -> bool:
    same = own.ndim == value.ndim == 4 and own.shape[0] == value.shape[0] and own.shape[2:] == value.shape[2:]
    return same and own.shape[1] != value.shape[1]


def _head_notes(network: Trainable, fitted: _Fit, without: Collection[nn.Module]) -> Iterator[str]:
    """What became of the layers that have a channel a class."""
    if without:
        yield "the head is left out: it answers for other classes"
        return
    heads = _names_in(network, network.class_layers)
    if heads & fitted.misfits.keys():
        yield f"the head is left out: it answers for another number of classes than {network.spec.channels}"
    elif heads & fitted.taken.keys():
        yield f"the head is taken as it is: {network.spec.channels} classes; which ones, the file does not say"


def _nothing_fits(network: Trainable, state: Mapping[str, Tensor], source: str, fitted: _Fit) -> SegwrightError:
    """The refusal, with the names on both sides, or the shapes where the names are the same."""
    own = network.state_dict() if network.backbone is None else network.backbone.state_dict()
    found = ", ".join(list(state)[:KEYS_SHOWN]) + ", ..."
    if fitted.misfits:
        found = "; ".join(str(misfit) for misfit in list(fitted.misfits.values())[:KEYS_SHOWN])
    return ArtefactError.of(
        source,
        "holds no weights for this network",
        allowed=", ".join(list(own)[:KEYS_SHOWN]) + ", ...",
        found=found,
        fix="choose the encoder the file was made for (model.encoder)",
    )
