"""Do the probabilities mean what they say? Reliability bins, ECE and Brier, as counts that add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from segwright.core import LabelMap, Probabilities
from segwright.evaluate.kernels import compiled

BINS = (
    15  # Guo et al. 2017 and most tables since; ECE depends on the number of bins, so it is fixed and in the definition
)

Number = TypeVar("Number", int, float)

# name -> one sentence; the score is there only where bins were counted by class
CLASSWISE_DEFINITIONS: Mapping[str, str] = {
    "classwise_ece": (
        "Mean over classes of their ece, each class counting the same; a class that is nowhere true counts, and what "
        "probability it is given is its error."
    )
}


@dataclass(frozen=True)
class ClassReliability:
    """The probability p of one class against how often valid pixels are that class, in `BINS` equal bins of p.

    `pixels` (valid pixels), `truth_px` (those whose truth is the class) and `probability_sum` (their summed p) have an
    entry a bin; bin b holds p in (b/BINS, (b+1)/BINS], the first one 0 as well. `squared_error` is the sum of
    (p - 1)^2 over pixels of the class and p^2 over the others. Every valid pixel is in one bin of every class, so a
    class that is nowhere true has its scores too: all probability it is given is its error. Values of other frames are
    added with `+`; counts are exact in any order, sums agree within 1e-12 of themselves.

    Source: Kull et al., "Beyond temperature scaling", NeurIPS 2019, section 2 (classwise-ECE, the part of one class).
    """

    pixels: tuple[int, ...] = (0,) * BINS
    truth_px: tuple[int, ...] = (0,) * BINS
    probability_sum: tuple[float, ...] = (0.0,) * BINS
    squared_error: float = 0.0

    def __add__(self, other: ClassReliability) -> ClassReliability:
        return ClassReliability(
            _added(self.pixels, other.pixels),
            _added(self.truth_px, other.truth_px),
            _added(self.probability_sum, other.probability_sum),
            self.squared_error + other.squared_error,
        )

    @property
    def ece(self) -> float | None:
        """Mean gap between p and the share of pixels that are the class, 0..1; None without a valid pixel."""
        return _mean_gap(self.pixels, self.truth_px, self.probability_sum)

    @property
    def brier(self) -> float | None:
        """Mean of (p - [truth is the class])^2, 0..1, the class's part of the Brier score; None without a pixel."""
        total = sum(self.pixels)
        return self.squared_error / total if total else None

    def to_json(self) -> dict[str, Any]:
        """The counts, an entry a bin, with ECE and Brier as they follow from them (None without a valid pixel)."""
        return {
            "pixels": list(self.pixels),
            "truth_px": list(self.truth_px),
            "probability_sum": list(self.probability_sum),
            "squared_error": self.squared_error,
            "ece": self.ece,
            "brier": self.brier,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> ClassReliability:
        """The counts in what `to_json` gave; ECE and Brier are computed anew.

        Raises:
            KeyError: a count is missing.
        """
        return ClassReliability(
            tuple(data["pixels"]), tuple(data["truth_px"]), tuple(data["probability_sum"]), data["squared_error"]
        )


@dataclass(frozen=True)
class Reliability:
    """Confidence against correctness of the most probable class on valid pixels, in `BINS` equal confidence bins.

    `pixels`, `correct` and `confidence_sum` have an entry a bin; bin b holds confidences in (b/BINS, (b+1)/BINS].
    `squared_error` is the summed Brier distance. `classes` has the bins of each class by name, in the order of the
    class table; it is None where they were not counted: in `evaluation.json` of earlier versions, and without a frame.
    Values of other frames are added with `+`; counts are exact in any order, sums agree within 1e-12 of themselves.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 2 (top-label ECE).
    """

    pixels: tuple[int, ...] = (0,) * BINS
    correct: tuple[int, ...] = (0,) * BINS
    confidence_sum: tuple[float, ...] = (0.0,) * BINS
    squared_error: float = 0.0
    classes: Mapping[str, ClassReliability] | None = field(default=None, hash=False)

    def __add__(self, other: Reliability) -> Reliability:
        """The counts of both; without `classes` where one has pixels but lacks theirs.

        Raises:
            ValueError: both have classes, and not the same.
        """
        return Reliability(
            _added(self.pixels, other.pixels),
            _added(self.correct, other.correct),
            _added(self.confidence_sum, other.confidence_sum),
            self.squared_error + other.squared_error,
            _added_classes(self, other),
        )

    @property
    def ece(self) -> float | None:
        """Expected calibration error, 0..1; None without a valid pixel."""
        return _mean_gap(self.pixels, self.correct, self.confidence_sum)

    @property
    def classwise_ece(self) -> float | None:
        """Mean over all classes of their ECE, 0..1; None without a valid pixel or where classes were not counted.

        A class that is nowhere true is in the mean, as its probabilities are claims like any other.
        """
        found = [ece for row in (self.classes or {}).values() if (ece := row.ece) is not None]
        return sum(found) / len(found) if found else None

    @property
    def brier(self) -> float | None:
        """Mean squared distance between the probabilities and the one-hot truth, 0..2; None without a valid pixel."""
        total = sum(self.pixels)
        return self.squared_error / total if total else None

    def to_json(self) -> dict[str, Any]:
        """The counts, an entry a bin, with ECE and Brier as they follow from them (None without a valid pixel)."""
        return {
            "bins": BINS,
            "pixels": list(self.pixels),
            "correct": list(self.correct),
            "confidence_sum": list(self.confidence_sum),
            "squared_error": self.squared_error,
            "ece": self.ece,
            "brier": self.brier,
            "classwise_ece": self.classwise_ece,
            "classes": None if self.classes is None else {name: row.to_json() for name, row in self.classes.items()},
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Reliability:
        """The counts in what `to_json` gave; ECE and Brier are computed anew. Earlier versions wrote no `classes`.

        Raises:
            KeyError: a count is missing.
        """
        rows = data.get("classes")
        return Reliability(
            tuple(data["pixels"]),
            tuple(data["correct"]),
            tuple(data["confidence_sum"]),
            data["squared_error"],
            None if rows is None else {name: ClassReliability.from_json(row) for name, row in rows.items()},
        )


def count_reliability(probabilities: Probabilities, truth: LabelMap) -> Reliability:
    """The reliability counts of one frame, overall and by class; pixels whose truth is void are left out."""
    channels = truth.channels(void_as=-1).ravel()
    values = probabilities.values.reshape(len(truth.classes), -1)
    if compiled():
        from segwright.evaluate.kernels.class_bins import count_bins

        pixels, sums, squares = count_bins(values, channels, BINS)
    else:
        pixels, sums, squares = _count_bins(values, channels)
    rows = [
        (tuple(counted.sum(axis=1).tolist()), tuple(counted[:, 1].tolist()), tuple(summed.tolist()))
        for counted, summed in zip(pixels, sums, strict=True)
    ]
    classes = {
        name: ClassReliability(*row, squared)
        for name, row, squared in zip(truth.classes.names, rows[:-1], squares.tolist(), strict=True)
    }
    return Reliability(*rows[-1], float(squares.sum()), classes)


def _count_bins(
    values: npt.NDArray[np.float32], channels: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What the kernel of this name counts, by numpy: the same pixels, and sums that agree within 1e-12."""
    pixels = np.zeros((len(values) + 1, BINS, 2), dtype=np.int64)
    sums = np.zeros((len(values) + 1, BINS), dtype=np.float64)
    squares = np.zeros(len(values), dtype=np.float64)
    valid = np.flatnonzero(channels >= 0)
    true = channels[valid]
    for channel, row in enumerate(values):
        probability, hit = row[valid].astype(np.float64), true == channel
        pixels[channel], sums[channel] = _tables(probability, hit)
        squares[channel] = np.square(probability - hit).sum()
    top, decided = values.max(axis=0)[valid], values.argmax(axis=0)[valid]
    pixels[-1], sums[-1] = _tables(top.astype(np.float64), decided == true)
    return pixels, sums, squares


def _tables(
    probability: npt.NDArray[np.float64], hit: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Pixels (bins, 2) and sums of probabilities (bins,) of one row."""
    bins = _bins_of(probability)
    pixels = np.bincount(2 * bins + hit, minlength=2 * BINS).reshape(BINS, 2)
    return pixels, np.bincount(bins, weights=probability, minlength=BINS).astype(np.float64)


def _bins_of(probability: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The bin of each probability: b for (b/BINS, (b+1)/BINS], 0 in the first one."""
    return np.clip(np.ceil(probability * BINS).astype(np.int64) - 1, 0, BINS - 1)


def _added(ours: Sequence[Number], theirs: Sequence[Number]) -> tuple[Number, ...]:
    return tuple(one + other for one, other in zip(ours, theirs, strict=True))


def _added_classes(ours: Reliability, theirs: Reliability) -> Mapping[str, ClassReliability] | None:
    """None where one side has pixels whose classes nobody counted; a side without a pixel takes nothing away."""
    if ours.classes is None or theirs.classes is None:
        known, other = (ours, theirs) if theirs.classes is None else (theirs, ours)
        return None if any(other.pixels) else known.classes
    if set(ours.classes) != set(theirs.classes):
        raise ValueError("only reliability of the same classes adds up")
    return {name: row + theirs.classes[name] for name, row in ours.classes.items()}


def _mean_gap(pixels: Sequence[int], hits: Sequence[int], sums: Sequence[float]) -> float | None:
    """Mean over pixels of the gap between share of hits and mean probability of their bin; None without a pixel."""
    total = sum(pixels)
    return sum(abs(hit - sure) for hit, sure in zip(hits, sums, strict=True)) / total if total else None
