"""Choosing the score each class's objects need, on a hold-out, and keeping the choice only where it helps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import DataError, Listener, silent
from segwright.evaluate.instances.counts import InstanceCounts, count_instances
from segwright.evaluate.instances.predicted import PredictedObjects
from segwright.evaluate.target import Target
from segwright.evaluate.threshold_choice import DecisionScores, ThresholdChoice, say_all
from segwright.infer.objects.decision import ObjectDecision

# Thresholds were chosen on the frames they are judged on: a gain smaller than this is as likely luck as not.
MARGIN = 0.005
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ObjectCalibration(ThresholdChoice):
    """The score from which on candidates of a class are objects, at IoU 0.5; kept where that gains `MARGIN`."""

    def decided(self, decision: ObjectDecision) -> ObjectDecision:
        """`decision` with the thresholds, as it was where they were not kept."""
        if self.thresholds is None:
            return decision
        return replace(decision, thresholds={**decision.thresholds, **self.thresholds})

    def to_json(self) -> dict[str, Any]:
        return self._account(iou=0.5, margin=MARGIN)


@dataclass(frozen=True)
class _Ranked:
    """The detections of one class, surest first: score, and whether each found an object; and the objects there are."""

    scores: Floats
    hits: npt.NDArray[np.bool_]
    truths: int

    def at(self, least: float) -> tuple[int, int, int]:
        """Found, objects there are, detections from `least` up."""
        kept = int(np.count_nonzero(self.scores >= least))
        return int(np.count_nonzero(self.hits[:kept])), self.truths, kept

    def best(self, target: Target) -> float | None:
        """The best threshold, halfway to the next detection below it; None where there is nothing to choose on."""
        if not self.truths or not len(self.scores):
            return None
        last = np.append(np.diff(self.scores) != 0, True)  # detections of one score are taken together
        found, detections = np.cumsum(self.hits)[last], np.flatnonzero(last) + 1
        utility = target.utility(found, np.full(len(found), self.truths), detections)
        levels = self.scores[last]
        best = int(np.argmax(utility))
        below = levels[best + 1] if best + 1 < len(levels) else levels[best]
        return float((levels[best] + below) / 2)


def choose_object_thresholds(
    asked: PredictedObjects, decision: ObjectDecision, *, target: str = "f1", listener: Listener = silent
) -> ObjectCalibration:
    """Per-class scores for `target` (`f1`, `iou`, `precision>=P`, `recall>=R`) at IoU 0.5 of masks on a hold-out.

    `asked` is what the model finds when asked for candidates far below `decision` (see `ranking`), which is what it is
    compared with. A detection takes the free object it overlaps most, the surest first, so a threshold changes nothing
    about those above it. "iou" here is found / (found + missed + invented).

    Raises:
        ConfigError: an unknown target.
        DataError: no object in the hold-out.
    """
    wanted, pairs = Target.parse(target), asked.pairs
    classes = pairs.frames.truth.classes
    counts = count_instances(pairs.frames, classes, kinds=("mask",), rule=pairs.rule, listener=listener)
    ranked = {spec.name: _ranked(counts, classes.channel(spec.name)) for spec in classes.foreground}
    _require_objects(ranked, pairs.place)
    usual = {spec.name: decision.thresholds.get(spec.name, decision.score) for spec in classes.foreground}
    chosen = {name: rows.best(wanted) for name, rows in ranked.items()}
    proposed = {name: value for name, value in chosen.items() if value is not None}
    before, after = _scored(ranked, usual, wanted), _scored(ranked, {**usual, **proposed}, wanted)
    kept = after.objective >= before.objective + MARGIN
    notes = [f"{name} is not in the hold-out, or never found there: it keeps its threshold" for name in usual
             if name not in proposed]  # fmt: skip
    if not kept:
        numbers = f"{after.objective:.4f} with them, {before.objective:.4f} without"
        notes.append(f"thresholds were not kept: {wanted} {numbers}, and a gain below {MARGIN} may be luck")
    say_all(notes, listener)
    return ObjectCalibration(
        str(wanted), proposed if kept else None, proposed, before, after, len(counts.frames), tuple(notes)
    )


def _require_objects(ranked: Mapping[str, _Ranked], place: str) -> None:
    if any(rows.truths for rows in ranked.values()):
        return
    fix = "name a part of the split with labelled objects: --part"
    allowed = f"objects of {', '.join(ranked)}"
    raise DataError.of(place, "has no object to calibrate on", allowed=allowed, found="none", fix=fix)


def _ranked(counts: InstanceCounts, channel: int) -> _Ranked:
    """All detections of one class that count, over all frames."""
    scores, hits, truths = [np.empty(0)], [np.empty(0, bool)], 0
    for frame in counts.frames:
        rows = frame.kinds["mask"]
        counted = (rows.channel == channel) & ((rows.ignored[:, 0] & 1) == 0)
        scores.append(rows.score[counted])
        hits.append((rows.matched[counted, 0] & 1) != 0)
        truths += int(rows.truth_counted[rows.truth_channel == channel, 0].sum())
    joined = np.concatenate(scores)
    order = np.argsort(-joined, kind="stable")
    return _Ranked(joined[order], np.concatenate(hits)[order], truths)


def _scored(ranked: Mapping[str, _Ranked], least: Mapping[str, float], target: Target) -> DecisionScores:
    rows, utilities = {}, []
    for name, detections in ranked.items():
        found, truths, kept = detections.at(least[name])
        rows[name] = {
            "precision": found / kept if kept else None,
            "recall": found / truths if truths else None,
            "f1": 2 * found / (kept + truths) if kept + truths else None,
            "iou": found / (kept + truths - found) if kept + truths else None,
        }
        utilities.append(float(target.utility(found, truths, kept)))
    return DecisionScores(float(np.nanmean(utilities)), rows)
