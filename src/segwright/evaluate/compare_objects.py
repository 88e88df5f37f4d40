"""Two evaluations of instances or panoptic maps on the same frames: what changed, and whether that can be chance.

The p-value is that of `compare`: groups of frames are swapped between the two models. The interval of the difference
draws groups with replacement, the same ones for both models. AP is counted anew for every swap and every draw, from the
matches that an evaluation keeps of each frame; PQ is a ratio of sums over frames.

Source: as `compare` and `resample`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from segwright.core import DataError, Problem, raise_collected
from segwright.evaluate.changes import Change, changed_scores, mismatches
from segwright.evaluate.compare import change_json, few_frames, swaps_of, tested_change
from segwright.evaluate.instances.kept import read_kept
from segwright.evaluate.instances.resampled import image_ap
from segwright.evaluate.instances.rules import KINDS
from segwright.evaluate.object_draws import Drawn, Resampler
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.resample import (
    LEVEL,
    Array,
    Interval,
    Intervals,
    draws,
    group_names,
    interval,
    require_groups,
)
from segwright.evaluate.scores import Score

SCHEMA_VERSION = 1

# Half of what masks have: AP is counted anew for each, which on the 5,000 images of COCO takes a minute or two.
OBJECT_ROUNDS = 1000

# what a frame is judged by, in words
FRAME_SCORES: Mapping[str, str] = {
    "instance": "mean of the AP of its classes in this frame alone",
    "panoptic": "mean of the PQ of its classes in this frame alone",
}


@dataclass(frozen=True, slots=True)
class ObjectFrameChange:
    """One frame: its score (see `FRAME_SCORES`) and its errors, invented and missed objects, of both models."""

    stem: str
    old: Score
    new: Score
    old_errors: int
    new_errors: int

    @property
    def difference(self) -> float:
        """New minus old; 0 where the frame has no score in either."""
        return (self.new or 0.0) - (self.old or 0.0)


@dataclass(frozen=True)
class ObjectComparison:
    """How the new evaluation differs from the old one, overall, by class and by frame, the worst loss first.

    `by`, `groups`, `rounds` and `exact` are as in `Comparison`; `level` is that of the intervals. `untested` says why
    there are no p-values, where there are none.
    """

    by: str | None
    groups: int
    rounds: int
    exact: bool
    scores: Mapping[str, Change]
    classes: Mapping[str, Mapping[str, Change]]
    frames: tuple[ObjectFrameChange, ...]
    level: float = LEVEL
    untested: str = ""

    def lost(self, count: int) -> tuple[ObjectFrameChange, ...]:
        """Up to `count` frames that got worse, worst first."""
        return tuple(row for row in self.frames if _key(row) < (0, 0))[:count]

    def won(self, count: int) -> tuple[ObjectFrameChange, ...]:
        """Up to `count` frames that got better, best first."""
        return tuple(row for row in reversed(self.frames) if _key(row) > (0, 0))[:count]

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain values."""

        def change(row: Change) -> dict[str, Score]:
            return {**change_json(row), "low": row.low, "high": row.high}

        names = ("stem", "old", "new", "old_errors", "new_errors")
        test = {"by": self.by, "groups": self.groups, "rounds": self.rounds, "exact": self.exact, "level": self.level}
        return {
            "schema_version": SCHEMA_VERSION,
            "test": {**test, "untested": self.untested},
            "scores": {name: change(row) for name, row in self.scores.items()},
            "classes": {name: {key: change(row) for key, row in rows.items()} for name, rows in self.classes.items()},
            "frames": [{name: getattr(row, name) for name in names} for row in self.frames],
        }


