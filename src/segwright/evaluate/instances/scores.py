"""Counts -> AP and AR. Every score of the instance task, its name and its definition.

The absent rule, everywhere: a class without a truth that counts has no score (None, -1 in COCO's tables) and is in no
mean, also where it was detected; its detections are false, but there is no recall to hold them against.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.evaluate.instances.counts import InstanceCounts
from segwright.evaluate.instances.curves import Accumulated, accumulate
from segwright.evaluate.instances.rules import (
    AP50,
    AP75,
    AREA_RANGES,
    FREQUENCIES,
    KINDS,
    RECALL_THRESHOLDS,
    Kind,
    Rule,
)
from segwright.evaluate.scores import Score, Scores

# the part of a name after `mask_`, `box_` or `boundary_` -> one sentence; N is a number of detections
DEFINITIONS: Mapping[str, str] = {
    "ap": (
        "Average precision: precision at 101 recalls (the best at that recall or more, 0 where it is not reached), "
        "mean over these, over the IoU thresholds 0.50, 0.55, .. 0.95 and over the classes with a truth that counts."
    ),
    "ap50": "Average precision at the IoU threshold 0.50 alone.",
    "ap75": "Average precision at the IoU threshold 0.75 alone.",
    "ap_small": "Average precision of truths of at most 32 x 32 px.",
    "ap_medium": "Average precision of truths of 32 x 32 to 96 x 96 px.",
    "ap_large": "Average precision of truths of at least 96 x 96 px.",
    "ar@N": (
        "Average recall: share of truths found with at most N detections of a class in an image, mean over the IoU "
        "thresholds 0.50, 0.55, .. 0.95 and over the classes with a truth that counts."
    ),
    "ar_small": "Average recall, with as many detections as are scored, of truths of at most 32 x 32 px.",
    "ar_medium": "Average recall, with as many detections as are scored, of truths of 32 x 32 to 96 x 96 px.",
    "ar_large": "Average recall, with as many detections as are scored, of truths of at least 96 x 96 px.",
    "ap_rare": "Average precision over the classes with fewer than 10 training images (LVIS).",
    "ap_common": "Average precision over the classes with 10 to 99 training images (LVIS).",
    "ap_frequent": "Average precision over the classes with 100 training images or more (LVIS).",
}
COUNT_DEFINITIONS: Mapping[str, str] = {
    "truths": "True objects of the class that count: crowds and ignored ones are left out.",
    "images": "Number of images; for a class, the images with a truth of it that counts.",
}
ABSENT = "A class without a truth that counts has no score (null) and is in no mean, detected or not."


def score_instances(counts: InstanceCounts, *, frequency: Mapping[str, str] | None = None) -> Scores:
    """AP and AR of the counts, overall and by class, 0..1; None where absent.

    The same numbers as COCOeval's (rule `coco`) or LVISEval's (rule `lvis`), whatever the frames' order or sharding.
    `frequency` is class name -> `r`, `c` or `f`; with it the means of LVIS's three groups are among the scores.
    Source: `summarize` of pycocotools.cocoeval and of lvis-dataset/lvis-api
    (tests/evaluate/instances compares with pycocotools and faster-coco-eval).
    """
    return scores_of({kind: accumulate(counts, kind) for kind in counts.kinds}, counts, frequency)


def scores_of(
    curves: Mapping[Kind, Accumulated], counts: InstanceCounts, frequency: Mapping[str, str] | None = None
) -> Scores:
    """What `score_instances` gives, from curves that are there already."""
    everyone = np.arange(len(counts.classes))
    overall: dict[str, Score] = {}
    for kind, curve in curves.items():
        overall |= _scores(kind, curve, counts.rule, everyone)
        for letter, word in FREQUENCIES.items() if frequency else ():
            group = [channel for channel, name in enumerate(counts.classes.names) if (frequency or {})[name] == letter]
            overall[f"{kind}_ap_{word}"] = _mean(curve.precision[:, :, group, 0, -1])
    images = _images(counts)
    truths = next(iter(curves.values())).truths[:, 0]
    classes = {
        name: {key: score for kind, curve in curves.items() for key, score in
               _scores(kind, curve, counts.rule, everyone[channel : channel + 1]).items()}
        | {"truths": int(truths[channel]), "images": int(images[channel])}
        for channel, name in enumerate(counts.classes.names)
    }  # fmt: skip
    return Scores(len(counts.frames), overall, classes)


def definitions_of(names: Iterable[str]) -> dict[str, str]:
    """Score name -> one sentence, and the absent rule; names of other rooms are left out."""
    found: dict[str, str] = {}
    for name in names:
        kind, _, rest = name.partition("_")
        key = "ar@N" if rest.startswith("ar@") else rest
        if kind in KINDS and key in DEFINITIONS:
            sentence = DEFINITIONS[key].replace("at most N", f"at most {rest.partition('@')[2]}")
            found[name] = f"{sentence} IoU of {KINDS[kind]}."
        elif name in COUNT_DEFINITIONS:
            found[name] = COUNT_DEFINITIONS[name]
    return {**found, "absent": ABSENT}


def precision_recall(curve: Accumulated, names: Iterable[str]) -> dict[str, dict[str, Any] | None]:
    """Class -> its curve at IoU 0.5, all areas: `recall`, `precision` and `score` as lists; None for an absent class.

    `score` is that of the last detection taken to reach the recall, 0 where the recall is not reached.
    """
    return {
        name: {
            "recall": RECALL_THRESHOLDS.round(2).tolist(),
            "precision": curve.precision[AP50, :, channel, 0, -1].tolist(),
            "score": curve.score[AP50, :, channel, 0, -1].tolist(),
        }
        if curve.truths[channel, 0]
        else None
        for channel, name in enumerate(names)
    }


def _scores(kind: Kind, curve: Accumulated, rule: Rule, channels: npt.NDArray) -> dict[str, Score]:
    """The scores of some classes together."""
    precision, recall = curve.precision[:, :, channels], curve.recall[:, channels]
    ranges = [(area, position) for position, area in enumerate(AREA_RANGES) if area != "all"]
    parts = {
        "ap": precision[:, :, :, 0, -1],
        "ap50": precision[[AP50]][:, :, :, 0, -1],
        "ap75": precision[[AP75]][:, :, :, 0, -1],
        **{f"ap_{area}": precision[:, :, :, position, -1] for area, position in ranges},
        **{f"ar@{most}": recall[:, :, 0, position] for position, most in enumerate(rule.most_detections)},
        **{f"ar_{area}": recall[:, :, position, -1] for area, position in ranges},
    }
    return {f"{kind}_{name}": _mean(values) for name, values in parts.items()}


def _mean(values: npt.NDArray[np.float64]) -> Score:
    present = values[~np.isnan(values)]
    return float(np.mean(present)) if present.size else None


def _images(counts: InstanceCounts) -> npt.NDArray[np.int64]:
    """Images with a truth of each class that counts (classes,)."""
    images = np.zeros(len(counts.classes), dtype=np.int64)
    for frame in counts.frames:
        row = frame.kinds[counts.kinds[0]]
        images[np.unique(row.truth_channel[row.truth_counted[:, 0]])] += 1
    return images
