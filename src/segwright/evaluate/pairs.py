"""Predictions beside their truth, frame by frame: from two places, or from a predictor and a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from segwright.core import ClassTable, DataError, Image, LabelMap, Probabilities, Problem
from segwright.data import Dataset, Frame, read_image
from segwright.data.workers import in_threads
from segwright.evaluate.counts import FramePair, pair_problems
from segwright.evaluate.reliability import Reliability, count_reliability
from segwright.evaluate.sources import DatasetLabels, LabelSource, few, table_of_values
from segwright.evaluate.threshold_curves import ThresholdCurves, count_threshold_curves

# How much of a hold-out's probabilities stays in memory between the two passes of a calibration: 150 frames of 640x480
# in four classes. What does not fit is predicted again.
KEPT_BYTES = 768 * 2**20


class AnsweringModel(Protocol):
    """What evaluation asks of a model; `infer.Predictor` is one."""

    @property
    def classes(self) -> ClassTable: ...

    def predict(self, frame: Image, *, confidence: bool = True, probabilities: bool = False) -> Answer: ...

    def probabilities(self, frame: Image) -> Probabilities: ...


class Answer(Protocol):
    """A prediction of one frame; `infer.SemanticPrediction` is one."""

    @property
    def label_map(self) -> LabelMap: ...

    @property
    def probabilities(self) -> Probabilities | None: ...


@dataclass(frozen=True)
class StoredPairs:
    """Pairs of two label sources, in the order of the truth; can be gone through again.

    `images` are the frames' pictures by stem, for reports; a dataset brings its own. Raises, when gone through, one
    DataError with everything that cannot be read or compared.
    """

    predictions: LabelSource
    truth: LabelSource
    classes: ClassTable
    notes: tuple[str, ...] = ()
    images: Mapping[str, Path] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.truth.stems)

    def __iter__(self) -> Iterator[FramePair]:
        problems: list[Problem] = []
        for found in in_threads(self._pair_or_problems, self.truth.stems):
            if isinstance(found, FramePair):
                yield found
            else:
                problems += found
        if problems:
            raise DataError(*problems)

    def pair(self, stem: str) -> FramePair:
        """The pair of one frame.

        Raises:
            DataError: a mask cannot be read.
        """
        truth = self.truth.read(stem, self.classes)
        return FramePair(stem, self.predictions.read(stem, self.classes), truth, self.truth.columns(stem))

    def image(self, stem: str) -> Image | None:
        """The picture of one frame; None where nobody said where it is."""
        if stem in self.images:
            return read_image(self.images[stem])
        if isinstance(self.truth, DatasetLabels):
            return self.truth.dataset.read_image(self.truth.dataset.frame(stem))
        return None

    def _pair_or_problems(self, stem: str) -> FramePair | list[Problem]:
        try:
            pair = self.pair(stem)
        except DataError as error:
            return list(error.problems)
        return pair_problems(pair.prediction, pair.truth, place=f"{self.predictions.place}: {stem}") or pair


def pair_up(predictions: LabelSource, truth: LabelSource, classes: ClassTable | None = None) -> StoredPairs:
    """Match predictions with truth by stem.

    The class table is `classes`, else the one that lies with the truth, else with the predictions, else made from the
    ids in the masks. Predictions without a truth are left out, with a note.

    Raises:
        DataError: every frame without a prediction, at once.
        ConfigError: no class table, and the masks do not tell.
    """
    missing = set(truth.stems) - set(predictions.stems)
    if len(truth.stems) == len(predictions.stems) == 1:
        predictions, missing = _Renamed(predictions, truth.stems[0]), set()
    if missing:
        raise DataError.of(
            predictions.place,
            f"lacks predictions for {len(missing)} of {len(truth.stems)} frames",
            allowed=f"a mask of the same name for every frame of {truth.place}",
            found=f"missing: {few(missing)}; there: {few(predictions.stems, 4)}",
            fix="predict the missing frames, or evaluate only the part that was predicted",
        )
    notes = ()
    extra = set(predictions.stems) - set(truth.stems)
    if extra:
        notes = (f"{len(extra)} predictions have no truth and were left out: {few(extra)}",)
    table = classes or truth.classes or predictions.classes
    if table is None:
        table = table_of_values(truth, predictions)
        notes += ("no class table was given: classes are named after the ids in the masks, 255 is void",)
    return StoredPairs(predictions, truth, table, notes)


@dataclass(frozen=True)
class _Renamed:
    """One prediction under the stem of its truth: two single files need not share a name."""

    source: LabelSource
    stem: str

    @property
    def place(self) -> str:
        return self.source.place

    @property
    def stems(self) -> tuple[str, ...]:
        return (self.stem,)

    @property
    def classes(self) -> ClassTable | None:
        return self.source.classes

    def read(self, stem: str, classes: ClassTable) -> LabelMap:  # noqa: ARG002  # the protocol's, as below
        return self.source.read(self.source.stems[0], classes)

    def columns(self, stem: str) -> Mapping[str, str]:  # noqa: ARG002
        return {}


@dataclass
class PredictedPairs:
    """A predictor's answers beside the labels of a dataset, predicted as they are asked for.

    `reliability`, and `curves` where `with_curves` asks for them, add up over one iteration; they start anew with each.
    `further_notes` are what the caller knows of
    the frames.

    Raises:
        DataError: the predictor's classes are not the dataset's.
    """

    predictor: AnsweringModel
    dataset: Dataset
    further_notes: tuple[str, ...] = ()
    with_curves: bool = False
    reliability: Reliability = field(init=False, default_factory=Reliability)
    curves: ThresholdCurves | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        mine, theirs = self.predictor.classes, self.dataset.classes
        if mine.content_hash != theirs.content_hash:
            fix = "open the dataset with the model's classes; those of a segwright.yaml are under `classes:`"
            raise DataError.of(
                "model",
                "has another class table than the dataset",
                allowed=theirs.describe(),
                found=mine.describe(),
                fix=fix,
            )

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frames somebody labelled."""
        return tuple(frame for frame in self.dataset.frames if frame.mask is not None)

    @property
    def notes(self) -> tuple[str, ...]:
        unlabelled = len(self.dataset) - len(self.frames)
        left_out = (f"{unlabelled} frames have no labels and were left out",) if unlabelled else ()
        return (*left_out, *self.further_notes)

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[FramePair]:
        self.reliability = Reliability()
        self.curves = ThresholdCurves.none(self.dataset.classes) if self.with_curves else None
        problems: list[Problem] = []
        for frame in self.frames:
            try:
                labelled = self.dataset.read(frame)
                with _said_of(frame):
                    answer = self.predictor.predict(labelled.image, confidence=False, probabilities=True)
            except DataError as error:
                problems += error.problems
                continue
            if answer.probabilities is not None:
                self.reliability += count_reliability(answer.probabilities, labelled.labels)
                if self.curves is not None:
                    self.curves += count_threshold_curves(answer.probabilities, labelled.labels)
            yield FramePair(frame.stem, answer.label_map, labelled.labels, frame.columns)
        if problems:
            raise DataError(*problems)

    def pair(self, stem: str) -> FramePair:
        """The pair of one frame, predicted again."""
        frame = self.dataset.frame(stem)
        labelled = self.dataset.read(frame)
        answer = self.predictor.predict(labelled.image, confidence=False)
        return FramePair(stem, answer.label_map, labelled.labels, frame.columns)

    def image(self, stem: str) -> Image | None:
        """The picture of one frame."""
        return self.dataset.read_image(self.dataset.frame(stem))


