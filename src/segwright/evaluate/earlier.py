"""The predictions that an earlier evaluation scored: read again from where it found them, or asked for again.

An evaluation keeps counts and no label maps. What is read again is shown only if it still gives that evaluation's
counts of the frame; files that were changed since, or a model under the same path that is another one, are told apart
so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segwright.core import ArtefactError, ClassTable, DataError, Image, LabelMap, Problem, SegwrightError
from segwright.evaluate.counts import FramePair, count_pixels, require_same_frame
from segwright.evaluate.pairs import AnsweringModel, PredictedPairs, StoredPairs, pair_up
from segwright.evaluate.result import Evaluation, FrameRow
from segwright.evaluate.sources import DatasetLabels, open_source

# The same network on another processor rounds differently, which may turn a pixel in a thousand to another class.
MODEL_SLACK = 1e-3

OpenModel = Callable[[Path], AnsweringModel]


@dataclass(frozen=True)
class EarlierPredictions:
    """What an earlier evaluation scored, frame by frame.

    `answer` gives a frame's label map from its stem and picture; `slack` is the share of valid pixels whose counts may
    differ from those that were scored.
    """

    rows: Mapping[str, FrameRow]
    answer: Callable[[str, Image | None], LabelMap]
    slack: float = 0.0

    def of(self, pair: FramePair, image: Image | None) -> LabelMap:
        """The earlier prediction of the frame whose truth is in `pair`.

        Raises:
            DataError: it cannot be read, does not fit the truth, or gives other counts than were scored.
        """
        found = self.answer(pair.stem, image)
        require_same_frame(found, pair.truth, place=f"{pair.stem}: old prediction")
        counts, row = count_pixels(found, pair.truth), self.rows[pair.stem]
        off = np.abs(np.array([counts.correct_px - row.correct_px, counts.predicted_px - row.predicted_px])).max()
        if off > self.slack * counts.valid_px:
            raise DataError.of(
                f"{pair.stem}: old prediction", "gives other counts than were scored: it was changed since",
                allowed=f"{sum(row.correct_px)} right pixels", found=f"{counts.correct_px.sum()}",
                fix="evaluate the old predictions again",
            )  # fmt: skip
        return found


def earlier_predictions(
    old: Evaluation, pairs: StoredPairs | PredictedPairs, open_model: OpenModel, *, run: Path | None = None
) -> EarlierPredictions:
    """The predictions behind `old`, beside the truth of `pairs`, from the place that its provenance names.

    Files are opened with the class table and the renamings (`map`) of the old evaluation; a model is opened by
    `open_model`. `run` is the run that wrote `old`, for evaluations that name neither.

    Raises:
        SegwrightError: the place is unknown, gone, or cannot be opened; the first problem says why.
    """
    rows = {row.stem: row for row in old.frames}
    stored = old.provenance.get("predictions")
    if stored:
        place = _there(Path(str(stored)), "predictions")
        source = open_source(place, old.class_table, _renamings(str(old.provenance.get("map") or "")))
        truth = pairs.truth if isinstance(pairs, StoredPairs) else DatasetLabels(pairs.dataset)
        read = pair_up(source, truth, old.class_table)
        return EarlierPredictions(rows, lambda stem, _: read.predictions.read(stem, read.classes))
    model = old.provenance.get("model") or run
    if not model:
        raise ArtefactError.of(
            "old evaluation", "does not say where its predictions are", found="neither predictions nor model",
            allowed="provenance with `predictions` or `model`", fix="write it with `segwright evaluate --json FILE`",
        )  # fmt: skip
    asked = open_model(_there(Path(str(model)), "model"))
    _require_classes(asked, old.class_table, str(model))
    return EarlierPredictions(rows, lambda stem, image: _asked(asked, stem, image), MODEL_SLACK)


def reason(error: SegwrightError) -> str:
    """Why there is nothing to show, in one line."""
    problem = error.problems[0]
    return f"{problem.place}: {problem.rule}"


def _there(path: Path, what: str) -> Path:
    if not path.exists():
        raise ArtefactError.of(
            str(path), f"no longer holds the old {what}", fix="put it back, or run where the path leads to it"
        )
    return path


def _renamings(text: str) -> dict[int, int]:
    """`255=1, 254=0`, as the command line wrote them down."""
    pairs = [pair.partition("=") for pair in text.split(", ") if pair]
    if not all(old.isdigit() and new.isdigit() for old, _, new in pairs):
        raise ArtefactError.of(
            "old evaluation", "has renamings nobody can read", allowed="255=1, 254=0", found=text,
            fix="evaluate the old predictions again",
        )  # fmt: skip
    return {int(old): int(new) for old, _, new in pairs}


def _require_classes(model: AnsweringModel, classes: ClassTable, place: str) -> None:
    if model.classes.content_hash != classes.content_hash:
        raise DataError(
            Problem(
                place, "answers in other classes than were scored: it is another model now",
                classes.describe(), model.classes.describe(), "name the old model's own path",
            )
        )  # fmt: skip


def _asked(model: AnsweringModel, stem: str, image: Image | None) -> LabelMap:
    if image is None:
        raise DataError.of(stem, "has no picture to ask the old model about", fix="name the pictures: --images DIR")
    return model.predict(image, confidence=False).label_map
