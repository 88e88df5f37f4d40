"""The panels of the worst frames, read again one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from segwright.core import Image
from segwright.evaluate.counts import FramePair
from segwright.evaluate.report.pictures import FramePanel
from segwright.evaluate.result import Evaluation

WORST_FRAMES = 12


class Rereadable(Protocol):
    """Pairs that can be had again by stem: `StoredPairs` and `PredictedPairs`."""

    def pair(self, stem: str) -> FramePair: ...

    def image(self, stem: str) -> Image | None: ...


def worst_panels(evaluation: Evaluation, pairs: Rereadable, count: int = WORST_FRAMES) -> Iterator[FramePanel]:
    """The `count` worst frames of the evaluation, worst first."""
    for row in evaluation.worst_frames(count):
        pair = pairs.pair(row.stem)
        yield FramePanel(row.stem, pairs.image(row.stem), pair.truth, pair.prediction)
