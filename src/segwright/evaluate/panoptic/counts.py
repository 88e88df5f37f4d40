"""Counts of panoptic quality: a row a frame, which add up over frames, workers and machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, ConfigError, DataError, Listener, Problem, Progress, silent
from segwright.evaluate.panoptic.frame import PanopticFrame
from segwright.evaluate.panoptic.matching import RULES, Rule, match_segments
from segwright.evaluate.rows import in_order

# columns of PanopticRow.matched
CLASS, TRUE, PREDICTED, INTERSECTION, UNION = range(5)


@dataclass(frozen=True, eq=False)
class PanopticRow:
    """What one frame adds to the scores; equal by value.

    `matched` is int64 (matches, 5): class id, true segment id, predicted segment id, pixels of intersection and of
    union; the rows are the true positives. `missed` is int64 (segments, 2), class id and segment id of the false
    negatives, `invented` the same of the false positives. `void_px` of the frame's `frame_px` pixels are void truth.
    `columns` say the frame's domains.
    """

    stem: str
    matched: npt.NDArray[np.int64]
    missed: npt.NDArray[np.int64]
    invented: npt.NDArray[np.int64]
    void_px: int
    frame_px: int
    columns: Mapping[str, str] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PanopticRow):
            return NotImplemented
        mine, theirs = (
            (row.stem, row.void_px, row.frame_px, row.matched.tolist(), row.missed.tolist(), row.invented.tolist(),
             dict(row.columns))
            for row in (self, other)
        )  # fmt: skip
        return mine == theirs

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class PanopticCounts:
    """All counts of an evaluation: a row a frame, in the order of their stems.

    Counts of disjoint sets of frames are added with `+`: any order and any sharding gives the same value. No IoU is
    summed before the rows are together, so the sums do not depend on the order either.
    """

    classes: ClassTable
    rule: Rule
    frames: tuple[PanopticRow, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "frames", in_order(self.frames))

    def __add__(self, other: PanopticCounts) -> PanopticCounts:
        if self.classes.content_hash != other.classes.content_hash or self.rule != other.rule:
            raise ValueError("only counts of the same classes and the same void rule add up")
        return PanopticCounts(self.classes, self.rule, self.frames + other.frames)


def count_panoptic_frame(prediction: PanopticFrame, truth: PanopticFrame, *, rule: Rule = "coco") -> PanopticRow:
    """The row of one frame: matched, missed and invented segments under a void rule (see `matching`).

        >>> from segwright.evaluate.panoptic import Segment
        >>> classes = ClassTable.of(["road"])
        >>> frames = (np.array([[1, 1, 1, kind]], np.uint32) for kind in (1, 0))
        >>> truth, prediction = (PanopticFrame("a", ids, {1: Segment(0)}, classes) for ids in frames)
        >>> count_panoptic_frame(prediction, truth).matched[:, INTERSECTION:].tolist()
        [[3, 4]]

    Raises:
        DataError: the sizes or the class tables differ; both at once.
        ConfigError: no such rule.
    """
    require_rule(rule)
    problems = tuple(_pair_problems(prediction, truth))
    if problems:
        raise DataError(*problems)
    found, predicted, true = match_segments(prediction, truth, rule), prediction.table, truth.table
    matched = (
        true.class_ids[found.true],
        true.ids[found.true],
        predicted.ids[found.predicted],
        found.intersection_px,
        found.union_px,
    )
    return PanopticRow(
        truth.stem,
        np.stack(matched, axis=1),
        np.stack((true.class_ids[found.missed], true.ids[found.missed]), axis=1),
        np.stack((predicted.class_ids[found.invented], predicted.ids[found.invented]), axis=1),
        truth.void_px,
        truth.ids.size,
    )


def count_panoptic_frames(
    pairs: Iterable[tuple[PanopticFrame, PanopticFrame]],
    classes: ClassTable,
    *,
    rule: Rule = "coco",
    listener: Listener = silent,
) -> PanopticCounts:
    """The counts of a stream of frames, each (prediction, truth), to be added to those of other workers.

    Holds one pair at a time; no frame at all is fine.

    Raises:
        DataError: frames of another size or class table than their truth, or of other classes than `classes`; all.
        ConfigError: no such rule.
    """
    rows, problems = [], []
    for done, (prediction, truth) in enumerate(pairs, start=1):
        try:
            if truth.classes is not classes and truth.classes.content_hash != classes.content_hash:
                raise DataError.of(
                    truth.stem, "has a truth of another class table", allowed=classes.describe(),
                    found=truth.classes.describe(), fix="read the truth with the class table that is scored",
                )  # fmt: skip
            rows.append(count_panoptic_frame(prediction, truth, rule=rule))
        except DataError as error:
            problems += error.problems
        listener(Progress("evaluate", done, done))
    if problems:
        raise DataError(*problems)
    return PanopticCounts(classes, rule, tuple(rows))


def require_rule(rule: str) -> None:
    """Raises ConfigError where `rule` is none of `RULES`."""
    if rule not in RULES:
        fix = "coco as panopticapi counts void, bdd100k as the BDD100K toolkit does"
        raise ConfigError.of("rule", "is no void rule", allowed=", ".join(RULES), found=str(rule), fix=fix)


def _pair_problems(prediction: PanopticFrame, truth: PanopticFrame) -> Iterable[Problem]:
    place = f"{truth.stem}: prediction"
    if prediction.size != truth.size:
        yield Problem(
            place, "is not of the truth's size", f"{truth.size} (width x height), the size the truth was drawn at",
            str(prediction.size), "predict at the image's native size: nothing is resized silently",
        )  # fmt: skip
    if prediction.classes is not truth.classes and prediction.classes.content_hash != truth.classes.content_hash:
        yield Problem(
            place, "is of another class table", truth.classes.describe(), prediction.classes.describe(),
            "score both with one class table",
        )  # fmt: skip
