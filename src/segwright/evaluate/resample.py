"""Frames drawn again by group: how far a score would move with other sessions, lines or patients.

Pixels of one frame and frames of one session are alike, so neither may be drawn one by one: a group is drawn whole or
not at all. Source: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, sections 8.5 (units) and 13.3
(percentile intervals); Field & Welsh 2007 for clusters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, DataError
from segwright.evaluate.result import Evaluation, FrameRow
from segwright.evaluate.scores import ratio

Array = npt.NDArray[np.float64]

ROUNDS = 2000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """`score` and where it lies in `level` of the draws; None where more than half of them lack it."""

    score: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Intervals:
    """Percentile intervals of the overall scores and of each class's, from `rounds` draws of `groups` groups."""

    by: str | None
    groups: int
    rounds: int
    level: float
    seed: int
    scores: Mapping[str, Interval]
    classes: Mapping[str, Mapping[str, Interval]]


@dataclass(frozen=True)
class GroupSums:
    """What each group adds to the scores. Arrays are (groups, classes); `image` holds sums of per-image scores.

    `image[name]` is (sum, count): over the images of the group where the class has that score.
    """

    names: tuple[str, ...]
    correct: Array
    truth: Array
    predicted: Array
    image: Mapping[str, tuple[Array, Array]]

    def scores(self, weights: Array) -> dict[str, Array]:
        """Score name -> (rounds, classes); `weights` (rounds, groups) is how often each group is drawn; NaN absent."""
        correct, truth, predicted = (weights @ sums for sums in (self.correct, self.truth, self.predicted))
        found = {
            "iou": ratio(correct, truth + predicted - correct),
            "dice": ratio(2 * correct, truth + predicted),
            "precision": ratio(correct, predicted),
            "recall": ratio(correct, truth),
        }
        return found | {name: ratio(weights @ total, weights @ count) for name, (total, count) in self.image.items()}


class Grouped(Protocol):
    """A frame that may be drawn with others."""

    @property
    def stem(self) -> str: ...

    @property
    def columns(self) -> Mapping[str, str]: ...


def group_names(frames: Sequence[Grouped], by: str | None) -> list[str]:
    """The group of each frame: its value in the column `by`, or itself.

    Raises:
        DataError: frames without a value in the column.
    """
    if by is None:
        return [row.stem for row in frames]
    without = [row.stem for row in frames if not row.columns.get(by)]
    if without:
        columns = sorted({name for row in frames for name in row.columns})
        raise DataError.of(
            f"column '{by}'",
            f"has no value on {len(without)} of {len(frames)} frames, so these belong to no group",
            allowed=f"a column every frame has: {', '.join(columns) or 'none here'}",
            found=", ".join(without[:3]),
            fix="evaluate with --data segwright.yaml, whose columns say line, session or patient",
        )
    return [row.columns[by] for row in frames]


def group_sums(frames: Sequence[FrameRow], groups: Sequence[str], order: Sequence[str], table: ClassTable) -> GroupSums:
    """The frames' counts added up by group, in the order of `order`."""
    names = table.names
    place = {group: index for index, group in enumerate(order)}
    member = np.zeros((len(order), len(frames)))
    member[[place[group] for group in groups], np.arange(len(frames))] = 1.0
    counts = (np.array([getattr(row, field) for row in frames], dtype=np.float64).reshape(len(frames), len(names))
              for field in ("correct_px", "truth_px", "predicted_px"))  # fmt: skip
    correct, truth, predicted = (member @ rows for rows in counts)
    per_image = {"mean_image_iou": [row.iou for row in frames]}
    for score in frames[0].boundary_f if frames else ():
        per_image[score] = [row.boundary_f[score] for row in frames]
    image = {}
    for score, rows in per_image.items():
        values = np.array([[np.nan if row[name] is None else row[name] for name in names] for row in rows])
        present = ~np.isnan(values)
        image[score] = member @ np.where(present, values, 0.0), member @ present
    return GroupSums(names, correct, truth, predicted, image)


def overall_scores(by_class: Mapping[str, Array], foreground: Sequence[int]) -> dict[str, Array]:
    """The overall scores that are means over classes, (rounds,) each, from scores (rounds, classes)."""
    found = {"pooled_miou": by_class["iou"], "pooled_miou_foreground": by_class["iou"][:, foreground]}
    found |= {name: rows[:, foreground] for name, rows in by_class.items() if name.startswith("boundary_f@")}
    return {name: mean_present(rows) for name, rows in found.items()}


def confidence_intervals(
    evaluation: Evaluation, *, by: str | None = None, rounds: int = ROUNDS, level: float = LEVEL, seed: int = 0
) -> Intervals:
    """Percentile intervals of an evaluation's scores by drawing its groups again, with replacement.

    `by` is the column whose values stay together; None draws single frames, which is only right where frames are
    independent. `mean_image_miou` and `pixel_accuracy` have no interval here.

    Raises:
        DataError: fewer than two groups, or frames without a value in the column.
    """
    groups = group_names(evaluation.frames, by)
    order = sorted(set(groups))
    require_groups(len(order), by)
    table = evaluation.class_table
    sums = group_sums(evaluation.frames, groups, order, table)
    weights = draws(len(order), rounds, seed).astype(np.float64)
    foreground = [table.channel(spec.name) for spec in table.foreground]
    drawn = sums.scores(weights)
    overall = {
        name: interval(evaluation.scores.get(name), values, level)
        for name, values in overall_scores(drawn, foreground).items()
    }
    classes = {
        name: {
            score: interval(evaluation.classes[name][score], rows[:, channel], level) for score, rows in drawn.items()
        }
        for channel, name in enumerate(table.names)
    }
    return Intervals(by, len(order), rounds, level, seed, overall, classes)


def require_groups(groups: int, by: str | None) -> None:
    """Refuse to draw from a single group. Raises DataError."""
    if groups < 2:
        raise DataError.of(
            f"column '{by}'" if by else "frames",
            "cannot be drawn again",
            allowed="at least two groups",
            found=f"{groups} group{'' if groups == 1 else 's'}",
            fix="score more groups, or name a column with more values",
        )


def draws(groups: int, rounds: int, seed: int) -> npt.NDArray[np.int64]:
    """How often each group is drawn, (rounds, groups): as many groups as there are, with replacement."""
    return np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), size=rounds)


def interval(score: float | None, drawn: Array, level: float) -> Interval:
    """The score between the percentiles of its draws; NaN is a draw without it."""
    present = drawn[~np.isnan(drawn)]
    if score is None or 2 * len(present) < len(drawn):
        return Interval(score, None, None)
    low, high = np.quantile(present, [(1 - level) / 2, (1 + level) / 2])
    return Interval(score, float(low), float(high))


def mean_present(rows: Array) -> Array:
    """The mean of each row (rounds,) over what is not NaN; NaN where nothing is left."""
    present = ~np.isnan(rows)
    return ratio(np.where(present, rows, 0.0).sum(axis=1), present.sum(axis=1))
