"""Counts -> scores. Every ratio of the semantic task, its name, its averaging rule and its definition.

The absent rule, everywhere: a class that is in neither the truth nor the prediction has no score (None) and is in no
mean. A class that is predicted but nowhere in the truth has IoU 0, and that 0 is in the mean: painting a defect that
does not exist is an error, not an absence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable
from segwright.evaluate.frame_counts import FrameCounts
from segwright.evaluate.further import added, further
from segwright.evaluate.packed import CORRECT, PREDICTED, TRUTH, PackedFrames
from segwright.evaluate.pooled import POOLED_DEFINITIONS, frequency_weighted_iou, mean_accuracy
from segwright.evaluate.ratios import Score, mean, ratio, score
from segwright.evaluate.reliability import CLASSWISE_DEFINITIONS

# name -> one sentence; `boundary_f@K` stands for every distance K that was counted
DEFINITIONS: Mapping[str, str] = {
    "pooled_miou": (
        "Mean over classes of IoU, each IoU computed once over the pixels of all images together; a class in neither "
        "truth nor prediction is left out, a class predicted but never true counts as 0."
    ),
    "pooled_miou_foreground": "pooled_miou without the background class.",
    "mean_image_miou": (
        "Mean over images of the mean IoU of the classes in that image's truth or prediction; images of only void are "
        "left out."
    ),
    "iou": (
        "Pixels in truth and prediction over pixels in truth or prediction, over the pixels of all images together "
        "(pooled)."
    ),
    "mean_image_iou": ("Mean of the class's IoU of single images, over the images where it is in truth or prediction."),
    "dice": (
        "Twice the pixels in truth and prediction over the sum of both areas, pooled over all images; equals 2 IoU / "
        "(1 + IoU) and pixel F1."
    ),
    "precision": (
        "Share of the pixels predicted as the class that are the class, pooled; null where it is never predicted."
    ),
    "recall": "Share of the pixels of the class that are predicted as it, pooled; null where it is never true.",
    "boundary_f@K": (
        "F of precision and recall of the outlines, an outline pixel matched when the other outline is within K px "
        "(DAVIS definition); mean over the images where the class is in truth or prediction; overall, the mean over "
        "foreground classes."
    ),
    "boundary_precision@K": (
        "Share of the predicted outline within K px of the true one (DAVIS definition; 1 where none is predicted); "
        "mean over the images where the class is in truth or prediction."
    ),
    "boundary_recall@K": (
        "Share of the true outline within K px of the predicted one (DAVIS definition; 1 where there is none); "
        "mean over the images where the class is in truth or prediction."
    ),
    "boundary_iou": (
        "IoU of the pixels within 2 % of the frame's diagonal of their own region's outline or of the frame's edge "
        "(Cheng et al. 2021), pooled over all images; overall, the mean over foreground classes."
    ),
    "truth_px": "Pixels of the class in the truth.",
    "predicted_px": "Pixels predicted as the class where the truth is not void.",
    "images": "Number of images; for a class, the images whose truth has it.",
    "ece": (
        "Expected calibration error: mean gap between the largest probability and the share of pixels where its class "
        "is right, over 15 confidence bins weighted by pixels, before thresholds and cleanup; void pixels left out. Of "
        "a class: the same of its own probability and the share of pixels that are the class (Kull et al. 2019)."
    ),
    "brier": (
        "Mean over valid pixels of the squared distance between the predicted probabilities and the true class (0 "
        "best, 2 worst). Of a class: its own part, 0 to 1; the parts of all classes add up to the whole."
    ),
    **CLASSWISE_DEFINITIONS,
    **POOLED_DEFINITIONS,
    "pixel_accuracy": (
        "Share of valid pixels with the right class, pooled. MISLEADING on imbalanced classes: painting background "
        "everywhere scores the background's share."
    ),
    "void": (
        "Pixels whose truth is void are in no score, whatever the prediction says there; a void prediction is a "
        "missed pixel of its true class."
    ),
}


# boundary scores with a mean over the foreground classes among the overall scores
OVERALL = ("boundary_f@", "boundary_iou")


@dataclass(frozen=True)
class Scores:
    """Scores of one set of frames: overall, and for each class. `images` is how many frames they come from.

    `pixel_accuracy` is the last of `overall`, because it misleads.
    """

    images: int
    overall: Mapping[str, Score]
    classes: Mapping[str, Mapping[str, Score]]

    def to_json(self) -> dict[str, Any]:
        """A domain's row in `evaluation.json`."""
        rows = {name: dict(row) for name, row in self.classes.items()}
        return {"images": self.images, **self.overall, "classes": rows}


