"""The whole pipeline from a frame to its panoptic map: preprocessing, tiles, things and stuff, one answer a pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segwright.core import Box, ClassTable, Image, Instance, InstanceSet, LabelMap, Size, adopt, instance_from_mask
from segwright.infer.objects.answers import Queries, QueryRuntime, RegionRuntime, Regions
from segwright.infer.objects.decision import moved, objects_of
from segwright.infer.objects.panoptic import kept_things, painted
from segwright.infer.objects.prediction import PanopticPrediction
from segwright.infer.objects.query import Place, parts
from segwright.infer.objects.segment_decision import SegmentDecision
from segwright.infer.objects.stitching import stitched
from segwright.infer.objects.tile_answers import tile_answers
from segwright.infer.predictor import Frame, as_image
from segwright.infer.preprocess import Preprocessing
from segwright.infer.tiles import TilePlan

Ids = npt.NDArray[np.unsignedinteger]


class Said(NamedTuple):
    """What is decided about one tile: things in its own coordinates, and class ids of stuff, void elsewhere."""

    things: list[Instance]
    stuff: Ids


@dataclass(frozen=True)
class PanopticPredictor:
    """A runtime and everything around it that gives each pixel one segment, or none. `batch` tiles run at a time.

    Things cut by tiles are stitched as those of an instance network; stuff is taken from the tile that a pixel lies
    deepest in.

    Raises:
        ConfigError: a threshold for no class of things, or tiles that do not fit the network.
    """

    runtime: RegionRuntime | QueryRuntime
    classes: ClassTable
    preprocessing: Preprocessing
    tiles: TilePlan = field(default_factory=TilePlan)
    decision: SegmentDecision = field(default_factory=SegmentDecision)
    batch: int = 1

    def __post_init__(self) -> None:
        self.decision.check(self.classes)
        self.tiles.boxes(self.tiles.tile, self.runtime.stride_px)

    def predict(self, frame: Frame) -> PanopticPrediction:
        """The segments of `frame` at its own resolution, numbered from 1; see `Predictor.predict` for frames."""
        image = as_image(frame)
        self.preprocessing.check(image)
        things, labels = self._said(image)
        kept = kept_things(InstanceSet(image.size, tuple(things), self.classes), self.decision.merge)
        scores = {number: one.score for number, one in enumerate(kept, start=1) if one.score is not None}
        return PanopticPrediction(image, painted(kept, labels, self.decision.merge), scores)

    def things(self, frame: Frame) -> InstanceSet:
        """The things among the segments of `frame` with their scores, surest first."""
        image = as_image(frame)
        self.preprocessing.check(image)
        objects = InstanceSet(image.size, tuple(self._said(image)[0]), self.classes)
        return InstanceSet(image.size, tuple(kept_things(objects, self.decision.merge)), self.classes)

    def _said(self, image: Image) -> tuple[list[Instance], LabelMap]:
        """The things of a frame, and its stuff."""
        ids = np.full((image.size.height, image.size.width), self.classes.void_id, self.classes.id_type)
        depths = np.zeros(ids.shape, np.float32)
        found: list[tuple[Box, list[Instance]]] = []
        for box, said in self._tiles(image):
            deeper = _depth(box, image.size) > depths[box.slices]
            ids[box.slices][deeper] = said.stuff[deeper]
            np.maximum(depths[box.slices], _depth(box, image.size), out=depths[box.slices])
            found.append((box, [moved(one, box.top, box.left) for one in said.things]))
        things = found[0][1] if len(found) == 1 else stitched(found, image.size)
        return things, LabelMap(adopt(ids), self.classes)

    def _tiles(self, image: Image) -> Iterator[tuple[Box, Said]]:
        """Each tile, cut at the frame, with what is decided about it."""
        for box, answer in tile_answers(image, self.runtime, self.preprocessing, self.tiles, self.batch):
            yield box, decided_segments(answer, Size(box.height, box.width), self.classes, self.decision)


def decided_segments(answer: Regions | Queries, size: Size, classes: ClassTable, decision: SegmentDecision) -> Said:
    """Things and stuff of one input, of which the upper left part of `size` is frame."""
    if isinstance(answer, Queries):
        return _of_queries(answer, size, classes, decision)
    return _of_regions(answer, size, classes, decision)


def _of_regions(answer: Regions, size: Size, classes: ClassTable, decision: SegmentDecision) -> Said:
    foreground = [spec.class_id for spec in classes.foreground]
    positions = np.array([foreground.index(spec.class_id) for spec in classes if spec.kind == "thing"], np.int64)
    found = answer.candidates
    things = objects_of(found.of_channels(positions[found.channels]), decision.of_things, classes, size=size)
    named = [*(spec.class_id for spec in classes if spec.kind != "thing"), classes.void_id]  # "some thing" is no stuff
    likeliest = answer.stuff_logits[:, : size.height, : size.width].argmax(axis=0)
    return Said(things, np.array(named, classes.id_type)[likeliest])


def _of_queries(answer: Queries, size: Size, classes: ClassTable, decision: SegmentDecision) -> Said:
    stuff = np.full((size.height, size.width), classes.void_id, classes.id_type)
    things: list[Instance] = []
    how = {"score": decision.score, "overlap": decision.keep, "mask": decision.mask}
    for part in parts(answer.class_logits, answer.mask_logits, Place(size, answer.input_px), **how):
        spec = classes.classes[part.channel]
        if spec.kind != "thing":
            stuff[part.pixels] = spec.class_id
        elif (one := instance_from_mask(part.pixels, spec.class_id, score=part.score)) is not None:
            things.append(one)
    return Said(things, stuff)


def _depth(box: Box, size: Size) -> npt.NDArray[np.float32]:
    """How far each pixel (height, width) of a tile is from the tile's edge, px; the frame's own edge is none."""
    sides: Sequence[tuple[int, int, int]] = (
        (box.top, box.bottom, size.height),
        (box.left, box.right, size.width),
    )
    down, across = (_distances(start, end, whole) for start, end, whole in sides)
    return np.minimum(down[:, None], across[None, :])


def _distances(start: int, end: int, whole: int) -> npt.NDArray[np.float32]:
    at = np.arange(end - start, dtype=np.float32)
    before = at + 1 if start > 0 else np.full_like(at, whole)
    after = end - start - at if end < whole else np.full_like(at, whole)
    return np.minimum(before, after)
