"""The points of a learning curve: one a finished run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

from segwright.evaluate.scores import Score

_ANOTHER = 15 / 14  # times the smallest size of a row: from here on it is another size


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
    """The runs of one size: their mean score, the spread between them (None of a single run), and both ends.

    `size` is the mean number of frames where groups that do not divide evenly made it differ a little between runs.
    """

    size: int
    runs: int
    mean: float
    std: float | None
    lowest: float
    highest: float


def by_size(sizes: Sequence[int], scores: Sequence[float]) -> list[SizeSummary]:
    """The runs of each size, smallest first; `std` is the sample standard deviation.

    Sizes less than a fourteenth above the smallest of a row are in that row. Subsets are drawn by group, so that what
    was asked for as one size comes out as 15 frames of one seed and 16 of another: they are no two sizes.
    """
    grouped: list[list[tuple[int, float]]] = []
    for pair in sorted(zip(sizes, scores, strict=True)):
        if not grouped or pair[0] >= _ANOTHER * grouped[-1][0][0]:
            grouped.append([])
        grouped[-1].append(pair)
    return [_summary(pairs) for pairs in grouped]


def _summary(pairs: Sequence[tuple[int, float]]) -> SizeSummary:
    found = [score for _, score in pairs]
    spread = stdev(found) if len(found) > 1 else None
    return SizeSummary(
        round(fmean(size for size, _ in pairs)), len(found), fmean(found), spread, min(found), max(found)
    )


def scored(points: Iterable[CurvePoint], score: str) -> list[tuple[CurvePoint, float]]:
    """The points that have the score, with it."""
    found = ((point, point.scores.get(score)) for point in points)
    return [(point, float(value)) for point, value in found if value is not None]