def score_counts(frames: Sequence[FrameCounts], classes: ClassTable, boundary_px: tuple[int, ...]) -> Scores:
    """The scores of the frames counted in `frames`, in no matter which order they were counted."""
    packed = PackedFrames.of(frames)
    ordered = packed.taken(sorted(range(len(packed)), key=packed.stems.__getitem__))
    correct, truth, predicted = (
        ordered.table(row).reshape(len(ordered), len(classes)) for row in (CORRECT, TRUTH, PREDICTED)
    )
    image_iou = ratio(correct, truth + predicted - correct)
    columns: dict[str, npt.NDArray] = _pooled_columns(correct.sum(axis=0), truth.sum(axis=0), predicted.sum(axis=0))
    columns["mean_image_iou"] = mean(image_iou, axis=0)
    columns |= _boundary_columns(ordered, boundary_px)
    counts = {"truth_px": truth.sum(axis=0), "predicted_px": predicted.sum(axis=0), "images": (truth > 0).sum(axis=0)}
    per_class = {
        spec.name: {name: score(values[channel]) for name, values in columns.items()}
        | {name: int(values[channel]) for name, values in counts.items()}
        for channel, spec in enumerate(classes)
    }
    more = _further_scores(ordered)
    for name, row in more.classes.items():
        per_class[name] |= row
    foreground = [classes.channel(spec.name) for spec in classes.foreground]
    overall = {
        "pooled_miou": score(mean(columns["iou"])),
        "pooled_miou_foreground": score(mean(columns["iou"][foreground])),
        "mean_image_miou": score(mean(mean(image_iou, axis=1))),
        **{name: score(mean(values[foreground])) for name, values in columns.items() if name.startswith(OVERALL)},
        **more.overall,
        "mean_accuracy": mean_accuracy(correct.sum(axis=0), truth.sum(axis=0)),
        "frequency_weighted_iou": frequency_weighted_iou(
            *(counted.sum(axis=0) for counted in (correct, truth, predicted))
        ),
        "pixel_accuracy": score(ratio(correct.sum(), truth.sum())),
    }
    return Scores(len(ordered), overall, per_class)


def image_scores(row: FrameCounts, classes: ClassTable) -> Mapping[str, Score]:
    """One image's IoU of each class (None where it is in neither map)."""
    iou = ratio(row.correct_px, row.truth_px + row.predicted_px - row.correct_px)
    return {spec.name: score(iou[channel]) for channel, spec in enumerate(classes)}


def definitions_of(names: Sequence[str]) -> dict[str, str]:
    """The definition of each score of `names` (`boundary_f@3` takes that of `boundary_f@K`), and the void rule."""
    return {**_definitions(names, DEFINITIONS), "void": DEFINITIONS["void"]}


def further_definitions(names: Sequence[str], families: Sequence[str]) -> dict[str, str]:
    """The definitions of those scores of `names` that belong to one of the further families."""
    known = {name: text for family in families for name, text in further(family).definitions.items()}
    return _definitions(names, known)


def _definitions(names: Sequence[str], known: Mapping[str, str]) -> dict[str, str]:
    """`nsd@2` takes the definition of `nsd@K`, with K = 2 said."""
    found = {name: known[name] for name in names if name in known}
    for key, text in known.items():
        stem, _, letter = key.partition("@")
        for name in names:
            start, _, value = name.partition("@")
            if letter and value and start == stem:
                said = text.replace(f"{letter} px", f"{value} px")
                found[name] = said if said != text else f"{letter} = {value}: {text}"
    return found


def _further_scores(frames: PackedFrames) -> Scores:
    """What the further families that were counted say of the frames."""
    overall: dict[str, Score] = {}
    classes: dict[str, dict[str, Score]] = {}
    for family in frames.further[0] if len(frames) else ():
        counts, scored = added([row[family] for row in frames.further]), further(family)
        overall |= scored.overall(counts)
        for name, row in scored.by_class(counts).items():
            classes.setdefault(name, {}).update(row)
    return Scores(len(frames), overall, classes)


def _pooled_columns(correct: npt.NDArray, truth: npt.NDArray, predicted: npt.NDArray) -> dict[str, npt.NDArray]:
    return {
        "iou": ratio(correct, truth + predicted - correct),
        "dice": ratio(2 * correct, truth + predicted),
        "precision": ratio(correct, predicted),
        "recall": ratio(correct, truth),
    }


def _boundary_columns(frames: PackedFrames, distances: tuple[int, ...]) -> dict[str, npt.NDArray[np.float64]]:
    """The boundary scores of each class (classes,), by name; none where boundaries were not looked at."""
    columns = {}
    for distance in distances if len(frames) else ():
        precision, recall, f_score = frames.boundary_scores(distance)
        columns[f"boundary_f@{distance}"] = mean(f_score, axis=0)
        columns[f"boundary_precision@{distance}"] = mean(precision, axis=0)
        columns[f"boundary_recall@{distance}"] = mean(recall, axis=0)
    if columns:
        both, near_truth, near_prediction = frames.regions()
        columns["boundary_iou"] = ratio(both, near_truth + near_prediction - both)
    return columns
