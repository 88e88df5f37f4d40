"""What a model finds in the labelled frames of a dataset, beside the segments labelled there: predicted once."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from segwright.core import ClassTable, InstanceSet, Listener, PanopticMap, adopt, silent, tracked
from segwright.data import Dataset, Frame
from segwright.data.frame_objects import has_objects
from segwright.data.frame_segments import read_segments
from segwright.evaluate.domains import KnownColumns
from segwright.evaluate.instances.predicted import DatasetImages, no_labelled_frame, require_same_classes
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.panoptic.counts import PanopticRow, count_panoptic_frame
from segwright.evaluate.panoptic.evaluation import evaluate_panoptic_pairs
from segwright.evaluate.panoptic.frame import PanopticFrame, Segment
from segwright.evaluate.panoptic.matching import Rule
from segwright.evaluate.panoptic.pairs import PanopticPairs, pair_sources
from segwright.infer.objects.panoptic_predictor import PanopticPredictor

if TYPE_CHECKING:
    from segwright.evaluate.report.object_pictures import ObjectPanel


class FindsSegments(Protocol):
    """A model that answers with one segment a pixel."""

    @property
    def classes(self) -> ClassTable: ...

    def predict(self, frame: Any, /) -> Any: ...


@dataclass(frozen=True)
class FoundThings:
    """The things of a frame alone."""

    objects: InstanceSet


@dataclass(frozen=True)
class ThingsAlone:
    """A panoptic model as one that finds objects: the things among its segments, with their scores."""

    predictor: PanopticPredictor

    @property
    def classes(self) -> ClassTable:
        """Its class table."""
        return self.predictor.classes

    def predict(self, frame: Any, /) -> FoundThings:
        """The things in `frame`, surest first."""
        return FoundThings(self.predictor.things(frame))


def frame_of(stem: str, panoptic: PanopticMap) -> PanopticFrame:
    """A map as one side of a score."""
    segments = {each.segment_id: Segment(each.class_id, each.crowd) for each in panoptic.segments}
    return PanopticFrame(stem, panoptic.segment_ids, segments, panoptic.classes)


@dataclass(frozen=True)
class DatasetSegments:
    """The labelled frames of a dataset as a source of panoptic frames, by their stem."""

    dataset: Dataset
    frames: Mapping[str, Frame]

    @staticmethod
    def of(dataset: Dataset) -> DatasetSegments:
        """The frames that have labels."""
        return DatasetSegments(dataset, {each.stem: each for each in dataset.frames if each.mask is not None})

    @property
    def place(self) -> str:
        return str(self.dataset.root)

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(self.frames)

    @property
    def classes(self) -> ClassTable:
        return self.dataset.classes

    @property
    def image_ids(self) -> Mapping[str, int | str]:
        return {}

    @property
    def columns(self) -> KnownColumns:
        """What the dataset knows of its frames."""
        return KnownColumns({stem: frame.columns for stem, frame in self.frames.items()})

    @property
    def images(self) -> DatasetImages:
        """The frames' pictures."""
        return DatasetImages(self.dataset, {stem: stem for stem in self.frames})

    def read(self, stem: str) -> PanopticFrame:
        """Raises DataError where the labels cannot be read."""
        return frame_of(stem, read_segments(self.dataset, self.frames[stem]))

    def stale_areas(self, frame: PanopticFrame) -> int:  # noqa: ARG002  # the protocol's
        """None: a dataset stores no areas that could be others than those of its pixels."""
        return 0


@dataclass(frozen=True)
class KeptSegments:
    """Predicted maps by stem, held in a few kilobytes each."""

    place: str
    classes: ClassTable
    kept: Mapping[str, tuple[bytes, tuple[int, int], Mapping[int, Segment]]]
    image_ids: Mapping[str, int | str] = field(default_factory=dict)

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(self.kept)

    def read(self, stem: str) -> PanopticFrame:
        """The map of a frame."""
        packed, shape, segments = self.kept[stem]
        ids = np.frombuffer(zlib.decompress(packed), np.uint32).reshape(shape)
        return PanopticFrame(stem, adopt(ids.copy()), segments, self.classes)

    def stale_areas(self, frame: PanopticFrame) -> int:  # noqa: ARG002  # the protocol's
        """None are stored."""
        return 0


def predicted_row(predictor: FindsSegments, truth: DatasetSegments, stem: str) -> PanopticRow:
    """What `predictor` finds in one frame, counted; raises DataError where the frame cannot be read."""
    image = truth.dataset.read_image(truth.frames[stem])
    return count_panoptic_frame(frame_of(stem, predictor.predict(image).panoptic), truth.read(stem))


@dataclass(frozen=True)
class PredictedSegments:
    """Both sides, the frames' columns and where their pictures are; `notes` are what was left out."""

    pairs: PanopticPairs
    columns: KnownColumns
    images: DatasetImages
    notes: tuple[str, ...] = ()

    def evaluated(
        self, listener: Listener = silent, provenance: Mapping[str, Any] | None = None, *, rule: Rule = "coco"
    ) -> ObjectEvaluation:
        """The scores, by domain too; `provenance` says what was asked about what."""
        found = evaluate_panoptic_pairs(self.pairs, rule=rule, columns=self.columns, listener=listener)
        known = {**found.provenance, **(provenance or {})}
        return replace(found, provenance=known, notes=(*self.notes, *found.notes))

    def panels(self, evaluation: ObjectEvaluation) -> Iterator[ObjectPanel]:
        """The worst frames, painted one at a time."""
        from segwright.evaluate.report.panoptic_panels import panoptic_panels

        return panoptic_panels(evaluation, self.pairs, self.images)


def predicted_segments(predictor: FindsSegments, dataset: Dataset, listener: Listener = silent) -> PredictedSegments:
    """What `predictor` finds in each labelled frame of `dataset`, beside its truth.

    Of labels that tell no objects apart each connected region of a class of things is one, and a note says so.

    Raises:
        DataError: another class table, no labelled frame, frames that cannot be read.
    """
    require_same_classes(predictor.classes, dataset)

    def answer(frame: Frame) -> PanopticMap:
        return predictor.predict(dataset.read_image(frame)).panoptic

    return answered_segments(answer, dataset, listener)


def answered_segments(
    answer: Callable[[Frame], PanopticMap], dataset: Dataset, listener: Listener = silent
) -> PredictedSegments:
    """As `predicted_segments`, of whichever model `answer` asks about a frame; its classes are the dataset's.

    Raises:
        DataError: no labelled frame, frames that cannot be read.
    """
    truth = DatasetSegments.of(dataset)
    if not truth.frames:
        raise no_labelled_frame(dataset)
    kept = {}
    for stem, frame in tracked(truth.frames.items(), listener, "predict", len(truth.frames)):
        found = frame_of(stem, answer(frame))
        kept[stem] = (zlib.compress(found.ids.tobytes(), 1), found.ids.shape, found.segments)
    pairs = pair_sources(KeptSegments("model", dataset.classes, kept), truth)
    return PredictedSegments(pairs, truth.columns, truth.images, tuple(_notes(dataset, len(kept))))


def _notes(dataset: Dataset, labelled: int) -> Iterator[str]:
    if labelled < len(dataset):
        yield f"{len(dataset) - labelled} frames have no labels and were left out"
    if not has_objects(dataset):
        yield "the labels tell no objects apart: each connected region of a thing counts as one"
