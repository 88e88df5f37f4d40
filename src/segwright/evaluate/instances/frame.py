"""One frame to score: its true objects and its detections, as arrays in the order of their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core import Size
from segwright.evaluate.instances.run_texts import Runs

# COCO's: a whole number, or a text
ImageId = int | str


def image_order(image_id: ImageId) -> tuple[bool, int, str]:
    """The key that images are put in order by: whole numbers first, by value, then texts."""
    return (True, 0, image_id) if isinstance(image_id, str) else (False, image_id, "")


@dataclass(frozen=True, eq=False)
class Truths:
    """The true objects of a frame.

    `channel` is int (objects,), the position of each one's class in the table. `area_px` is float64 (objects,), as
    the file says it (COCO: of the mask, also where boxes are scored). `crowd` is bool (objects,): a region of many,
    which may take any number of detections and counts for none. `ignored` is bool (objects,): neither found nor
    missed; every crowd is. `boxes` is float64 (objects, 4): left, top, width, height in px. `masks` are run
    lengths, a `RunTexts` or any sequence. Boxes and masks may be None where only the other is scored.
    """

    channel: npt.NDArray[np.int64]
    area_px: npt.NDArray[np.float64]
    crowd: npt.NDArray[np.bool_]
    ignored: npt.NDArray[np.bool_]
    boxes: npt.NDArray[np.float64] | None = None
    masks: Sequence[Runs] | None = None

    def between(self, first: int, end: int) -> Truths:
        """The objects from `first` up to `end`, as views."""
        part = slice(first, end)
        return Truths(
            self.channel[part],
            self.area_px[part],
            self.crowd[part],
            self.ignored[part],
            None if self.boxes is None else self.boxes[part],
            None if self.masks is None else self.masks[part],
        )


@dataclass(frozen=True, eq=False)
class Detections:
    """The detections of a frame: as `Truths`, with a `score` float64 (objects,), the higher the surer."""

    channel: npt.NDArray[np.int64]
    area_px: npt.NDArray[np.float64]
    score: npt.NDArray[np.float64]
    boxes: npt.NDArray[np.float64] | None = None
    masks: Sequence[Runs] | None = None

    def between(self, first: int, end: int) -> Detections:
        """The objects from `first` up to `end`, as views."""
        part = slice(first, end)
        return Detections(
            self.channel[part],
            self.area_px[part],
            self.score[part],
            None if self.boxes is None else self.boxes[part],
            None if self.masks is None else self.masks[part],
        )


@dataclass(frozen=True, eq=False)
class InstanceFrame:
    """A frame's truths and detections. The two last fields are for the rule `lvis` and hold channels.

    `absent`: classes that annotators looked for and did not find. `not_exhaustive`: classes of which they marked some
    objects and not all, so that an unmatched detection may be right.
    """

    image_id: ImageId
    name: str
    size: Size
    truths: Truths
    detections: Detections
    absent: frozenset[int] = frozenset()
    not_exhaustive: frozenset[int] = frozenset()
