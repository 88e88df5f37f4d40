"""From runs to curves: one of the chosen score, one of each class: its IoU, or its AP or PQ where objects are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

from segwright.core import ConfigError
from segwright.evaluate.learning_curve.forecast import Forecast, Refusal, forecast
from segwright.evaluate.learning_curve.points import CurvePoint, SizeSummary, by_size, scored

_DEFAULTS = ("pooled_miou_foreground", "pooled_miou", "mask_ap", "pq")
_OF_CLASS = (".iou", ".mask_ap", ".pq")


@dataclass(frozen=True)
class LearningCurve:
    """A score of some runs against the number of frames (or groups) they were trained on, and its forecast.

    `values` are (size, score), one a run that has the score; `outcome` says what `more` of `unit` should bring.
    """

    score: str
    unit: str
    more: int
    values: tuple[tuple[int, float], ...]
    rows: tuple[SizeSummary, ...]
    outcome: Forecast | Refusal

    @property
    def refusal(self) -> Refusal | None:
        """Why there is no forecast; None where there is one."""
        return self.outcome if isinstance(self.outcome, Refusal) else None

    def to_json(self) -> dict[str, Any]:
        """The curve as plain values."""
        return {
            "unit": self.unit,
            "more": self.more,
            "values": [list(pair) for pair in self.values],
            "sizes": [asdict(row) for row in self.rows],
            "forecast": self.outcome.to_json(),
        }


def learning_curves(
    points: Sequence[CurvePoint], *, score: str | None = None, more: int = 100, by_groups: bool = False
) -> dict[str, LearningCurve]:
    """The curve of `score`, then of each class, by name.

    By default it is the foreground's pooled mIoU and each class's IoU; of objects the AP of masks, of segments PQ.

    Raises:
        ConfigError: a score that no run has.
    """
    known = {name for point in points for name, value in point.scores.items() if value is not None}
    usual = next((name for name in _DEFAULTS if name in known), "pooled_miou")
    chosen = score or usual
    if chosen not in known:
        close = get_close_matches(chosen, known, n=1)
        fix = f"did you mean '{close[0]}'?" if close else f"leave --score out: it is {usual} then"
        raise ConfigError.of(
            "--score", "is no score of these runs", allowed=", ".join(sorted(known)), found=chosen, fix=fix
        )
    classes = dict.fromkeys(name for point in points for name in point.scores if name.endswith(_OF_CLASS))
    names = dict.fromkeys([chosen, *(name for name in classes if name in known)])
    return {name: _curve(points, name, more, by_groups=by_groups) for name in names}


def _curve(points: Sequence[CurvePoint], score: str, more: int, *, by_groups: bool) -> LearningCurve:
    found = [(point.groups if by_groups else point.frames, value) for point, value in scored(points, score)]
    sizes, values = [size for size, _ in found], [value for _, value in found]
    outcome = forecast(sizes, values, more=more)
    unit = "groups" if by_groups else "frames"
    return LearningCurve(score, unit, more, tuple(found), tuple(by_size(sizes, values)), outcome)
