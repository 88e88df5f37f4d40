"""The points of a learning curve: one a finished run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

from segwright.evaluate.scores import Score


@dataclass(frozen=True)
class CurvePoint:
    """One run: how many labelled frames (and groups of them) it was trained on, and what it scored.

    `scores` are the held-out frames' scores by name, those of a class as `CLASS.iou`; None is an absent class.
    """

    run: str
    frames: int
    groups: int
    seed: int
    scores: Mapping[str, Score]

    def to_json(self) -> dict[str, Any]:
        """The point as plain values."""
        return {**asdict(self), "scores": dict(self.scores)}


@dataclass(frozen=True)
class SizeSummary:
    """The runs of one size: their mean score, and the spread between them (None of a single run)."""

    size: int
    runs: int
    mean: float
    std: float | None


def by_size(sizes: Sequence[int], scores: Sequence[float]) -> list[SizeSummary]:
    """The runs of each size, smallest first; `std` is the sample standard deviation."""
    grouped: dict[int, list[float]] = defaultdict(list)
    for size, score in zip(sizes, scores, strict=True):
        grouped[size].append(score)
    return [
        SizeSummary(size, len(found), fmean(found), stdev(found) if len(found) > 1 else None)
        for size, found in sorted(grouped.items())
    ]


def scored(points: Iterable[CurvePoint], score: str) -> list[tuple[CurvePoint, float]]:
    """The points that have the score, with it."""
    found = ((point, point.scores.get(score)) for point in points)
    return [(point, float(value)) for point, value in found if value is not None]
