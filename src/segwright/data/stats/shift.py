"""How far frames of one domain lie from others: one number a class and a statistic of the pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

SHIFT = (
    "Wasserstein-1 distance between the frames' values here and there, in standard deviations over both: how far the "
    "values must be moved on average. Of a class the value is its share of a frame's valid pixels. `chance` is what 95 "
    "of 100 random divisions of the same frames stay below; frames that resemble each other make more than that chance."
)
FEWEST_FRAMES = 3
_DIVISIONS, _MOST_NUMBERS = 200, 4_000_000


@dataclass(frozen=True)
class Shift:
    """One value of a column against other frames, by one class's share or one statistic of the pictures.

    `distance` and `chance` are in standard deviations, see `SHIFT`; `here` and `there` are means.
    """

    column: str
    value: str
    against: str
    kind: str  # class | image
    name: str
    frames: int
    distance: float
    chance: float
    here: float
    there: float

    @property
    def differs(self) -> bool:
        """Whether the distance is beyond chance."""
        return self.distance > self.chance

    def to_json(self) -> dict[str, Any]:
        """The shift as plain values."""
        return {**asdict(self), "differs": self.differs}


@dataclass(frozen=True)
class Sides:
    """Which frames are compared: those with `value` in `column` (`inside`) with the others among `compared`."""

    column: str
    value: str
    against: str
    inside: npt.NDArray[np.bool_]
    compared: npt.NDArray[np.bool_]


def shifts(sides: Sides, numbers: Mapping[tuple[str, str], npt.NDArray[np.float64]]) -> list[Shift]:
    """The shifts of one domain by each of `numbers`: (kind, name) -> a value a frame, NaN where it has none."""
    found = []
    for (kind, name), values in numbers.items():
        known = sides.compared & np.isfinite(values)
        inside = sides.inside[known]
        if min(inside.sum(), (~inside).sum()) < FEWEST_FRAMES:
            continue
        kept = values[known]
        distance, chance = _distance_and_chance(kept, inside)
        here, there = float(kept[inside].mean()), float(kept[~inside].mean())
        row = Shift(
            sides.column, sides.value, sides.against, kind, name, int(inside.sum()), distance, chance, here, there
        )
        found.append(row)
    return found


def wasserstein(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """The Wasserstein-1 distance of two samples: the area between their distribution functions."""
    first, second = np.asarray(one, float), np.asarray(other, float)
    inside = np.concatenate([np.ones(len(first), bool), np.zeros(len(second), bool)])
    return float(_distances(np.concatenate([first, second]), inside[None])[0])


def _distance_and_chance(values: npt.NDArray, inside: npt.NDArray[np.bool_]) -> tuple[float, float]:
    spread = float(values.std())
    if spread <= 1e-12 * max(1.0, float(np.abs(values).max())):
        return 0.0, 0.0
    drawn = np.concatenate([_distances(values, part) for part in _divisions(inside)])
    return float(_distances(values, inside[None])[0]) / spread, float(np.quantile(drawn, 0.95)) / spread


def _divisions(inside: npt.NDArray[np.bool_]) -> Iterator[npt.NDArray[np.bool_]]:
    """Random divisions (some, frames) into as many on each side; fewer of them where frames are very many."""
    rng = np.random.default_rng(0)
    count = int(np.clip(_MOST_NUMBERS // len(inside), 40, _DIVISIONS))
    block = max(1, min(count, 400_000 // len(inside)))
    for start in range(0, count, block):
        yield rng.permuted(np.tile(inside, (min(block, count - start), 1)), axis=1)


def _distances(values: npt.NDArray, inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Of each division (divisions, frames) the distance between the values inside and outside."""
    order = np.argsort(values, kind="stable")
    sorted_inside = inside[:, order]
    reached = np.cumsum(sorted_inside, axis=1)
    count = reached[:, -1:]
    outside = np.arange(1, len(values) + 1) - reached
    difference = np.abs(reached / count - outside / (len(values) - count))
    return difference[:, :-1] @ np.diff(values[order])


def outliers(values: npt.NDArray[np.float64], stems: Sequence[str], beyond: float = 5.0) -> list[tuple[str, float]]:
    """Stem and robust z-score of values far from the others, farthest first.

    The z-score is the distance to the median over 1.4826 times the median distance (over 1.2533 times the mean distance
    where that is 0). Where more than one frame in twenty is that far, they are a tail or a second kind, which the
    domains show, and none is told. Source: Iglewicz & Hoaglin (1993), "How to Detect and Handle Outliers".
    """
    known = np.isfinite(values)
    if known.sum() < FEWEST_FRAMES:
        return []
    away = np.abs(values - np.median(values[known]))
    scale = 1.4826 * float(np.median(away[known])) or 1.2533 * float(away[known].mean())
    if scale == 0:
        return []
    scores = np.where(known, away / scale, 0)
    far = [int(index) for index in np.argsort(-scores, kind="stable") if scores[index] > beyond]
    return [(stems[index], float(scores[index])) for index in far] if len(far) <= max(3, 0.05 * len(values)) else []
