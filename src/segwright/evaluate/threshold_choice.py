"""What every choice of thresholds on a hold-out has in common, whether of pixels or of objects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from segwright.core import Listener, Note
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


@dataclass(frozen=True)
class ThresholdChoice(ABC):
    """Thresholds chosen on `images` frames, and what they do to the decision there.

    `thresholds` is None where what decided before was as good; `proposed` is what was tried, kept or not. `before` and
    `after` are measured on the hold-out itself: thresholds were chosen on these frames, so `after` is a little too
    good; only another part of the data gives the honest number.
    """

    target: str
    thresholds: Mapping[str, float] | None
    proposed: Mapping[str, float]
    before: DecisionScores
    after: DecisionScores
    images: int
    notes: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether the thresholds beat what decided before."""
        return self.thresholds is not None

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """What a bundle keeps of its calibration."""

    def _account(self, **own: Any) -> dict[str, Any]:
        """The choice as JSON values; `own` is what only this kind of calibration has."""
        return {
            "target": self.target,
            "kept": self.kept,
            "thresholds": None if self.thresholds is None else dict(self.thresholds),
            "proposed": dict(self.proposed),
            "images": self.images,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            **own,
            "notes": list(self.notes),
        }


def say_all(notes: Iterable[str], listener: Listener) -> None:
    """Warn of what a choice of thresholds left as it was."""
    for note in notes:
        listener(Note("calibrate", note, "warning"))
