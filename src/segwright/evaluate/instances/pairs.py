"""Predictions beside their truth, read once: to be counted, and to be shown again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwright.core import ClassTable
from segwright.evaluate.boundary_iou import DILATION_RATIO
from segwright.evaluate.instances.frames import PairedFrames
from segwright.evaluate.instances.results import read_results
from segwright.evaluate.instances.rules import Kind, Rule, require_kinds, rule_called
from segwright.evaluate.instances.truth import read_truth

Predictions = Path | str | Sequence[Mapping[str, Any]]
Truth = Path | str | Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class InstancePairs:
    """The frames of both sides and how they are scored; `known` says where they were read."""

    frames: PairedFrames
    kinds: tuple[Kind, ...]
    rule: Rule
    boundary_ratio: float
    known: Mapping[str, str]

    @property
    def place(self) -> str:
        """Where the truth is, for messages."""
        return self.known.get("truth", "the truth")

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found while reading."""
        notes = (*self.frames.truth.notes, *self.frames.results.notes)
        if len(self.frames.results.frame):
            return notes
        return f"no detection at all for {len(self.frames)} images: every truth is missed", *notes


def pair_instances(
    predictions: Predictions,
    truth: Truth,
    *,
    kinds: Iterable[Kind] = ("mask", "box"),
    rule: str = "coco",
    class_table: ClassTable | None = None,
    boundary_ratio: float = DILATION_RATIO,
) -> InstancePairs:
    """Both sides read; arguments and errors as in `evaluate_instances`."""
    kinds, chosen = require_kinds(kinds), rule_called(rule)
    true = read_truth(truth, kinds, chosen, class_table)
    found = read_results(predictions, true, kinds)
    sides = (("predictions", predictions), ("truth", truth))
    known = {name: str(side) for name, side in sides if isinstance(side, Path | str)}
    return InstancePairs(PairedFrames(true, found), kinds, chosen, boundary_ratio, known)
