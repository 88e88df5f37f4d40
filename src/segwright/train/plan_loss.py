"""The loss of a plan: terms as the project says, classes as channels, class weights from the fingerprint."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from segwright.core import ClassSpec, ClassTable
from segwright.data import Fingerprint
from segwright.models.query import QUERY_NETWORKS
from segwright.project.losses import Loss
from segwright.train.plan_inputs import PlanInputs, Reasons
from segwright.train.settings import LossPlan

RAREST_WEIGHED_SHARE = 1e-3
FLOOR = f"a class rarer than {RAREST_WEIGHED_SHARE:.1%} weighs as one of that share"

# (pixels of a class, pixels of all, pixels in the frames that have the class) -> weight before the mean is made 1
Rarity = Callable[[float, float, float], float]
RARITIES: dict[str, tuple[Rarity, str]] = {
    "inverse_sqrt": (lambda own, _, __: 1 / math.sqrt(own), "one over the square root of each class's training pixels"),
    "inverse": (lambda own, _, __: 1 / own, "one over each class's training pixels"),
    "median": (
        lambda own, _, frames: frames / own,
        "median frequency balancing (Eigen and Fergus 2015): one over the share of a class in the frames that have it",
    ),
    "effective": (
        lambda own, total, _: -1 / math.expm1(own * math.log1p(-1 / max(total, 2))),
        "one over the effective number of pixels (Cui et al. 2019, beta = (N - 1) / N with N all training pixels)",
    ),
}


def loss_plan(inputs: PlanInputs, reasons: Reasons) -> LossPlan:
    """The weights, channels, class weights and options of the loss, with a reason for each that was chosen."""
    loss, classes = inputs.project.loss, inputs.dataset.classes
    weights = loss.weights()
    channels = {key: _channels(classes, chosen) for key, chosen in loss.chosen_classes().items()}
    options: dict[str, dict[str, Any]] = {}
    for name in weights:
        told = loss.options(name)
        if (own := channels.get(f"{name}.classes")) is not None:
            told["channels"] = list(own)
        if told:
            options[name] = told
            reasons.texts[f"loss.{name}"] = f"segwright.yaml says so: {', '.join(told)}"
    default = loss.weights() == Loss().weights()
    reasons.texts["loss.weights"] = (
        "half cross-entropy, for every pixel, and half Dice, for overlap of the classes looked for"
        if default
        else "segwright.yaml says so; terms it does not name keep their weight of cross_entropy 0.5, dice 0.5, else 0"
    )
    class_weights = _class_weights(inputs, reasons)
    _say_not_used(inputs, reasons)
    return LossPlan(weights, channels["dice_classes"], class_weights, options)


def _say_not_used(inputs: PlanInputs, reasons: Reasons) -> None:
    """Where the network has losses of its own, say so in place of reasons for those of pixels."""
    network = inputs.project.model.network
    if network not in QUERY_NETWORKS and inputs.objects is None:
        return
    from_what = "matched queries" if network in QUERY_NETWORKS else "its paper's own losses of objects"
    for name in [name for name in reasons.texts if name.startswith("loss.")]:
        reasons.texts[name] = f"not used: {network} learns from {from_what}"


def _channels(classes: ClassTable, chosen: str | list[str]) -> tuple[int, ...]:
    names = chosen if isinstance(chosen, list) else [spec.name for spec in _of(classes, chosen)]
    return tuple(sorted({classes.channel(name) for name in names}))


def _of(classes: ClassTable, chosen: str) -> tuple[ClassSpec, ...]:
    return classes.foreground if chosen == "foreground" else tuple(classes)


def _class_weights(inputs: PlanInputs, reasons: Reasons) -> tuple[float, ...] | None:
    given, classes = inputs.project.loss.class_weights, inputs.dataset.classes
    if isinstance(given, dict):
        reasons.texts["loss.class_weights"] = "segwright.yaml says so"
        return tuple(float(given.get(spec.name, 1.0)) for spec in classes)
    if given == "none" or (given == "auto" and classes.background is not None):
        reasons.texts["loss.class_weights"] = "none: Dice, and crops centred on rare classes, outweigh the background"
        return None
    scheme = "inverse_sqrt" if given == "auto" else given
    reasons.texts["loss.class_weights"] = f"{RARITIES[scheme][1]}, mean 1; {FLOOR}"
    return by_rarity(scheme, *_pixels(inputs.fingerprint, classes))


def _pixels(fingerprint: Fingerprint, classes: ClassTable) -> tuple[list[int], list[int]]:
    """The pixels of each class, and the number of frames that have it."""
    rows = [fingerprint.classes[spec.name] for spec in classes]
    return [row.pixels for row in rows], [row.frames_present for row in rows]


def by_rarity(scheme: str, pixels: Sequence[int], frames: Sequence[int]) -> tuple[float, ...]:
    """A weight for each class by `scheme`, mean 1 over the classes there are; 1 for one without a pixel.

    A class rarer than `RAREST_WEIGHED_SHARE` of all pixels weighs as if it were that common: no speck rules the loss.
    `frames` are the frames that have each class; they count as equally large (only their ratios matter).
    """
    rarity, total = RARITIES[scheme][0], sum(pixels)
    least = RAREST_WEIGHED_SHARE * total
    raw = [rarity(max(own, least), total, seen) if own else None for own, seen in zip(pixels, frames, strict=True)]
    present = [weight for weight in raw if weight is not None]
    mean = sum(present) / len(present)
    return tuple(1.0 if weight is None else round(weight / mean, 4) for weight in raw)
