"""What the conventions are computed from, and what each of them answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable
from segwright.evaluate.counts import Counts, PixelCounts
from segwright.evaluate.packed import CORRECT, PREDICTED, TRUTH
from segwright.evaluate.pooled import frequency_weighted_iou, mean_accuracy
from segwright.evaluate.ratios import Score, mean, ratio, score
from segwright.evaluate.result import Evaluation, FrameRow

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Convention:
    """One number as a library gives it: which library and source, what it calls the number, and why it is not ours.

    `source` is the version that was read, with file and function. `value` is 0..1 (a library that prints percent
    prints a hundred times that), None where the library gives none: not a number, or an error. `why` is one sentence;
    it begins with "equal to" where the number is one of ours by definition.
    """

    library: str
    source: str
    name: str
    value: Score
    why: str

    def __post_init__(self) -> None:
        if self.value is not None and math.isnan(self.value):  # a mean over no class at all
            object.__setattr__(self, "value", None)

    def to_json(self) -> dict[str, Any]:
        """A row of `conventions` in the answer of `segwright evaluate --reconcile --json`."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Tallies:
    """The counts of a set of frames: the pooled confusion, and three numbers a frame and class.

    `pixels` is as in `PixelCounts`. `correct_px`, `truth_px` and `predicted_px` are int64 (images, classes), frames in
    the order of their stems; void truth is in none of them.
    """

    classes: ClassTable
    pixels: PixelCounts
    correct_px: Integers
    truth_px: Integers
    predicted_px: Integers

    @staticmethod
    def of_counts(counts: Counts) -> Tallies:
        """The tallies of counted frames."""
        columns = (counts.packed.table(row).reshape(-1, len(counts.classes)) for row in (CORRECT, TRUTH, PREDICTED))
        return Tallies(counts.classes, counts.pixels, *columns)

    @staticmethod
    def of_evaluation(evaluation: Evaluation) -> Tallies:
        """The tallies of an evaluation, new or read from a file."""
        classes, frames = evaluation.class_table, sorted(evaluation.frames, key=lambda row: row.stem)
        confusion = np.array(evaluation.confusion, dtype=np.int64).reshape(len(classes), len(classes) + 1)
        pixels = PixelCounts(confusion, sum(row.void_px for row in frames))
        return Tallies(classes, pixels, *_stacked(frames, len(classes)))

    @property
    def images(self) -> int:
        """How many frames."""
        return len(self.truth_px)

    @property
    def union_px(self) -> Integers:
        """Pixels of each class in truth or prediction, int64 (images, classes)."""
        return self.truth_px + self.predicted_px - self.correct_px

    @property
    def undecided_px(self) -> int:
        """Valid pixels that were predicted as no class."""
        return int(self.pixels.confusion[:, -1].sum())

    @property
    def background_first(self) -> bool:
        """Whether the first class is the background: what libraries that drop "class 0" take for granted."""
        return self.classes.background is not None and self.classes.channel(self.classes.background) == 0

    @property
    def one_object_class(self) -> bool:
        """Whether there are two classes, background and one more: what libraries call binary."""
        return self.background_first and len(self.classes) == 2

    @cached_property
    def ours(self) -> Mapping[str, Score]:
        """Our own pooled scores, by name."""
        pixels = self.pixels
        union = pixels.truth_px + pixels.predicted_px - pixels.correct_px
        return {
            "pooled_miou": mean_present(ratio(pixels.correct_px, union)),
            "mean_accuracy": mean_accuracy(pixels.correct_px, pixels.truth_px),
            "frequency_weighted_iou": frequency_weighted_iou(pixels.correct_px, pixels.truth_px, pixels.predicted_px),
            "pixel_accuracy": score(ratio(pixels.correct_px.sum(), pixels.truth_px.sum())),
        }

    def why(self, value: Score, reason: str) -> str:
        """The sentence of a convention that is not ours: the reason, and whether it shows on these frames."""
        ours = self.ours["pooled_miou"]
        if value is not None and ours is not None and math.isclose(value, ours, abs_tol=1e-12):
            return f"on these frames the same as pooled_miou; in general {reason}"
        return reason


def mean_present(values: Floats) -> Score:
    """The mean over what is not NaN; None where nothing is left."""
    return score(mean(values))


def _stacked(frames: Sequence[FrameRow], classes: int) -> tuple[Integers, Integers, Integers]:
    correct, truth, predicted = (
        np.array([getattr(row, name) for row in frames], dtype=np.int64).reshape(len(frames), classes)
        for name in ("correct_px", "truth_px", "predicted_px")
    )
    return correct, truth, predicted