def compare_objects(
    old: ObjectEvaluation, new: ObjectEvaluation, *, by: str | None = None, rounds: int = OBJECT_ROUNDS, seed: int = 0
) -> ObjectComparison:
    """What changed from `old` to `new`, both of the same task, rule, classes, frames and truth.

    `by` is the column whose values stay together; None swaps and draws single frames. Tested are AP, AP50, AP75 and the
    recall with most detections of each kind, or PQ, SQ and RQ; other scores that both have stand beside them without.

    Raises:
        DataError: all in which the two are not of the same; frames without a value in the column.
        ArtefactError: an evaluation that was garbled.
    """
    raise_collected([*mismatches(old, new), *_other_frames(old, new)], DataError)
    frames = _frame_changes(old, new)
    groups = group_names(_named(new), by)
    order = sorted(set(groups))
    scores = changed_scores(old.scores, new.scores)
    classes = {name: changed_scores(old.classes[name], new.classes[name]) for name in old.classes}
    sides, untested = _sides(old, new)
    if sides is None:
        return ObjectComparison(by, len(order), 0, False, scores, classes, frames, untested=untested)
    before, after = sides
    raise_collected(before.other_truths(after), DataError)
    places = np.searchsorted(order, groups)
    swaps, exact = swaps_of(len(order), rounds, seed)
    tests = _Tests(
        before.differences(after, swaps[:, places].astype(np.int64)),
        before.drawn_differences(after, draws(len(order), rounds, seed)[:, places]) if len(order) > 1 else None,
    )
    scores |= {name: tests.overall(name, old, new) for name in tests.swapped.overall}
    for channel, name in enumerate(new.class_table.names):
        classes[name] |= {score: tests.of_class(score, channel, old, new) for score in tests.swapped.classes}
    return ObjectComparison(by, len(order), len(swaps), exact, scores, classes, frames)


def _sides(old: ObjectEvaluation, new: ObjectEvaluation) -> tuple[tuple[Resampler, Resampler] | None, str]:
    """What both keep of their frames, of the kinds that both were scored by; or None, and why there is nothing."""
    before, after = Resampler.of(old), Resampler.of(new)
    if before is None or after is None:
        which = " and ".join(name for name, side in (("old", before), ("new", after)) if side is None)
        return None, f"the {which} evaluation keeps no matches of its frames; evaluate again for p-values"
    before, after = before.shared_with(after), after.shared_with(before)
    if before.sums is None and not before.matches:
        return None, "the two were scored by different kinds (mask, box, boundary); evaluate both by one for p-values"
    return (before, after), ""


@dataclass(frozen=True, eq=False)
class _Tests:
    """The differences under every swap, and of every draw; None where there is a single group to draw."""

    swapped: Drawn
    drawn: Drawn | None

    def overall(self, name: str, old: ObjectEvaluation, new: ObjectEvaluation) -> Change:
        drawn = None if self.drawn is None else self.drawn.overall[name]
        return _tested(old.scores[name], new.scores[name], self.swapped.overall[name], drawn)

    def of_class(self, name: str, channel: int, old: ObjectEvaluation, new: ObjectEvaluation) -> Change:
        before, after = (side.classes[side.class_table.names[channel]][name] for side in (old, new))
        drawn = None if self.drawn is None else self.drawn.classes[name][:, channel]
        return _tested(before, after, self.swapped.classes[name][:, channel], drawn)


def _tested(old: Score, new: Score, swapped: Array, drawn: Array | None) -> Change:
    change = tested_change(old, new, swapped)
    if drawn is None or change.difference is None:
        return change
    found = interval(change.difference, drawn, LEVEL)
    return replace(change, low=found.low, high=found.high)


