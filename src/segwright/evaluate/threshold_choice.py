"""What every choice of thresholds on a hold-out has in common, whether of pixels or of objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from segwright.evaluate.scores import Score


@dataclass(frozen=True)
class DecisionScores:
    """Scores of a whole decision on the hold-out.

    `objective` is the mean utility of the target over the classes that are in the truth; `classes` has precision,
    recall, f1 and iou of each class.
    """

    objective: float
    classes: Mapping[str, Mapping[str, Score]]

    def to_json(self) -> dict[str, Any]:
        return {"objective": self.objective, "classes": {name: dict(row) for name, row in self.classes.items()}}


class ThresholdChoice(Protocol):
    """Thresholds chosen on `images` frames; None where what decided before was as good. `proposed` was tried."""

    @property
    def target(self) -> str: ...
    @property
    def thresholds(self) -> Mapping[str, float] | None: ...
    @property
    def proposed(self) -> Mapping[str, float]: ...
    @property
    def before(self) -> DecisionScores: ...
    @property
    def after(self) -> DecisionScores: ...
    @property
    def images(self) -> int: ...
    @property
    def notes(self) -> tuple[str, ...]: ...


def account_of(choice: ThresholdChoice, **own: Any) -> dict[str, Any]:
    """What a bundle keeps of a calibration, as JSON values; `own` is what only this kind of calibration has."""
    thresholds = choice.thresholds
    return {
        "target": choice.target,
        "kept": thresholds is not None,
        "thresholds": None if thresholds is None else dict(thresholds),
        "proposed": dict(choice.proposed),
        "images": choice.images,
        "before": choice.before.to_json(),
        "after": choice.after.to_json(),
        **own,
        "notes": list(choice.notes),
    }
