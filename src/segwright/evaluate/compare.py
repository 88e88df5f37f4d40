"""Two evaluations of the same frames: what got better, what got worse, and whether that can be chance.

The p-value is of a paired permutation test over groups: if the two models were alike, swapping their counts on any
group would be as likely as not, and the difference seen would be one of many. Source: Good, "Permutation, Parametric,
and Bootstrap Tests of Hypotheses", 3rd ed. 2005, section 3.2 (matched pairs); the p-value counts the data itself
(Phipson & Smyth 2010), so it is never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from segwright.core import DataError, Problem, raise_collected
from segwright.evaluate.changes import Change
from segwright.evaluate.resample import ROUNDS, Array, GroupSums, group_names, group_sums, overall_scores
from segwright.evaluate.result import Evaluation, FrameRow
from segwright.evaluate.scores import Score

SCHEMA_VERSION = 1
EXACT_GROUPS = 11  # 2^11 swaps are fewer than the usual rounds: then every one of them is looked at
SHOWN = 3


@dataclass(frozen=True, slots=True)
class FrameChange:
    """One frame: foreground mean IoU of both (all classes where it has no foreground), and wrong pixels of both."""

    stem: str
    old: Score
    new: Score
    old_wrong_px: int
    new_wrong_px: int

    @property
    def difference(self) -> float:
        """New minus old; 0 where the frame has no score in either."""
        return (self.new or 0.0) - (self.old or 0.0)


@dataclass(frozen=True)
class Comparison:
    """How the new evaluation differs from the old one, overall, by class and by frame.

    `scores` and `classes` hold what both have. `frames` is every frame, the worst loss first. `by` and `groups` say
    what was swapped whole in the permutation test, `rounds` how many swaps were looked at (all of them if `exact`).
    """

    by: str | None
    groups: int
    rounds: int
    exact: bool
    scores: Mapping[str, Change]
    classes: Mapping[str, Mapping[str, Change]]
    frames: tuple[FrameChange, ...]

    def lost(self, count: int) -> tuple[FrameChange, ...]:
        """Up to `count` frames that got worse, worst first."""
        return tuple(row for row in self.frames if _key(row) < (0, 0))[:count]

    def won(self, count: int) -> tuple[FrameChange, ...]:
        """Up to `count` frames that got better, best first."""
        return tuple(row for row in reversed(self.frames) if _key(row) > (0, 0))[:count]

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain values."""

        return {
            "schema_version": SCHEMA_VERSION,
            "test": {"by": self.by, "groups": self.groups, "rounds": self.rounds, "exact": self.exact},
            "scores": {name: change_json(row) for name, row in self.scores.items()},
            "classes": {
                name: {score: change_json(row) for score, row in rows.items()} for name, rows in self.classes.items()
            },
            "frames": [
                {
                    "stem": row.stem,
                    "old": row.old,
                    "new": row.new,
                    "old_wrong_px": row.old_wrong_px,
                    "new_wrong_px": row.new_wrong_px,
                }
                for row in self.frames
            ],
        }


def change_json(row: Change) -> dict[str, Score]:
    """A tested change as plain values."""
    return {"old": row.old, "new": row.new, "difference": row.difference, "p_value": row.p_value}


def compare(
    old: Evaluation, new: Evaluation, *, by: str | None = None, rounds: int = ROUNDS, seed: int = 0
) -> Comparison:
    """What changed from `old` to `new`, both of the same frames and the same truth.

    `by` is the column whose values stay together (line, session, patient); None swaps single frames.

    Raises:
        DataError: other classes, other frames, or another truth under the same names: all that is wrong at once.
    """
    raise_collected(_mismatches(old, new), DataError)
    table = new.class_table
    by_stem = {row.stem: row for row in new.frames}
    frames = [by_stem[row.stem] for row in old.frames]
    groups = group_names(frames, by)
    order = sorted(set(groups))
    sums = group_sums(old.frames, groups, order, table), group_sums(frames, groups, order, table)
    swaps, exact = swaps_of(len(order), rounds, seed)
    foreground = [table.channel(spec.name) for spec in table.foreground]
    differences = _differences(sums, swaps, foreground)
    scores = {
        name: tested_change(old.scores.get(name), new.scores.get(name), values)
        for name, values in differences[0].items()
        if name in old.scores and name in new.scores
    }
    classes = {
        name: {
            score: tested_change(old.classes[name].get(score), new.classes[name].get(score), values[:, channel])
            for score, values in differences[1].items()
            if score in old.classes[name] and score in new.classes[name]
        }
        for channel, name in enumerate(table.names)
    }
    changes = sorted((_frame_change(before, by_stem[before.stem]) for before in old.frames), key=_key)
    return Comparison(by, len(order), len(swaps), exact, scores, classes, tuple(changes))


