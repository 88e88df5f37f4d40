"""Truth and results, column by column -> one `InstanceFrame` after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import Size
from segwright.evaluate.instances.frame import Detections, InstanceFrame, Runs, Truths
from segwright.evaluate.instances.results import Results
from segwright.evaluate.instances.runs import areas_of, boxes_around, runs_of
from segwright.evaluate.instances.truth import Truth


@dataclass(frozen=True, eq=False)
class PairedFrames:
    """The frames of a truth with their detections, in image order; masks are made run lengths when a frame is asked."""

    truth: Truth
    results: Results

    def __len__(self) -> int:
        return len(self.truth.pictures)

    def __iter__(self) -> Iterator[InstanceFrame]:
        return (self.frame(position) for position in range(len(self)))

    def frame(self, position: int) -> InstanceFrame:
        """The frame at `position` in image order."""
        picture = self.truth.pictures[position]
        true, found = (places[position] for places in self._places)
        return InstanceFrame(
            picture.image_id,
            picture.name,
            picture.size,
            _truths(self.truth, true, picture.size),
            _detections(self.results, found, picture.size),
            picture.absent,
            picture.not_exhaustive,
        )

    @cached_property
    def _places(self) -> tuple[list[npt.NDArray[np.intp]], list[npt.NDArray[np.intp]]]:
        """The positions of each frame's truths and of its detections."""
        return _by_frame(self.truth.frame, len(self)), _by_frame(self.results.frame, len(self))


def _by_frame(frame: npt.NDArray[np.int64], frames: int) -> list[npt.NDArray[np.intp]]:
    """The positions of each frame's objects, in the file's order."""
    order = np.argsort(frame, kind="stable")
    return np.split(order, np.searchsorted(frame[order], np.arange(1, frames)))


def _truths(truth: Truth, chosen: npt.NDArray[np.intp], size: Size) -> Truths:
    masks = _masks(truth.outlines, chosen, size)
    boxes = None if truth.boxes is None else truth.boxes[chosen]
    area = truth.area_px[chosen]
    missing = np.isnan(area)
    if missing.any():
        own = areas_of(masks or ()) if boxes is None or masks is not None else boxes[:, 2] * boxes[:, 3]
        area = np.where(missing, own, area)
    return Truths(truth.channel[chosen], area, truth.crowd[chosen], truth.ignored[chosen], boxes, masks)


def _detections(results: Results, chosen: npt.NDArray[np.intp], size: Size) -> Detections:
    masks = _masks(results.outlines, chosen, size)
    if results.boxes is not None:
        boxes = results.boxes[chosen]
        area = boxes[:, 2] * boxes[:, 3]
    else:
        boxes, area = boxes_around(masks or ()), areas_of(masks or ())
    return Detections(results.channel[chosen], area, results.score[chosen], boxes, masks)


def _masks(outlines: Sequence[Any] | None, chosen: npt.NDArray[np.intp], size: Size) -> tuple[Runs, ...] | None:
    return None if outlines is None else tuple(runs_of(outlines[position], size) for position in chosen)
