"""Do the probabilities mean what they say? Reliability bins, ECE and Brier, as counts that add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import LabelMap, Probabilities

BINS = (
    15  # Guo et al. 2017 and most tables since; ECE depends on the number of bins, so it is fixed and in the definition
)


@dataclass(frozen=True)
class Reliability:
    """Confidence against correctness of the most probable class on valid pixels, in `BINS` equal confidence bins.

    `pixels`, `correct` and `confidence_sum` have an entry a bin; bin b holds confidences in (b/BINS, (b+1)/BINS].
    `squared_error` is the summed Brier distance. Values of other frames are added with `+`.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 2 (top-label ECE).
    """

    pixels: tuple[int, ...] = (0,) * BINS
    correct: tuple[int, ...] = (0,) * BINS
    confidence_sum: tuple[float, ...] = (0.0,) * BINS
    squared_error: float = 0.0

    def __add__(self, other: Reliability) -> Reliability:
        return Reliability(
            tuple(a + b for a, b in zip(self.pixels, other.pixels, strict=True)),
            tuple(a + b for a, b in zip(self.correct, other.correct, strict=True)),
            tuple(a + b for a, b in zip(self.confidence_sum, other.confidence_sum, strict=True)),
            self.squared_error + other.squared_error,
        )

    @property
    def ece(self) -> float | None:
        """Expected calibration error, 0..1; None without a valid pixel."""
        total = sum(self.pixels)
        if not total:
            return None
        return sum(abs(right - sure) for right, sure in zip(self.correct, self.confidence_sum, strict=True)) / total

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
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Reliability:
        """The counts in what `to_json` gave; ECE and Brier are computed anew.

        Raises:
            KeyError: a count is missing.
        """
        return Reliability(
            tuple(data["pixels"]), tuple(data["correct"]), tuple(data["confidence_sum"]), data["squared_error"]
        )


def count_reliability(probabilities: Probabilities, truth: LabelMap) -> Reliability:
    """The reliability counts of one frame; pixels whose truth is void are left out."""
    channels = truth.channels(void_as=-1).ravel()
    valid = np.flatnonzero(channels >= 0)
    channels = channels[valid]
    values = probabilities.values.reshape(len(truth.classes), -1)[:, valid]
    decided = values.argmax(axis=0)
    confidence = np.take_along_axis(values, decided[None], axis=0)[0].astype(np.float64)
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return Reliability(
        tuple(np.bincount(bins, minlength=BINS).tolist()),
        tuple(np.bincount(bins[decided == channels], minlength=BINS).tolist()),
        tuple(np.bincount(bins, weights=confidence, minlength=BINS).tolist()),
        _squared_error(values, channels),
    )


def _squared_error(values: npt.NDArray[np.float32], channels: npt.NDArray[np.int64]) -> float:
    """Sum over pixels of |p - onehot|^2 = sum p^2 - 2 p_true + 1."""
    if not channels.size:
        return 0.0
    true = np.take_along_axis(values, channels[None], axis=0)
    return float(np.square(values, dtype=np.float64).sum() - 2.0 * true.sum(dtype=np.float64) + channels.size)
