"""What an instance network says of one input, before anything is decided: scored candidates with coarse masks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

MaskFrame = Literal["box", "image"]
# What is interpolated between coarse cells: the share of a cell that is covered, or the logits of points.
Between = Literal["shares", "logits"]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidates of one network input of `height` x `width` px, in any order; a score of 0 is padding.

    `scores` (candidates,) 0..1; `channels` (candidates,) positions among the classes but the background; `boxes`
    (candidates, 4) x_min, y_min, x_max, y_max in px of the input, half-open and not rounded; `mask_logits`
    (candidates, rows, columns), above 0 where the object is. With `mask_frame` "box" a mask fills its box, with "image"
    it covers the whole input. `between` is how the network was taught what lies between the centres of two cells.
    """

    scores: Floats
    channels: npt.NDArray[np.int64]
    boxes: Floats
    mask_logits: Floats
    mask_frame: MaskFrame
    height: int
    width: int
    between: Between = "shares"

    def __post_init__(self) -> None:
        count = len(self.scores)
        shapes = (self.scores.shape, self.channels.shape, self.boxes.shape, self.mask_logits.shape[:1])
        if shapes != ((count,), (count,), (count, 4), (count,)) or self.mask_logits.ndim != 3:
            raise ValueError(f"one score, channel, box and mask a candidate, got {shapes} of {self.mask_logits.shape}")

    def __len__(self) -> int:
        return len(self.scores)

    def kept(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Candidates:
        """The candidates at `which`, a mask or positions."""
        return Candidates(
            self.scores[which],
            self.channels[which],
            self.boxes[which],
            self.mask_logits[which],
            self.mask_frame,
            self.height,
            self.width,
            self.between,
        )

    def of_channels(self, channels: npt.NDArray[np.int64]) -> Candidates:
        """The same candidates counted by another list of classes."""
        return replace(self, channels=channels)

    def mask_box(self, at: int) -> tuple[float, float, float, float]:
        """What the mask of candidate `at` covers: x_min, y_min, x_max, y_max in px of the input."""
        if self.mask_frame == "image":
            return 0.0, 0.0, float(self.width), float(self.height)
        x_min, y_min, x_max, y_max = (float(value) for value in self.boxes[at])
        return x_min, y_min, x_max, y_max


def split_candidates(
    scores: Floats,
    channels: npt.NDArray[np.int64],
    boxes: Floats,
    mask_logits: Floats,
    mask_frame: MaskFrame,
    batch_shape: tuple[int, ...],
) -> list[Candidates]:
    """The candidates of each input of a batch (batch, bands, height, width), padding left out."""
    height, width = batch_shape[-2:]
    rows = zip(scores, channels, boxes, mask_logits, strict=True)
    return [Candidates(*row, mask_frame, height, width).kept(row[0] > 0) for row in rows]
