"""What an instance or a panoptic model says about one frame."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segwright.core import Image, InstanceSet, PanopticMap, instances_from_panoptic
from segwright.infer.objects.results import coco_results
from segwright.infer.prediction import require_supervision

if TYPE_CHECKING:
    import supervision


@dataclass(frozen=True, eq=False)
class InstancePrediction:
    """The objects of `image`, surest first, at the frame's own size; they may overlap."""

    image: Image
    objects: InstanceSet

    def __post_init__(self) -> None:
        if self.objects.size != self.image.size:
            raise ValueError(f"the objects are of a frame of {self.objects.size}, the image is {self.image.size}")

    def counts(self) -> Mapping[str, int]:
        """The number of objects of every class but the background; 0 where there is none."""
        return counted(self.objects)

    def plot(self, *, opacity: float = 0.5) -> npt.NDArray[np.uint8]:
        """The frame with its objects, (height, width, 3) uint8 RGB: a colour each, with class and score."""
        from segwright.infer.objects.drawing import drawn

        return drawn(self.image, self.objects, opacity=opacity)

    def save(self, path: str | Path, *, image_id: int | str = 0) -> None:
        """Write COCO results JSON of this frame, as evaluation reads it; `image_id` is the truth's, or the stem."""
        text = json.dumps(coco_results(self.objects, image_id))
        Path(path).write_text(text + "\n", encoding="utf-8")

    def to_supervision(self) -> supervision.Detections:
        """One detection an object, for roboflow/supervision's annotators.

        Raises:
            DependencyMissing: supervision is not installed.
        """
        return _detections(self.objects)


@dataclass(frozen=True, eq=False)
class PanopticPrediction:
    """The panoptic map of `image`, at the frame's own size: each pixel in one segment, or in none.

    `scores` are those of things, by segment id.
    """

    image: Image
    panoptic: PanopticMap
    scores: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.panoptic.size != self.image.size:
            raise ValueError(f"the map is {self.panoptic.size}, its frame {self.image.size}")

    @property
    def objects(self) -> InstanceSet:
        """The things as objects, in the map's order, with their scores; void stays void. Lost: stuff."""
        return instances_from_panoptic(self.panoptic, self.scores)

    def counts(self) -> Mapping[str, int]:
        """The number of objects of every class of things."""
        return counted(self.objects)

    def plot(self, *, opacity: float = 0.5) -> npt.NDArray[np.uint8]:
        """The frame with its segments, (height, width, 3) uint8 RGB: stuff by class, colour and label each thing."""
        from segwright.infer.objects.drawing import drawn_panoptic

        return drawn_panoptic(self.image, self.panoptic, self.scores, opacity=opacity)

    def save(self, path: str | Path) -> None:
        """Write segment ids as COCO panoptic's PNG (id = R + 256 G + 65536 B), and the segments to a JSON beside it."""
        from segwright.infer.objects.results import write_panoptic

        write_panoptic(Path(path), self.panoptic, self.scores)

    def to_supervision(self) -> supervision.Detections:
        """One detection a thing, for roboflow/supervision's annotators. Lost: stuff.

        Raises:
            DependencyMissing: supervision is not installed.
        """
        return _detections(self.objects)


def counted(objects: InstanceSet) -> dict[str, int]:
    """The number of objects of every class but the background; crowds count as one."""
    seen = Counter(one.class_id for one in objects)
    return {spec.name: seen[spec.class_id] for spec in objects.classes.foreground}


def _detections(objects: InstanceSet) -> Any:
    supervision = require_supervision()
    size, count = objects.size, len(objects)
    masks = np.zeros((count, size.height, size.width), bool)
    boxes = np.zeros((count, 4), np.float32)
    for at, one in enumerate(objects):
        masks[at][one.box.slices] = one.mask
        boxes[at] = one.box.left, one.box.top, one.box.right, one.box.bottom
    scores = [one.score for one in objects]
    return supervision.Detections(
        xyxy=boxes,
        mask=masks,
        confidence=None if None in scores else np.array(scores, np.float32),
        class_id=np.array([one.class_id for one in objects], int),
        data={"class_name": np.array([objects.classes.name(one.class_id) for one in objects], str)},
    )