class HoldOut:
    """The probabilities a predictor gives for the labelled frames of a dataset, beside their truth; re-iterable.

    The first frames are kept in memory, up to `kept_bytes`; later ones are predicted in every pass. Raises, when gone
    through, one DataError with every frame that cannot be read or does not suit the model.
    """

    def __init__(self, predictor: AnsweringModel, dataset: Dataset, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._pairs = PredictedPairs(predictor, dataset)
        self._room = kept_bytes
        self._kept: dict[str, tuple[Probabilities, LabelMap]] = {}

    def __len__(self) -> int:
        return len(self._pairs)

    def __iter__(self) -> Iterator[tuple[Probabilities, LabelMap]]:
        problems: list[Problem] = []
        for frame in self._pairs.frames:
            try:
                answer = self._kept.get(frame.stem) or self._answer(frame)
            except DataError as error:
                problems += error.problems
                continue
            yield answer
        if problems:
            raise DataError(*problems)

    def _answer(self, frame: Frame) -> tuple[Probabilities, LabelMap]:
        labelled = self._pairs.dataset.read(frame)
        with _said_of(frame):
            answer = self._pairs.predictor.probabilities(labelled.image), labelled.labels
        if answer[0].values.nbytes <= self._room:
            self._room -= answer[0].values.nbytes
            self._kept[frame.stem] = answer
        else:
            self._room = 0
        return answer


@contextmanager
def _said_of(frame: Frame) -> Iterator[None]:
    """Of a frame that does not suit the model, the error names the file."""
    try:
        yield
    except DataError as error:
        raise DataError(*(replace(problem, place=str(frame.image)) for problem in error.problems)) from error
