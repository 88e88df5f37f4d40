"""Instances and panoptic maps drawn again by frame: what an evaluation keeps of each frame, scored under any weights.

AP is counted anew for every draw, from the matches of each frame; PQ is a ratio of sums over frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, Problem
from segwright.evaluate.instances.kept import KeptMatches, read_kept
from segwright.evaluate.instances.resampled import Ranked
from segwright.evaluate.instances.rules import KINDS, RULES
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.panoptic.resampled import read_sums, weighted_qualities
from segwright.evaluate.resample import Array, mean_present

Weights = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Drawn:
    """Scores of every draw: `overall` (rounds,) and `classes` (rounds, classes), by name; NaN where absent."""

    overall: Mapping[str, Array]
    classes: Mapping[str, Array]

    def __sub__(self, other: Drawn) -> Drawn:
        parts = ((self.overall, other.overall), (self.classes, other.classes))
        return Drawn(*({name: mine[name] - theirs[name] for name in mine} for mine, theirs in parts))


@dataclass(frozen=True, eq=False)
class Resampler:
    """What one evaluation keeps of its frames: matches by kind, or sums of panoptic quality."""

    classes: ClassTable
    limit: int
    matches: Mapping[str, KeptMatches] = field(default_factory=dict)
    sums: Array | None = None

    @staticmethod
    def of(evaluation: ObjectEvaluation) -> Resampler | None:
        """What it keeps; None where it was written before it kept anything."""
        table, rows = evaluation.class_table, evaluation.details.get("frames", ())
        if evaluation.task == "panoptic":
            sums = read_sums(rows, table)
            return None if sums is None else Resampler(table, 0, sums=sums)
        rule = RULES.get(str(evaluation.provenance.get("rule")))
        kinds = [kind for kind in KINDS if f"{kind}_ap" in evaluation.scores]
        matches = {kind: read_kept(rows, kind, len(table)) for kind in kinds}
        if rule is None or not matches or any(each is None for each in matches.values()):
            return None
        known = {kind: each for kind, each in matches.items() if each is not None}
        return Resampler(table, rule.most_detections[-1], known)

    def shared_with(self, other: Resampler) -> Resampler:
        """The part that the other has as well: kinds of instances that both were scored by."""
        return replace(self, matches={kind: each for kind, each in self.matches.items() if kind in other.matches})

    def scored(self, weights: Weights) -> Drawn:
        """The scores; `weights` (rounds, frames) is how often each frame is drawn."""
        if self.sums is not None:
            return self._overall(weighted_qualities(self.sums, weights))
        return self._overall(self._named(lambda kind: Ranked.of(self.matches[kind]).scores(weights, self.limit)))

    def differences(self, other: Resampler, swapped: Weights) -> Drawn:
        """The other minus this, with the frames marked in `swapped` (rounds, frames) taken from one another."""
        return self._mixed(other, 1 - swapped) - self._mixed(other, swapped)

    def drawn_differences(self, other: Resampler, weights: Weights) -> Drawn:
        """The other minus this, of the same draws of frames."""
        return other.scored(weights) - self.scored(weights)

    def other_truths(self, other: Resampler) -> Iterator[Problem]:
        """Why the two are not of one truth: another number of objects of a class in a frame."""
        mine, theirs = (side._truths() for side in (self, other))
        changed = int((mine != theirs).any(axis=1).sum())
        if changed:
            rule = f"{changed} have another truth in the new evaluation: another number of objects of a class"
            fix = "evaluate the old model again on the present truth"
            yield Problem("frames", rule, f"{int(mine.sum())} objects in all", str(int(theirs.sum())), fix)

    def _truths(self) -> npt.NDArray[np.int64]:
        """Objects that count (frames, classes)."""
        if self.sums is not None:
            return (self.sums[1] + self.sums[3]).astype(np.int64)
        return next(iter(self.matches.values())).truths

    def _mixed(self, other: Resampler, of_other: Weights) -> Drawn:
        """Scores of frames taken from the other where `of_other` is 1, from this one where it is 0."""
        if self.sums is not None and other.sums is not None:
            both = np.concatenate([self.sums, other.sums], axis=1)
            return self._overall(weighted_qualities(both, np.concatenate([1 - of_other, of_other], axis=1)))
        weights = np.stack([1 - of_other, of_other], axis=2).reshape(len(of_other), -1)
        return self._overall(
            self._named(
                lambda kind: Ranked.of_both(self.matches[kind], other.matches[kind]).scores(weights, self.limit)
            )
        )

    def _named(self, scores: Callable[[str], dict[str, Array]]) -> dict[str, Array]:
        return {f"{kind}_{name}": values for kind in self.matches for name, values in scores(kind).items()}

    def _overall(self, by_class: dict[str, Array]) -> Drawn:
        overall = {name: mean_present(values) for name, values in by_class.items()}
        if self.sums is not None:
            for part, kind in (("things", "thing"), ("stuff", "stuff")):
                channels = [place for place, spec in enumerate(self.classes) if spec.kind == kind]
                overall |= {f"{name}_{part}": mean_present(values[:, channels]) for name, values in by_class.items()}
        return Drawn(overall, by_class)
