"""Truth and results, column by column -> one `InstanceFrame` after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from segwright.evaluate.instances.frame import Detections, InstanceFrame, Truths
from segwright.evaluate.instances.results import Results
from segwright.evaluate.instances.run_texts import RunTexts
from segwright.evaluate.instances.runs import measures_of
from segwright.evaluate.instances.truth import Truth


@dataclass(frozen=True, eq=False)
class PairedFrames:
    """The frames of a truth with their detections, in image order, each as views of the columns of all frames."""

    truth: Truth
    results: Results

    def __len__(self) -> int:
        return len(self.truth.pictures)

    def __iter__(self) -> Iterator[InstanceFrame]:
        return (self.frame(position) for position in range(len(self)))

    def frame(self, position: int) -> InstanceFrame:
        """The frame at `position` in image order."""
        picture = self.truth.pictures[position]
        (truths, true_starts), (detections, found_starts) = self._sides
        return InstanceFrame(
            picture.image_id,
            picture.name,
            picture.size,
            truths.between(true_starts[position], true_starts[position + 1]),
            detections.between(found_starts[position], found_starts[position + 1]),
            picture.absent,
            picture.not_exhaustive,
        )

    @cached_property
    def _sides(self) -> tuple[tuple[Truths, list[int]], tuple[Detections, list[int]]]:
        """All true objects and all detections, frame after frame, and where those of each frame begin."""
        frames = len(self)
        truths = _truths(self.truth), _starts(self.truth.frame, frames)
        return truths, (_detections(self.results), _starts(self.results.frame, frames))


def _starts(frame: npt.NDArray[np.int64], frames: int) -> list[int]:
    """Where the objects of each frame begin, and those of the last one end, once they are in the order of frames."""
    return np.concatenate([[0], np.cumsum(np.bincount(frame, minlength=frames))]).tolist()


def _truths(truth: Truth) -> Truths:
    """All true objects, frame after frame, in the file's order."""
    chosen = np.argsort(truth.frame, kind="stable")
    masks = _masks(truth.masks, chosen)
    boxes = None if truth.boxes is None else truth.boxes[chosen]
    area = truth.area_px[chosen]
    missing = np.isnan(area)
    if missing.any():
        own = measures_of(masks)[0] if masks is not None else boxes[:, 2] * boxes[:, 3] if boxes is not None else area
        area = np.where(missing, own, area)
    return Truths(truth.channel[chosen], area, truth.crowd[chosen], truth.ignored[chosen], boxes, masks)


def _detections(results: Results) -> Detections:
    """All detections, frame after frame, in the file's order."""
    chosen = np.argsort(results.frame, kind="stable")
    masks = _masks(results.masks, chosen)
    if results.boxes is not None:
        boxes = results.boxes[chosen]
        area = boxes[:, 2] * boxes[:, 3]
    else:
        area, boxes = measures_of(masks or ())
    return Detections(results.channel[chosen], area, results.score[chosen], boxes, masks)


def _masks(masks: RunTexts | None, chosen: npt.NDArray[np.intp]) -> RunTexts | None:
    return None if masks is None else masks.taken(chosen)
