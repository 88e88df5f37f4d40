"""What a model finds in the labelled frames of a dataset, beside the objects labelled there: predicted once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from segwright.core import (
    ClassTable,
    DataError,
    Image,
    InstanceSet,
    Listener,
    Problem,
    SegwrightError,
    Size,
    silent,
    tracked,
)
from segwright.data import Dataset, Frame
from segwright.data.frame_objects import has_objects, read_objects
from segwright.data.listing import stem_of
from segwright.data.workers import in_threads
from segwright.evaluate.domains import KnownColumns
from segwright.evaluate.instances.evaluate import evaluate_instance_pairs
from segwright.evaluate.instances.from_dataset import coco_content
from segwright.evaluate.instances.pairs import InstancePairs, pair_instances
from segwright.evaluate.instances.rules import Kind
from segwright.evaluate.objects import ObjectEvaluation
from segwright.infer.objects.decision import ObjectDecision
from segwright.infer.objects.results import coco_results

if TYPE_CHECKING:
    from segwright.evaluate.report.object_pictures import ObjectPanel

# Average precision ranks candidates itself: what a user would not be shown counts too, down to this score.
SCORED_FROM = 0.05
AP_MOST = 100


ReadObjects = Callable[[Dataset, Frame], InstanceSet]


class FindsObjects(Protocol):
    """A model that answers with objects."""

    @property
    def classes(self) -> ClassTable: ...

    def predict(self, frame: Any, /) -> Any: ...


def ranking(decision: ObjectDecision, scored_from: float = SCORED_FROM) -> ObjectDecision:
    """The decision as average precision is counted with it: candidates from `scored_from` up, at least `AP_MOST`."""
    return replace(decision, score=scored_from, thresholds={}, most=max(AP_MOST, decision.most))


@dataclass(frozen=True)
class DatasetImages:
    """The pictures of a dataset's frames by name, as `FrameImages` of a folder."""

    dataset: Dataset
    stems: Mapping[str, str]

    def of(self, name: str, _size: Size) -> Image | None:
        """The picture of the frame called `name`, None where the dataset has none of that name."""
        stem = self.stems.get(name)
        return None if stem is None else self.dataset.read_image(self.dataset.frame(stem))


@dataclass(frozen=True)
class PredictedObjects:
    """Both sides, the frames' columns and where their pictures are; `notes` are what was left out."""

    pairs: InstancePairs
    columns: KnownColumns
    images: DatasetImages
    notes: tuple[str, ...] = ()

    def evaluated(self, listener: Listener = silent, provenance: Mapping[str, Any] | None = None) -> ObjectEvaluation:
        """The scores, by domain too; `provenance` says what was asked about what."""
        evaluation = evaluate_instance_pairs(self.pairs, columns=self.columns, listener=listener)
        known = {**evaluation.provenance, **(provenance or {})}
        return replace(evaluation, provenance=known, notes=(*self.notes, *evaluation.notes))

    def panels(self, evaluation: ObjectEvaluation) -> Iterator[ObjectPanel]:
        """The worst frames, painted one at a time."""
        from segwright.evaluate.report.instance_panels import instance_panels

        return instance_panels(evaluation, self.pairs, self.images)


def predicted_objects(
    predictor: FindsObjects,
    dataset: Dataset,
    *,
    kinds: Sequence[Kind] = ("mask", "box"),
    rule: str = "coco",
    read: ReadObjects = read_objects,
    listener: Listener = silent,
) -> PredictedObjects:
    """What `predictor` finds in each labelled frame of `dataset`, beside its truth, which `read` gives.

    Of labels that tell no objects apart each connected region is one, and a note says so.

    Raises:
        DataError: another class table, no labelled frame, frames that cannot be read: all of them.
    """
    require_same_classes(predictor.classes, dataset)

    def answer(frame: Frame) -> InstanceSet:
        return predictor.predict(dataset.read_image(frame)).objects

    return answered_objects(answer, dataset, kinds=kinds, rule=rule, read=read, listener=listener)


def answered_objects(
    answer: Callable[[Frame], InstanceSet],
    dataset: Dataset,
    *,
    kinds: Sequence[Kind] = ("mask", "box"),
    rule: str = "coco",
    read: ReadObjects = read_objects,
    listener: Listener = silent,
) -> PredictedObjects:
    """As `predicted_objects`, of whichever model `answer` asks about a frame; its classes are the dataset's.

    Raises:
        DataError: no labelled frame, frames that cannot be read: all of them.
    """
    frames = [frame for frame in dataset.frames if frame.mask is not None]
    if not frames:
        raise no_labelled_frame(dataset)
    truth = coco_content(_true_objects(dataset, frames, read), dataset.classes)
    results = [
        row
        for frame in tracked(frames, listener, "predict", len(frames))
        for row in coco_results(answer(frame), frame.stem)
    ]
    pairs = pair_instances(results, truth, kinds=kinds, rule=rule, class_table=dataset.classes)
    names = {stem_of(frame.stem): frame.stem for frame in frames}
    columns = KnownColumns({stem_of(frame.stem): frame.columns for frame in frames})
    return PredictedObjects(pairs, columns, DatasetImages(dataset, names), tuple(_notes(dataset, len(frames))))


def _true_objects(dataset: Dataset, frames: Sequence[Frame], read_of: ReadObjects) -> Iterable[tuple[str, InstanceSet]]:
    """(stem, objects) of each frame.

    Raises:
        DataError: labels that cannot be read, all of them.
    """

    def read(frame: Frame) -> tuple[str, InstanceSet] | DataError:
        try:
            return frame.stem, read_of(dataset, frame)
        except DataError as error:
            return error

    answers = list(in_threads(read, frames))
    problems: list[Problem] = [row for each in answers if isinstance(each, DataError) for row in each.problems]
    if problems:
        raise DataError(*problems)
    return [each for each in answers if not isinstance(each, DataError)]


def _notes(dataset: Dataset, labelled: int) -> Iterator[str]:
    if labelled < len(dataset):
        yield f"{len(dataset) - labelled} frames have no labels and were left out"
    if not has_objects(dataset):
        yield "the labels tell no objects apart: each connected region counts as one"


def require_same_classes(classes: ClassTable, dataset: Dataset) -> None:
    """Raise DataError where a model of `classes` is asked about a dataset of others."""
    if classes.content_hash == dataset.classes.content_hash:
        return
    raise DataError.of(
        "model",
        "has another class table than the dataset",
        allowed=dataset.classes.describe(),
        found=classes.describe(),
        fix="open the dataset with the model's classes; those of a segwright.yaml are under `classes:`",
    )


def no_labelled_frame(dataset: Dataset) -> SegwrightError:
    """What to raise where nothing in `dataset` has labels."""
    fix = "label frames, or name another part of the split: --part"
    allowed = "at least one labelled frame"
    return DataError.of(str(dataset.root), "has no frame to score", allowed=allowed, found="none", fix=fix)
