"""Label volumes beside their truth -> the scores of masks, of voxels and of surfaces in mm, by class and by case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from segwright.core import ClassTable, LabelMap, Listener, Note, Progress, silent
from segwright.evaluate.boundary import count_boundaries
from segwright.evaluate.cldice import count_volume_cldice
from segwright.evaluate.counts import Counts, PixelCounts, count_pixels
from segwright.evaluate.domains import NO_COLUMNS, ColumnSource
from segwright.evaluate.evaluation import summarise
from segwright.evaluate.frame_counts import FrameCounts
from segwright.evaluate.further import further
from segwright.evaluate.packed import CORRECT, PREDICTED, TRUTH
from segwright.evaluate.ratios import Score, mean, ratio, score
from segwright.evaluate.result import Evaluation
from segwright.evaluate.surface import count_volume_surfaces
from segwright.evaluate.surface.count import TOLERANCES
from segwright.evaluate.volume_pairs import VolumeFiles, VolumePair, VolumePairs, pair_volumes

FAMILIES = ("cldice", "surface")
DEFINITIONS: Mapping[str, str] = {
    "mean_case_dice": (
        "Mean of the class's Dice of single cases, over the cases where it is in truth or prediction; overall, the "
        "mean over foreground classes."
    ),
}
_WORDS = {"Pixels": "Voxels", "pixels": "voxels", "pixel": "voxel", "Images": "Cases", "images": "cases",
          "image": "case"}  # fmt: skip


def evaluate_volumes(
    predictions: Path | str,
    truth: Path | str,
    *,
    classes: ClassTable | None = None,
    tolerances_mm: Sequence[float] = TOLERANCES,
    columns: ColumnSource = NO_COLUMNS,
    listener: Listener = silent,
) -> Evaluation:
    """The scores of NIfTI label volumes against their truth: IoU and Dice of voxels, surfaces in mm, centrelines.

    Both are a file or a folder of .nii or .nii.gz, matched by name. Distances are in mm, by the voxel size of each
    truth's header. `details` has, under `cases`, every score of every class in each case. Void truth changes nothing;
    a void prediction is a missed voxel. `classes` None takes the table that lies with the files, else their ids.

    Raises:
        DependencyMissing: nibabel is not installed.
        DataError: cases without prediction, volumes that cannot be read, of another shape or affine; all at once.
        ConfigError: no class table, and the ids do not tell what they mean; a tolerance that is no length.
    """
    true = VolumeFiles.open(Path(truth))
    described, notes = columns.of(list(true.files), true.place)
    pairs = pair_volumes(VolumeFiles.open(Path(predictions)), true, classes, described)
    result = evaluate_volume_pairs(pairs, tolerances_mm=tolerances_mm, listener=listener)
    return replace(result, notes=(*result.notes, *notes))


def evaluate_volume_pairs(
    pairs: VolumePairs, *, tolerances_mm: Sequence[float] = TOLERANCES, listener: Listener = silent
) -> Evaluation:
    """What `evaluate_volumes` gives, of sides that were opened before."""
    for note in pairs.notes:
        listener(Note("evaluate", note, "warning"))
    counts, cases = _counted(pairs, pairs.classes, tolerances_mm, listener, len(pairs))
    known = {"predictions": pairs.predictions.place, "dataset": pairs.truth.place}
    found = summarise(counts, listener=listener, provenance=known)
    by_case = _mean_case_dice(counts)
    classes = {name: {**row, "mean_case_dice": by_case[name]} for name, row in found.classes.items()}
    foreground = [value for spec in pairs.classes.foreground if (value := by_case[spec.name]) is not None]
    scores = {name: value for name, value in found.scores.items() if name != "pixel_accuracy"}
    scores |= {
        "mean_case_dice": sum(foreground) / len(foreground) if foreground else None,
        "pixel_accuracy": found.scores["pixel_accuracy"],
    }
    definitions = {name: _of_voxels(text) for name, text in found.definitions.items()}
    return replace(
        found, task="volume", scores=scores, classes=classes, definitions={**definitions, **DEFINITIONS},
        details={**found.details, "cases": cases}, notes=(*pairs.notes, *found.notes),
    )  # fmt: skip


def _counted(
    pairs: Iterable[VolumePair], classes: ClassTable, tolerances: Sequence[float], listener: Listener, total: int
) -> tuple[Counts, list[dict[str, Any]]]:
    """The counts of all cases, and the scores of each."""
    voxels, rows, cases = PixelCounts.none(classes), [], []
    for done, pair in enumerate(pairs, start=1):
        own, row = _count(pair, classes, tolerances)
        voxels += own
        rows.append(row)
        cases.append(_case(pair, row, classes))
        listener(Progress("evaluate", done, max(total, done)))
    return Counts(classes, (), voxels, tuple(rows), FAMILIES), sorted(cases, key=lambda case: case["stem"])


def _count(pair: VolumePair, classes: ClassTable, tolerances: Sequence[float]) -> tuple[PixelCounts, FrameCounts]:
    ids = pair.prediction.ids, pair.truth.ids
    prediction, truth = (LabelMap(each.reshape(-1, each.shape[-1]), classes) for each in ids)
    voxels = count_pixels(prediction, truth)
    spacing = pair.truth.spacing_mm
    surfaces = count_volume_surfaces(*ids, classes, tolerances_mm=tolerances, spacing_mm=spacing, stem=pair.stem)
    row = FrameCounts(
        pair.stem,
        dict(pair.columns),
        voxels.correct_px.copy(),
        voxels.truth_px,
        voxels.predicted_px,
        voxels.void_px,
        count_boundaries(prediction, truth, boundary_px=()),
        np.zeros((3, len(classes)), np.int64),
        {"surface": surfaces, "cldice": count_volume_cldice(*ids, classes)},
    )
    return voxels, row


def _case(pair: VolumePair, row: FrameCounts, classes: ClassTable) -> dict[str, Any]:
    """Every score of every class in one case; None where absent."""
    iou = ratio(row.correct_px, row.truth_px + row.predicted_px - row.correct_px)
    dice = ratio(2 * row.correct_px, row.truth_px + row.predicted_px)
    scores: dict[str, dict[str, Score]] = {
        spec.name: {"iou": score(iou[channel]), "dice": score(dice[channel])} for channel, spec in enumerate(classes)
    }
    for family in ("surface", "cldice"):
        for name, found in further(family).by_class(row.further[family]).items():
            scores[name] |= found
    return {
        "stem": pair.stem,
        "columns": dict(pair.columns),
        "shape": list(pair.truth.ids.shape),
        "spacing_mm": list(pair.truth.spacing_mm),
        "classes": scores,
    }


def _mean_case_dice(counts: Counts) -> dict[str, Score]:
    correct, truth, predicted = (counts.packed.table(row) for row in (CORRECT, TRUTH, PREDICTED))
    means = mean(ratio(2 * correct, truth + predicted), axis=0)
    return {spec.name: score(means[channel]) for channel, spec in enumerate(counts.classes)}


def _of_voxels(text: str) -> str:
    """A definition as it reads of volumes; names of scores stay."""
    return re.sub(r"(?<![\w@])(?:Pixels|pixels|pixel|Images|images|image)(?![\w@])", lambda word: _WORDS[word[0]], text)


def volume_slices(evaluation: Evaluation, pairs: VolumePairs, count: int) -> Iterable[tuple[VolumePair, int, int]]:
    """The `count` worst cases: each with the axis and the slice across it that holds the most wrong voxels.

    Raises:
        DataError: a case that can no longer be read.
    """
    for row in evaluation.worst_frames(count):
        pair = pairs.pair(row.stem)
        wrong = (pair.prediction.ids != pair.truth.ids) & (pair.truth.ids != evaluation.class_table.void_id)
        # across the axis of the widest spacing, the last of equals: that is the plane in which people drew
        axis = 2 - int(np.argmax(pair.truth.spacing_mm[::-1]))
        others = tuple(each for each in range(3) if each != axis)
        yield pair, axis, int(wrong.sum(axis=others).argmax())
