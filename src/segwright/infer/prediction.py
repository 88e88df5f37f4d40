"""What a model says about one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segwright.core import DependencyMissing, Image, LabelMap, Probabilities
from segwright.core.image import frozen

if TYPE_CHECKING:
    import supervision


@dataclass(frozen=True, eq=False)
class SemanticPrediction:
    """The cleaned label map of `image`, at the frame's own size.

    `confidence` (height, width) float32 is the largest probability of each pixel before cleaning; `probabilities` are
    the blended probabilities as they were decided on. Each is None unless it was asked for.
    """

    image: Image
    label_map: LabelMap
    confidence: npt.NDArray[np.float32] | None = None
    probabilities: Probabilities | None = None

    def __post_init__(self) -> None:
        if self.label_map.size != self.image.size:
            raise ValueError(f"the label map is {self.label_map.size}, its frame {self.image.size}")
        if self.confidence is not None:
            object.__setattr__(self, "confidence", frozen(self.confidence))

    def areas_px(self) -> Mapping[str, int]:
        """The area of every class, in pixels; 0 where it is absent."""
        counts = np.bincount(self.label_map.ids.ravel(), minlength=max(self.label_map.classes.ids) + 1)
        return {spec.name: int(counts[spec.class_id]) for spec in self.label_map.classes}

    def plot(self, *, opacity: float = 0.5) -> npt.NDArray[np.uint8]:
        """The frame with its classes in their colours, (height, width, 3) uint8 RGB; background stays as it is."""
        from segwright.infer.overlay import overlay

        return overlay(self.image, self.label_map, opacity=opacity)

    def save(self, path: str | Path) -> None:
        """Write the class ids as a one-band PNG, as evaluation reads it."""
        from segwright.data.codecs import write_label_map

        write_label_map(Path(path), self.label_map)

    def to_supervision(self) -> supervision.Detections:
        """One detection a foreground class present, for roboflow/supervision's annotators.

        `confidence` is the mean over the class's pixels, where the prediction has it. Lost: background and void.

        Raises:
            DependencyMissing: supervision is not installed.
        """
        supervision = require_supervision()
        present = [spec for spec in self.label_map.classes.foreground if self.label_map.area_px(spec.name)]
        masks = np.array([self.label_map.mask(spec.name) for spec in present], bool)
        masks = masks.reshape(len(present), *self.label_map.ids.shape)
        confidence = None
        if self.confidence is not None:
            confidence = np.array([self.confidence[mask].mean() for mask in masks], np.float32)
        return supervision.Detections(
            xyxy=_boxes_xyxy(masks),
            mask=masks,
            confidence=confidence,
            class_id=np.array([spec.class_id for spec in present], int),
            data={"class_name": np.array([spec.name for spec in present], str)},
        )


def require_supervision() -> Any:
    """The library supervision.

    Raises:
        DependencyMissing: it is not installed.
    """
    try:
        import supervision
    except ImportError as error:
        raise DependencyMissing.of(
            "to_supervision",
            "needs the library supervision",
            found="it is not installed",
            fix='pip install "segwright[supervision]"',
        ) from error
    return supervision


def _boxes_xyxy(masks: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """The half-open box (left, top, right, bottom) around each mask (masks, height, width)."""
    boxes = np.zeros((len(masks), 4), np.float32)
    for index, mask in enumerate(masks):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        boxes[index] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return boxes
