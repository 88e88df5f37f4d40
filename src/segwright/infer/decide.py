"""From probabilities to one class a pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, ConfigError, LabelMap, Probabilities, adopt

Ids = npt.NDArray[np.unsignedinteger]

# A class without a threshold of its own where others have one: it was absent from the hold-out they were chosen on.
UNSET_THRESHOLD = 0.5


@dataclass(frozen=True)
class Decision:
    """Per-class thresholds by name, each above 0 and at most 1; None decides by the largest probability."""

    thresholds: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        wrong = {name: value for name, value in (self.thresholds or {}).items() if not 0 < value <= 1}
        if wrong:
            raise ConfigError.of(
                "thresholds",
                "are outside their range",
                allowed="above 0, at most 1",
                found=str(wrong),
                fix="segwright calibrate chooses them, or write a number between 0 and 1",
            )

    def check(self, classes: ClassTable) -> None:
        """Raise ConfigError where a threshold names the background or a class that is not in the table."""
        foreground = [spec.name for spec in classes.foreground]
        foreign = sorted(set(self.thresholds or {}) - set(foreground))
        if foreign:
            raise ConfigError.of(
                "thresholds",
                "name something that has none: the background takes what no other class passes for",
                allowed=", ".join(foreground),
                found=", ".join(foreign),
                fix="leave it out, or name a foreground class",
            )

    def to_json(self) -> dict[str, object]:
        return {"thresholds": None if self.thresholds is None else dict(self.thresholds)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Decision:
        return Decision(data["thresholds"])


def decide(probabilities: Probabilities, decision: Decision = Decision()) -> LabelMap:
    """One class a pixel; never void, which no network is asked for. The first class in the table wins a tie.

    Without thresholds the largest probability wins. With them, of the classes whose probability reaches their
    threshold the one that exceeds it by the largest factor wins; a pixel that passes for none is background, or,
    where the table has no background, the class that comes closest.

        probabilities 0.45 background, 0.35 scratch, 0.20 dent
        thresholds    scratch 0.3, dent 0.5   ->   scratch
    """
    decision.check(probabilities.classes)
    return LabelMap(adopt(decide_ids(probabilities.values, probabilities.classes, decision)), probabilities.classes)


def decide_ids(values: npt.NDArray[np.float32], classes: ClassTable, decision: Decision) -> Ids:
    """The class ids (height, width) for probabilities (channels, height, width): `decide` for a band of rows."""
    by_threshold = decision.thresholds is not None
    best = np.full(values.shape[1:], -1, np.float32)
    ids = np.zeros(values.shape[1:], classes.id_type)
    for channel, spec in enumerate(classes):
        if by_threshold and spec.name == classes.background:
            continue
        score = values[channel] / np.float32(_threshold(decision, spec.name)) if by_threshold else values[channel]
        ids[score > best] = spec.class_id
        np.maximum(best, score, out=best)
    if by_threshold and classes.background_id is not None:
        ids[best < 1] = classes.background_id
    return ids


def _threshold(decision: Decision, name: str) -> float:
    return (decision.thresholds or {}).get(name, UNSET_THRESHOLD)
