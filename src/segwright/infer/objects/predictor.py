"""The whole pipeline from a frame to its objects: preprocessing, tiles, candidates, decision, stitching."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from segwright.core import Box, ClassTable, Image, Instance, InstanceSet, Size
from segwright.infer.objects.answers import ObjectRuntime
from segwright.infer.objects.decision import ObjectDecision, decided, moved, objects_of
from segwright.infer.objects.prediction import InstancePrediction
from segwright.infer.objects.stitching import stitched
from segwright.infer.objects.tile_answers import tile_answers
from segwright.infer.predictor import Frame, as_image
from segwright.infer.preprocess import Preprocessing
from segwright.infer.tiles import TilePlan


@dataclass(frozen=True)
class ObjectPredictor:
    """A runtime and everything around it that decides what is an object. `batch` tiles run at a time.

    Raises:
        ConfigError: a threshold for no class, or tiles that do not fit the network.
    """

    runtime: ObjectRuntime
    classes: ClassTable
    preprocessing: Preprocessing
    tiles: TilePlan = field(default_factory=TilePlan)
    decision: ObjectDecision = field(default_factory=ObjectDecision)
    batch: int = 1

    def __post_init__(self) -> None:
        self.decision.check(self.classes)
        self.tiles.boxes(self.tiles.tile, self.runtime.stride_px)

    def predict(self, frame: Frame) -> InstancePrediction:
        """The objects of `frame`, surest first, at the frame's own resolution; see `Predictor.predict` for frames."""
        image = as_image(frame)
        self.preprocessing.check(image)
        found = list(self._found(image))
        whole = found[0][1] if len(found) == 1 else decided(stitched(found, image.size), self.decision)
        return InstancePrediction(image, InstanceSet(image.size, tuple(whole), self.classes))

    def _found(self, image: Image) -> Iterator[tuple[Box, list[Instance]]]:
        """Each tile with its objects, in frame coordinates."""
        for box, candidates in tile_answers(image, self.runtime, self.preprocessing, self.tiles, self.batch):
            objects = objects_of(candidates, self.decision, self.classes, size=Size(box.height, box.width))
            yield box, [moved(one, box.top, box.left) for one in objects]
