"""For every class and threshold: precision, recall, F1 and IoU of "p >= t" against the rest. Counts that add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, LabelMap, Probabilities
from segwright.evaluate.scores import Score, ratio
from segwright.evaluate.target import Target

# Thresholds are resolved to a thousandth: finer than any hold-out can tell apart, and 16 kB a class whatever the data.
BINS = 1000

# The range thresholds are chosen from. Below, a class takes pixels that the network is 98 % sure are something else;
# above, one rounding of the exported network decides.
MIN_THRESHOLD, MAX_THRESHOLD = 0.02, 0.98


@dataclass(frozen=True, eq=False)
class ThresholdCurves:
    """Histograms of each class's probability, on pixels that are the class and on valid pixels that are not.

    `histogram` is int64 (classes, 2, BINS): [:, 1] counts pixels of the class, [:, 0] the others; bin b holds
    probabilities in [b/BINS, (b+1)/BINS), the last one 1.0 as well. Void truth is in neither. Added with `+`;
    equal by value.
    """

    classes: ClassTable
    histogram: npt.NDArray[np.int64]

    @staticmethod
    def none(classes: ClassTable) -> ThresholdCurves:
        """The curves of no frame at all: the zero of `+`."""
        return ThresholdCurves(classes, np.zeros((len(classes), 2, BINS), dtype=np.int64))

    def __add__(self, other: ThresholdCurves) -> ThresholdCurves:
        if self.classes.content_hash != other.classes.content_hash:
            raise ValueError("only curves of the same classes add up")
        return ThresholdCurves(self.classes, self.histogram + other.histogram)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ThresholdCurves):
            return NotImplemented
        return self.classes == other.classes and np.array_equal(self.histogram, other.histogram)

    __hash__ = None  # type: ignore[assignment]

    def truth_px(self, name: str) -> int:
        """Valid pixels of the class called `name`."""
        return int(self.histogram[self.classes.channel(name), 1].sum())

    def counts(self, name: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Correct, true and predicted pixels at each threshold 0, 1/BINS, ... of a class against the rest; (BINS,)."""
        others, positives = self.histogram[self.classes.channel(name)]
        correct = positives[::-1].cumsum()[::-1]
        predicted = correct + others[::-1].cumsum()[::-1]
        return correct, np.full(BINS, positives.sum()), predicted

    def best_threshold(self, name: str, target: Target) -> float | None:
        """The threshold with the highest utility, in the middle of its plateau; None for a class not in the truth."""
        if not self.truth_px(name):
            return None
        lowest, highest = round(MIN_THRESHOLD * BINS), round(MAX_THRESHOLD * BINS)
        utility = target.utility(*self.counts(name))[lowest : highest + 1]
        first = int(utility.argmax())
        last = first
        while last + 1 < utility.size and utility[last + 1] == utility[first]:
            last += 1
        return (lowest + (first + last) // 2) / BINS

    def to_json(self, points: int = 50) -> dict[str, Any]:
        """The curve of each class at `points` thresholds, for reports: threshold -> precision, recall, f1, iou."""
        return {spec.name: self._curve(spec.name, points) for spec in self.classes}

    def _curve(self, name: str, points: int) -> dict[str, list[Score]]:
        steps = np.arange(0, BINS, BINS // points)
        correct, truth, predicted = (values[steps] for values in self.counts(name))
        columns = {
            "threshold": steps / BINS,
            "precision": ratio(correct, predicted),
            "recall": ratio(correct, truth),
            "f1": ratio(2 * correct, truth + predicted),
            "iou": ratio(correct, truth + predicted - correct),
        }
        return {key: [None if np.isnan(x) else round(float(x), 5) for x in values] for key, values in columns.items()}


def count_threshold_curves(probabilities: Probabilities, truth: LabelMap) -> ThresholdCurves:
    """The curves of one frame; pixels whose truth is void are left out."""
    channels = truth.channels(void_as=-1).ravel()
    valid = np.flatnonzero(channels >= 0)
    channels = channels[valid]
    histogram = np.zeros((len(truth.classes), 2, BINS), dtype=np.int64)
    for channel, values in enumerate(probabilities.values.reshape(len(truth.classes), -1)):
        bins = np.minimum((values[valid] * np.float32(BINS)).astype(np.int64), BINS - 1)
        is_class = channels == channel
        histogram[channel, 1] = np.bincount(bins[is_class], minlength=BINS)
        histogram[channel, 0] = np.bincount(bins, minlength=BINS) - histogram[channel, 1]
    return ThresholdCurves(truth.classes, histogram)
