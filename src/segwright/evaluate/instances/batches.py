"""Several frames as one: what is done for every frame is then done once for some thousand objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core import Size
from segwright.evaluate.instances.frame import Detections, InstanceFrame, Truths
from segwright.evaluate.instances.run_texts import RunTexts

Integers = npt.NDArray[np.int64]

MOST_OBJECTS, MOST_FRAMES = 8192, 256  # of a batch; a frame is never divided
_CLASSES = 65536  # more than a class table can have


@dataclass(frozen=True, eq=False)
class Batch:
    """Some frames with all their truths and detections in a row, frame after frame.

    `truth_frame` and `detection_frame` are each one's frame in the batch, `truth_group` and `detection_group` its frame
    and class in one number; all int64. `objects_so_far` is how long the stream has been: whether kernels pay.
    """

    frames: Sequence[InstanceFrame]
    truths: Truths
    detections: Detections
    truth_frame: Integers
    detection_frame: Integers
    objects_so_far: int

    @staticmethod
    def of(frames: Sequence[InstanceFrame], objects_so_far: int = 0) -> Batch:
        """The batch of these frames; `objects_so_far` are those of the stream, this batch's among them."""
        truths = [frame.truths for frame in frames]
        detections = [frame.detections for frame in frames]
        numbers = np.arange(len(frames))
        return Batch(
            frames,
            Truths(
                _joined(truths, lambda row: row.channel),
                _joined(truths, lambda row: row.area_px),
                _joined(truths, lambda row: row.crowd),
                _joined(truths, lambda row: row.ignored),
                _boxes(truths),
                _masks(truths),
            ),
            Detections(
                _joined(detections, lambda row: row.channel),
                _joined(detections, lambda row: row.area_px),
                _joined(detections, lambda row: row.score),
                _boxes(detections),
                _masks(detections),
            ),
            np.repeat(numbers, [len(row.channel) for row in truths]),
            np.repeat(numbers, [len(row.channel) for row in detections]),
            objects_so_far,
        )

    @property
    def truth_group(self) -> Integers:
        return self.truth_frame * _CLASSES + self.truths.channel

    @property
    def detection_group(self) -> Integers:
        return self.detection_frame * _CLASSES + self.detections.channel

    def groups_of(self, channels_of: Callable[[InstanceFrame], Iterable[int]]) -> Integers:
        """The groups of the channels that each frame names, int64 (groups,)."""
        groups = [
            number * _CLASSES + channel
            for number, frame in enumerate(self.frames)
            for channel in channels_of(frame)
        ]  # fmt: skip
        return np.array(groups, dtype=np.int64)

    def size(self, detection: int) -> Size:
        """The size of the frame that a detection is in."""
        return self.frames[self.detection_frame[detection]].size


def batches(frames: Iterable[InstanceFrame]) -> Iterator[Batch]:
    """The frames in batches, in their order."""
    waiting: list[InstanceFrame] = []
    objects = so_far = 0
    for frame in frames:
        waiting.append(frame)
        own = len(frame.truths.channel) + len(frame.detections.channel)
        objects, so_far = objects + own, so_far + own
        if objects >= MOST_OBJECTS or len(waiting) >= MOST_FRAMES:
            yield Batch.of(waiting, so_far)
            waiting, objects = [], 0
    if waiting:
        yield Batch.of(waiting, so_far)


def _joined(rows: Sequence, column: Callable[..., npt.NDArray]) -> npt.NDArray:
    return np.concatenate([column(row) for row in rows])


def _boxes(rows: Sequence[Truths] | Sequence[Detections]) -> npt.NDArray[np.float64] | None:
    """None where an object of any frame has none: its kind of score then says so."""
    if any(row.boxes is None for row in rows):
        return None
    return np.concatenate([row.boxes for row in rows if row.boxes is not None])


def _masks(rows: Sequence[Truths] | Sequence[Detections]) -> RunTexts | None:
    if any(row.masks is None for row in rows):
        return None
    return RunTexts.joined([RunTexts.of(row.masks) for row in rows if row.masks is not None])
