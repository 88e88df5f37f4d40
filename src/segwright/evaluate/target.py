"""What a threshold is chosen for: the best F1, the best IoU, or a promise such as "precision>=0.9" kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from segwright.core import ConfigError
from segwright.evaluate.scores import ratio

_PROMISE = re.compile(r"(precision|recall)>=(0?\.\d+|1(?:\.0*)?)")


@dataclass(frozen=True)
class Target:
    """`score` is what counts; with `at_least`, it is a promise, and what counts beyond it is the other of the two."""

    score: Literal["f1", "iou", "precision", "recall"]
    at_least: float | None = None

    @staticmethod
    def parse(text: str) -> Target:
        """The target that `text` names: `f1`, `iou`, `precision>=0.9`, `recall>=0.95`.

        Raises:
            ConfigError: it names none.
        """
        if text == "f1":
            return Target("f1")
        if text == "iou":
            return Target("iou")
        match = _PROMISE.fullmatch(text.replace(" ", ""))
        if not match or not float(match[2]):
            allowed = "f1, iou, precision>=P, recall>=R with P and R above 0, at most 1"
            raise ConfigError.of(
                "target",
                "is not one that thresholds can be chosen for",
                allowed=allowed,
                found=text,
                fix="segwright calibrate ... --target iou",
            )
        return Target("precision" if match[1] == "precision" else "recall", float(match[2]))

    def __str__(self) -> str:
        return self.score if self.at_least is None else f"{self.score}>={self.at_least:g}"

    def utility(
        self, correct_px: npt.ArrayLike, truth_px: npt.ArrayLike, predicted_px: npt.ArrayLike
    ) -> npt.NDArray[np.float64]:
        """How good these counts are, elementwise, higher is better; NaN where the class is not in the truth.

        F1 or IoU themselves; for a promise, below 1 while it is not kept (how near it is), and 1 plus the other of
        precision and recall once it is.
        """
        correct, truth, predicted = (
            np.asarray(counts, dtype=np.float64) for counts in (correct_px, truth_px, predicted_px)
        )
        if self.at_least is None:
            value = (
                ratio(correct, truth + predicted - correct)
                if self.score == "iou"
                else ratio(2 * correct, truth + predicted)
            )
            return np.where(truth > 0, value, np.nan)
        precision, recall = np.nan_to_num(ratio(correct, predicted)), np.nan_to_num(ratio(correct, truth))
        promised, other = (precision, recall) if self.score == "precision" else (recall, precision)
        kept = promised >= self.at_least
        return np.where(truth > 0, np.where(kept, 1 + other, promised / self.at_least * np.nextafter(1, 0)), np.nan)
