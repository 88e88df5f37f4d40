"""Choosing per-class thresholds on a hold-out, and keeping them only where they help."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import length_hint
from typing import Any

import numpy as np

from segwright.core import ClassTable, DataError, LabelMap, Listener, Probabilities, silent, tracked
from segwright.evaluate.contested import ContestedPixels
from segwright.evaluate.counts import PixelCounts, count_pixels, pair_problems
from segwright.evaluate.reliability import Reliability, count_reliability
from segwright.evaluate.scores import ratio
from segwright.evaluate.target import Target
from segwright.evaluate.threshold_choice import DecisionScores, ThresholdChoice, say_all
from segwright.evaluate.threshold_curves import (
    MAX_THRESHOLD,
    MIN_THRESHOLD,
    ThresholdCurves,
    count_threshold_curves,
)
from segwright.infer.cleanup import Cleanup, clean
from segwright.infer.decide import Decision, decide

# Factors tried on each threshold in turn. The classes compete for pixels, so the best threshold of a class against the
# rest is a start, not the answer; three rounds are enough for it to settle on every hold-out seen so far.
STEPS = (0.4, 0.55, 0.7, 0.8, 0.9, 0.95, 1.05, 1.1, 1.25, 1.5, 1.8, 2.5)
ROUNDS = 3


@dataclass(frozen=True)
class Calibration(ThresholdChoice):
    """Thresholds of probabilities beside the largest probability, on every pixel, through decision and cleanup."""

    valid_px: int
    curves: ThresholdCurves
    reliability: Reliability

    @property
    def decision(self) -> Decision:
        return Decision(None if self.thresholds is None else dict(self.thresholds))

    def to_json(self) -> dict[str, Any]:
        reliability, curves = self.reliability.to_json(), self.curves.to_json()
        return self._account(valid_px=self.valid_px, reliability=reliability, curves=curves)


def choose_thresholds(
    frames: Iterable[tuple[Probabilities, LabelMap]],
    classes: ClassTable,
    *,
    target: str = "f1",
    cleanup: Cleanup | None = None,
    listener: Listener = silent,
) -> Calibration:
    """Per-class thresholds for `target` (`f1`, `iou`, `precision>=P`, `recall>=R`) on a hold-out.

    `frames` gives (probabilities, truth) and is gone through twice, so it is a sequence or re-iterable, not an
    iterator. First the best threshold of each foreground class against the rest, from histograms; then each in turn is
    moved while the joint decision (`infer.decide`) gains; then decision and `cleanup` are scored on every pixel, and
    the thresholds are kept only if they beat the largest probability. Void truth takes part in nothing. A class that
    is not in the truth of the hold-out gets no threshold, and a note.

    Raises:
        ConfigError: an unknown target.
        DataError: no frame, no foreground class in any truth, or a frame whose size or classes differ from its truth's.
    """
    if isinstance(frames, Iterator):
        raise TypeError("frames are gone through twice: pass a sequence or an object whose __iter__ starts anew")
    wanted, rules = Target.parse(target), cleanup or Cleanup()
    first = _first_pass(_checked(frames, listener, "probabilities"), classes, rules)
    starts = {spec.name: first.curves.best_threshold(spec.name, wanted) for spec in classes.foreground}
    proposed = _refined({name: value for name, value in starts.items() if value is not None}, first.contested, wanted)
    after_pixels = PixelCounts.none(classes)
    for probabilities, truth in _checked(frames, listener, "thresholds"):
        after_pixels += count_pixels(clean(decide(probabilities, Decision(proposed)), rules), truth)
    before, after = _joint(first.pixels, classes, wanted), _joint(after_pixels, classes, wanted)
    kept = after.objective > before.objective
    notes = tuple(_notes(starts, wanted, before, after))
    say_all(notes, listener)
    return Calibration(
        str(wanted), proposed if kept else None, proposed, before, after,
        first.images, notes, first.pixels.valid_px, first.curves, first.reliability,
    )  # fmt: skip


def _notes(
    starts: Mapping[str, float | None], target: Target, before: DecisionScores, after: DecisionScores
) -> Iterator[str]:
    """Which classes got no threshold, and that none was kept where the largest probability is as good."""
    for name, threshold in starts.items():
        if threshold is None:
            yield f"{name} is not in the truth of the hold-out: no threshold was chosen for it"
    if not after.objective > before.objective:
        yield f"thresholds were not kept: {target} {after.objective:.4f}, largest probability {before.objective:.4f}"


@dataclass
class _FirstPass:
    curves: ThresholdCurves
    contested: ContestedPixels
    pixels: PixelCounts
    reliability: Reliability
    images: int = 0


def _first_pass(frames: Iterable[tuple[Probabilities, LabelMap]], classes: ClassTable, cleanup: Cleanup) -> _FirstPass:
    """Everything counted while the largest probability decides."""
    seen = _FirstPass(ThresholdCurves.none(classes), ContestedPixels(classes), PixelCounts.none(classes), Reliability())
    for probabilities, truth in frames:
        labels = clean(decide(probabilities), cleanup)
        seen.pixels += count_pixels(labels, truth)
        seen.curves += count_threshold_curves(probabilities, truth)
        seen.reliability += count_reliability(probabilities, truth)
        seen.contested.add(probabilities, truth)
        seen.images += 1
    if not seen.images:
        raise DataError.of(
            "hold-out",
            "has no frame",
            allowed="at least one labelled frame",
            found="none",
            fix="name a part of the split that has labelled frames: --part",
        )
    if not any(seen.curves.truth_px(spec.name) for spec in classes.foreground):
        names = ", ".join(spec.name for spec in classes.foreground)
        fix = "calibrate on a part that has every class (`segwright split` stratifies parts by class)"
        raise DataError.of(
            "hold-out", "has no pixel of any foreground class", allowed=names, found="none of them", fix=fix
        )
    return seen


def _checked(
    frames: Iterable[tuple[Probabilities, LabelMap]], listener: Listener, stage: str
) -> Iterator[tuple[Probabilities, LabelMap]]:
    for index, (probabilities, truth) in enumerate(tracked(frames, listener, stage, length_hint(frames)), start=1):
        problems = pair_problems(probabilities, truth, place=f"hold-out frame {index}")
        if problems:
            raise DataError(*problems)
        yield probabilities, truth


def _refined(thresholds: dict[str, float], contested: ContestedPixels, target: Target) -> dict[str, float]:
    """Coordinate ascent on the joint decision: move one threshold, or all of them together, while the objective gains.

    Together, because two classes that compete may each lose by a move of their own and gain by a common one.
    """

    def objective(candidate: Mapping[str, float]) -> float:
        return _objective(contested.counts(Decision(dict(candidate))), contested.classes, target)

    best, best_objective = dict(thresholds), objective(thresholds)
    for _ in range(ROUNDS):
        before = best_objective
        for moved in [*((name,) for name in thresholds), tuple(thresholds)]:
            centre = best
            for step in STEPS:
                candidate = {**best, **{name: _in_range(centre[name] * step) for name in moved}}
                found = objective(candidate)
                if found > best_objective:
                    best, best_objective = candidate, found
        if best_objective == before:
            break
    return best


def _in_range(threshold: float) -> float:
    return round(min(max(threshold, MIN_THRESHOLD), MAX_THRESHOLD), 3)


def _joint(pixels: PixelCounts, classes: ClassTable, target: Target) -> DecisionScores:
    correct, truth, predicted = pixels.correct_px, pixels.truth_px, pixels.predicted_px
    columns = {
        "precision": ratio(correct, predicted),
        "recall": ratio(correct, truth),
        "f1": ratio(2 * correct, truth + predicted),
        "iou": ratio(correct, truth + predicted - correct),
    }
    rows = {
        spec.name: {
            key: None if np.isnan(values[channel]) else float(values[channel]) for key, values in columns.items()
        }
        for channel, spec in enumerate(classes)
    }
    return DecisionScores(_objective((correct, truth, predicted), classes, target), rows)


def _objective(counts: tuple[Any, Any, Any], classes: ClassTable, target: Target) -> float:
    """Mean utility over the foreground classes that are in the truth."""
    utility = target.utility(*counts)[[classes.channel(spec.name) for spec in classes.foreground]]
    return float(np.nanmean(utility))
