"""Options of query networks that are no whole numbers, and those that every query network has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segwright.models.options import Option


@dataclass(frozen=True, slots=True)
class Real(Option):
    """A number from 0 on."""

    def takes(self, value: Any) -> bool:
        return type(value) in (int, float) and value >= 0

    @property
    def allowed(self) -> str:
        return "a number, 0 or more"


@dataclass(frozen=True, slots=True)
class Text(Option):
    """Text, or null."""

    def takes(self, value: Any) -> bool:
        return value is None or type(value) is str

    @property
    def allowed(self) -> str:
        return "text, or null"


# What the loss is told (`models/query/loss.py`): the weights of Mask2Former and of EoMT.
LOSS_OPTIONS: Mapping[str, Option] = {
    "class_weight": Real(2.0, "weight of the class term, in matching and in the loss"),
    "mask_weight": Real(5.0, "weight of the masks' cross-entropy, in matching and in the loss"),
    "dice_weight": Real(5.0, "weight of the masks' Dice term, in matching and in the loss"),
    "no_object_weight": Real(0.1, "weight of a query without an object in the class term"),
    "points": Option(12544, "points at which masks are compared; no more than a crop has pixels"),
}
CONFIGURATION: Mapping[str, Option] = {
    "configuration": Text(None, "a transformers configuration as JSON; the plan writes it for published weights"),
}
