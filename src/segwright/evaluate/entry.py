"""`evaluate`: the one function for every form that predictions and truth come in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, ConfigError, DataError, LabelMap, Listener, Note, silent
from segwright.data import Dataset
from segwright.evaluate.counts import FramePair
from segwright.evaluate.evaluation import no_frame_to_score, score_frames, with_reliability
from segwright.evaluate.pairs import PredictedPairs, StoredPairs, pair_up
from segwright.evaluate.result import Evaluation
from segwright.evaluate.seen_frames import refuse_seen_frames
from segwright.evaluate.sources import DatasetLabels, LabelSource, open_source
from segwright.infer import Predictor, SemanticPrediction
from segwright.infer.bundle import read_bundle

Labels = LabelMap | SemanticPrediction | npt.NDArray[np.integer]
Predictions = str | Path | Predictor | Labels | Mapping[str, Labels] | Iterable[Labels]
Truth = str | Path | Dataset | Labels | Mapping[str, Labels] | Iterable[Labels]


def evaluate(
    predictions: Predictions,
    truth: Truth,
    *,
    classes: ClassTable | Sequence[str] | None = None,
    boundary_px: Sequence[int] = (3,),
    also: Sequence[str] = (),
    mapping: Mapping[int, int] | None = None,
    listener: Listener = silent,
) -> Evaluation:
    """Scores of `predictions` against `truth`, at the truth's native size; nothing is resized.

    Both are paths (a mask file, a folder of masks, a prediction folder, a dataset), or both are label maps (one, a
    mapping by stem, or any iterable in the same order). `truth` may be a `Dataset`, and `predictions` then also a
    `Predictor` or the path of a bundle. Arrays (height, width) of class ids need `classes`: a table, or names for the
    ids 0, 1, 2, ... For paths `mapping` renames values in the masks first. `also` names further scores, which take more
    time: surface (nsd@K, hd95, assd), cldice, components; `surface@1,2.5` has other tolerances. Void truth changes
    nothing; a void prediction is a missed pixel.

        >>> import numpy as np
        >>> truth = np.array([[0, 0, 1, 1]], np.uint8)
        >>> prediction = np.array([[0, 1, 1, 1]], np.uint8)
        >>> evaluate(prediction, truth, classes=["background", "scratch"]).classes["scratch"]["recall"]
        1.0

    Raises:
        DataError: frames without prediction, masks that cannot be read, other sizes, other classes; all at once.
        ConfigError: no class table where one is needed; a bundle asked about all the frames it was trained with.
        ArtefactError: a bundle that is damaged.
    """
    table = ClassTable.of(classes) if classes is not None and not isinstance(classes, ClassTable) else classes
    model = _model(predictions, truth, table)
    if model is not None:
        return evaluate_predicted(model, boundary_px=boundary_px, also=also, listener=listener)
    if isinstance(predictions, str | Path):
        stored = _stored_pairs(predictions, truth, table, mapping)
        return evaluate_stored(stored, boundary_px=boundary_px, also=also, listener=listener)
    first, frames = _first_and_all(_pairs_in_memory(predictions, truth, table))
    return score_frames(frames, first.truth.classes, boundary_px=boundary_px, also=also, listener=listener)


def evaluate_stored(
    pairs: StoredPairs,
    *,
    boundary_px: Sequence[int] = (3,),
    also: Sequence[str] = (),
    listener: Listener = silent,
    provenance: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Scores of stored predictions. Raises DataError with everything that cannot be read or compared."""
    for note in pairs.notes:
        listener(Note("evaluate", note, "warning"))
    known = {"predictions": pairs.predictions.place, "dataset": pairs.truth.place, **(provenance or {})}
    result = score_frames(pairs, pairs.classes, boundary_px=boundary_px, also=also, listener=listener, provenance=known)
    return replace(result, notes=(*pairs.notes, *result.notes))