def _mismatches(old: Evaluation, new: Evaluation) -> Iterator[Problem]:
    if old.task != new.task:
        yield Problem("task", "is not the same in both evaluations", old.task, new.task, "evaluate both for one task")
    if old.class_table.content_hash != new.class_table.content_hash:
        yield Problem(
            "class table", "is not the same in both evaluations",
            old.class_table.describe(), new.class_table.describe(), "evaluate both with one class table (--classes)",
        )  # fmt: skip
        return
    ours, theirs = ({row.stem for row in side.frames} for side in (new, old))
    fix = "evaluate both on the same frames: the same --data, --split and --part"
    for names, where in ((theirs - ours, "old"), (ours - theirs, "new")):
        if names:
            found = few_frames(names)
            yield Problem("frames", f"{len(names)} are in the {where} evaluation only", "the same frames", found, fix)
    truth = {row.stem: (row.truth_px, row.void_px) for row in old.frames}
    other = [row.stem for row in new.frames if row.stem in truth and truth[row.stem] != (row.truth_px, row.void_px)]
    if other:
        found = few_frames(other)
        rule = f"{len(other)} have another truth in the new evaluation: another number of pixels of a class"
        yield Problem("frames", rule, "the same masks", found, "evaluate the old model again on the present masks")


def few_frames(names: Iterable[str]) -> str:
    """Some frames' names for a message."""
    listed = sorted(names)
    return ", ".join(listed[:SHOWN]) + (" ..." if len(listed) > SHOWN else "")


def swaps_of(groups: int, rounds: int, seed: int) -> tuple[Array, bool]:
    """Which groups are swapped, (rounds, groups) of 0 and 1; the first round swaps none. Every swap where few are."""
    if groups <= EXACT_GROUPS:
        every = np.arange(2**groups)[:, np.newaxis] >> np.arange(groups)
        return (every & 1).astype(np.float64), True
    drawn = np.random.default_rng(seed).integers(0, 2, size=(rounds, groups)).astype(np.float64)
    return np.concatenate([np.zeros((1, groups)), drawn]), False


def _differences(
    sums: tuple[GroupSums, GroupSums], swaps: Array, foreground: list[int]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """New minus old under each swap: overall (rounds,) and by class (rounds, classes); the first round is the data."""
    old, new = sums
    kept = 1 - swaps
    by_class = []
    for first, second in ((old, new), (new, old)):
        mixed = _stacked(first, second)
        by_class.append(mixed.scores(np.concatenate([kept, swaps], axis=1)))
    classes = {name: by_class[1][name] - by_class[0][name] for name in by_class[0]}
    overall = [overall_scores(rows, foreground) for rows in by_class]
    return {name: overall[1][name] - overall[0][name] for name in overall[0]}, classes


def _stacked(first: GroupSums, second: GroupSums) -> GroupSums:
    """The groups of one model above those of the other, to be drawn from both."""

    def both(a: Array, b: Array) -> Array:
        return np.concatenate([a, b])

    image = {
        name: (both(total, second.image[name][0]), both(count, second.image[name][1]))
        for name, (total, count) in first.image.items()
        if name in second.image
    }
    return GroupSums(
        first.names,
        both(first.correct, second.correct),
        both(first.truth, second.truth),
        both(first.predicted, second.predicted),
        image,
    )


def tested_change(old: Score, new: Score, swapped: Array) -> Change:
    """The p-value: the share of swaps with a difference at least as large; rounding does not make a tie a win."""
    if old is None or new is None:
        return Change.between(old, new)
    difference = new - old
    present = np.abs(swapped[~np.isnan(swapped)])
    as_large = np.count_nonzero(present >= abs(difference) - 1e-12)
    return Change(old, new, difference, float(as_large / len(present)) if len(present) else None)


def _frame_change(old: FrameRow, new: FrameRow) -> FrameChange:
    before, after = (
        row.image_miou if row.image_miou_foreground is None else row.image_miou_foreground for row in (old, new)
    )
    return FrameChange(old.stem, before, after, old.wrong_px, new.wrong_px)


def _key(row: FrameChange) -> tuple[float, int]:
    """Worst loss first: by score, then by how many pixels went wrong."""
    return row.difference, row.old_wrong_px - row.new_wrong_px