def object_intervals(
    evaluation: ObjectEvaluation,
    *,
    by: str | None = None,
    rounds: int = OBJECT_ROUNDS,
    level: float = LEVEL,
    seed: int = 0,
) -> Intervals:
    """Percentile intervals of AP and recall, or of PQ, SQ and RQ, by drawing groups of frames with replacement.

    Raises:
        DataError: fewer than two groups, or frames without a value in the column.
        ArtefactError: an evaluation that was garbled, or written before it kept what this needs.
    """
    groups = group_names(_named(evaluation), by)
    order = sorted(set(groups))
    require_groups(len(order), by)
    side = Resampler.of(evaluation)
    if side is None:
        raise DataError.of(
            "evaluation", "keeps no matches of its frames, so they cannot be drawn again",
            allowed="an evaluation of this version", found="an older one", fix="evaluate again",
        )  # fmt: skip
    drawn = side.scored(draws(len(order), rounds, seed)[:, np.searchsorted(order, groups)])
    scores = {name: interval(evaluation.scores[name], values, level) for name, values in drawn.overall.items()}
    classes: dict[str, dict[str, Interval]] = {
        class_name: {
            name: interval(evaluation.classes[class_name][name], values[:, channel], level)
            for name, values in drawn.classes.items()
        }
        for channel, class_name in enumerate(evaluation.class_table.names)
    }
    return Intervals(by, len(order), rounds, level, seed, scores, classes)


@dataclass(frozen=True)
class _Frame:
    stem: str
    columns: Mapping[str, str]


def _named(evaluation: ObjectEvaluation) -> list[_Frame]:
    return [_Frame(name_of(row), row.get("columns", {})) for row in evaluation.details.get("frames", ())]


def name_of(row: Mapping[str, Any]) -> str:
    """What a frame's row is called: a panoptic map by its stem, an image by its id, which is its own."""
    return str(row["stem"]) if "stem" in row else str(row.get("name") or row["image_id"])


def _other_frames(old: ObjectEvaluation, new: ObjectEvaluation) -> Iterator[Problem]:
    """Frames that only one of them has; their number is looked at elsewhere."""
    theirs, ours = (
        {(row.get("image_id"), name_of(row)) for row in side.details.get("frames", ())} for side in (old, new)
    )
    fix = "evaluate both on the same frames: the same --truth"
    for names, where in ((theirs - ours, "old"), (ours - theirs, "new")):
        if names:
            found = few_frames(name for _, name in names)
            yield Problem("frames", f"{len(names)} are in the {where} evaluation only", "the same frames", found, fix)


def _frame_changes(old: ObjectEvaluation, new: ObjectEvaluation) -> tuple[ObjectFrameChange, ...]:
    rows = [side.details.get("frames", ()) for side in (old, new)]
    scores = [_frame_scores(side) for side in (old, new)]
    changes = (
        ObjectFrameChange(
            name_of(before), *score, *(sum(outcome_of(row)[part] for part in ("fp", "fn")) for row in pair)
        )
        for pair, score in zip(zip(*rows, strict=True), zip(*scores, strict=True), strict=True)
        for before in pair[:1]
    )
    return tuple(sorted(changes, key=_key))


def _errors(row: Mapping[str, Any]) -> int:
    found = outcome_of(row)
    return found["fp"] + found["fn"]


def _frame_scores(evaluation: ObjectEvaluation) -> list[Score]:
    """The score of each frame alone (see `FRAME_SCORES`); None where it has none or the matches were not kept."""
    rows = evaluation.details.get("frames", ())
    if evaluation.task == "panoptic":
        return [row.get("pq") for row in rows]
    kind = next(kind for kind in KINDS if f"{kind}_ap" in evaluation.scores)
    matches = read_kept(rows, kind, len(evaluation.class_table))
    return [None] * len(rows) if matches is None else image_ap(matches)


def outcome_of(row: Mapping[str, Any]) -> Mapping[str, int]:
    """tp, fp and fn of a frame's row: of instances those from the confidence of the best F1 up, where it is known."""
    kind = next((kind for kind in ("mask", "boundary", "box") if kind in row), None)
    return row if kind is None else row[kind].get("at_best_f1", row[kind])


def _key(row: ObjectFrameChange) -> tuple[float, int]:
    """Worst loss first: by score, then by how many errors came."""
    return row.difference, row.old_errors - row.new_errors