def evaluate_predicted(
    pairs: PredictedPairs,
    *,
    boundary_px: Sequence[int] = (3,),
    also: Sequence[str] = (),
    listener: Listener = silent,
    provenance: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Scores of what a model says about the labelled frames of a dataset, with the reliability of its probabilities.

    Raises:
        DataError: frames that cannot be read, all of them; no labelled frame.
    """
    for note in pairs.notes:
        listener(Note("evaluate", note, "warning"))
    known = {"dataset": str(pairs.dataset.root), **(provenance or {})}
    result = score_frames(
        pairs, pairs.dataset.classes, boundary_px=boundary_px, also=also, listener=listener, provenance=known
    )
    return with_reliability(replace(result, notes=(*pairs.notes, *result.notes)), pairs.reliability)


def _model(predictions: Predictions, truth: Truth, classes: ClassTable | None) -> PredictedPairs | None:
    """The pairs where a bundle or a predictor is asked; None for predictions that are there already."""
    if isinstance(predictions, str | Path) and (Path(predictions) / "bundle.json").is_file():
        return _of_bundle(Path(predictions), truth, classes)
    if isinstance(predictions, Predictor):
        return PredictedPairs(predictions, _dataset(truth, classes or predictions.classes))
    return None


def _of_bundle(path: Path, truth: Truth, classes: ClassTable | None) -> PredictedPairs:
    """The model of a bundle beside the frames it is asked about, which are not all those it was trained with."""
    from segwright.infer.loading import semantic_predictor

    bundle = read_bundle(path)
    dataset = _dataset(truth, classes or bundle.classes)
    if dataset.shows_images_of(bundle.lineage.dataset_hash):
        raise ConfigError.of(
            "truth", "is every frame of the data the model was trained with, and a score over them all says nothing",
            allowed="a held-out part of it, or other frames", found=f"{len(dataset)} frames at {dataset.root}",
            fix="dataset.only(segwright.data.read_split('split.json').stems('validation'))",
        )  # fmt: skip
    fix = "dataset.only(segwright.data.read_split('split.json').stems('validation')), or leave these frames out"
    refuse_seen_frames(dataset, bundle.lineage.train_frames, place="truth", fix=fix)
    return PredictedPairs(semantic_predictor(bundle), dataset)


def _stored_pairs(
    predictions: str | Path, truth: Truth, classes: ClassTable | None, mapping: Mapping[int, int] | None
) -> StoredPairs:
    if not isinstance(truth, str | Path | Dataset):
        raise ConfigError.of(
            "truth", "must be a path or a dataset, as the predictions are a path",
            allowed="a path or a Dataset", found=type(truth).__name__, fix="pass both as paths, or both as label maps",
        )  # fmt: skip
    return pair_up(_source(predictions, classes, mapping), _source(truth, classes, mapping), classes)


def _dataset(truth: Truth, classes: ClassTable | None) -> Dataset:
    if isinstance(truth, Dataset):
        return truth
    if isinstance(truth, str | Path):
        from segwright.data import open_dataset

        return open_dataset(truth, classes=classes)
    raise ConfigError.of(
        "truth", "must be a dataset: a model is asked for predictions", allowed="a path or a Dataset",
        found=type(truth).__name__, fix="segwright.open_dataset(FOLDER)",
    )  # fmt: skip


def _source(value: str | Path | Dataset, classes: ClassTable | None, mapping: Mapping[int, int] | None) -> LabelSource:
    return DatasetLabels(value) if isinstance(value, Dataset) else open_source(Path(value), classes, mapping or {})


def _pairs_in_memory(predictions: Any, truth: Any, classes: ClassTable | None) -> Iterator[FramePair]:
    """Pairs of label maps that are in memory, or come one by one from an iterable."""
    if isinstance(predictions, Mapping) and isinstance(truth, Mapping):
        missing = set(truth) - set(predictions)
        if missing:
            listed = ", ".join(sorted(map(str, missing))[:8])
            raise DataError.of(
                "predictions",
                f"lack {len(missing)} of {len(truth)} frames",
                found=f"missing: {listed}",
                fix="predict the missing frames too, or score only the frames there are predictions for",
            )
        rows = ((str(stem), predictions[stem], truth[stem]) for stem in truth)
    else:
        one = isinstance(truth, LabelMap | SemanticPrediction | np.ndarray)
        pairs = [(predictions, truth)] if one else zip(predictions, truth, strict=True)
        rows = ((f"{index:06d}", *pair) for index, pair in enumerate(pairs))
    for stem, prediction, true in rows:
        labels = _label_map(true, classes)
        yield FramePair(stem, _label_map(prediction, labels.classes), labels)


def _label_map(value: Labels, classes: ClassTable | None) -> LabelMap:
    if isinstance(value, SemanticPrediction):
        return value.label_map
    if isinstance(value, LabelMap):
        return value
    if classes is None:
        raise ConfigError.of(
            "classes",
            "are needed to read an array of ids",
            allowed="classes=[names] or a ClassTable",
            found="none",
            fix='evaluate(predictions, truth, classes=["background", "scratch"])',
        )
    array = np.asarray(value)
    if array.dtype.kind not in "iu" or array.ndim != 2 or (array.size and (array.min() < 0 or array.max() > 65535)):
        found = f"{array.dtype} of shape {array.shape}"
        raise DataError.of(
            "label array",
            "does not hold class ids",
            allowed="whole numbers 0-65535, (height, width)",
            found=found,
            fix="pass class ids, not probabilities or colours: argmax over the class axis gives them",
        )
    return LabelMap(array.astype(np.uint16 if max(classes.void_id, *classes.ids) > 255 else _narrowest(array)), classes)


def _narrowest(array: npt.NDArray) -> npt.DTypeLike:
    """uint8 where every value fits; else uint16, so that an unknown id is named instead of wrapped."""
    return np.uint8 if not array.size or array.max() <= 255 else np.uint16


def _first_and_all(frames: Iterator[FramePair]) -> tuple[FramePair, Iterator[FramePair]]:
    """The first pair, which knows the classes, and every pair including it."""
    first = next(frames, None)
    if first is None:
        raise no_frame_to_score()
    return first, chain([first], frames)
