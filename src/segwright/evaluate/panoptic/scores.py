"""Panoptic counts -> PQ, SQ and RQ, of each class and their means.

The absent rule: a class with no true positive, false positive or false negative has no score (None) and is in no mean.
A class that is there and never matched has PQ, SQ and RQ 0, and those zeros are in the means, SQ's too: so both
published implementations.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable
from segwright.evaluate.panoptic.counts import CLASS, INTERSECTION, UNION, PanopticRow
from segwright.evaluate.panoptic.matching import Rule
from segwright.evaluate.scores import Score, Scores

QUALITIES = ("pq", "sq", "rq")

# name -> one sentence; `things` and `stuff` follow the kinds of the class table
DEFINITIONS: Mapping[str, str] = {
    "pq": (
        "Panoptic quality: the sum of the IoUs of matched segments over TP + FP/2 + FN/2, over the segments of all "
        "images together; equals sq times rq; overall, the mean over classes."
    ),
    "sq": (
        "Segmentation quality: mean IoU of the matched segments; 0 for a class that is there and never matched; "
        "overall, the mean over classes."
    ),
    "rq": "Recognition quality: TP over TP + FP/2 + FN/2, the F1 of the segments; overall, the mean over classes.",
    "things": "pq_things, sq_things, rq_things: the mean over the classes of kind thing alone.",
    "stuff": "pq_stuff, sq_stuff, rq_stuff: the mean over the classes of kind stuff alone.",
    "tp": "Segments matched: predicted and true, of one class, with an IoU above 0.5.",
    "fp": "Predicted segments without a match that the void rule does not forgive.",
    "fn": "True segments without a match; crowd segments are not counted.",
    "absent": "A class with no tp, fp or fn is null and in no mean; a class that is there and never matched is 0.",
}

RULE_DEFINITIONS: Mapping[Rule, str] = {
    "coco": (
        "Void rule of COCO: predicted pixels on void truth are in no union; a predicted segment with more than half of "
        "its pixels on void or on the crowd of its class is no false positive."
    ),
    "bdd100k": (
        "Void rule of BDD100K: predicted pixels on void truth are in the union; a predicted segment with more than "
        "half of its pixels off every true segment that counts is no false positive."
    ),
}


def score_panoptic_rows(frames: Sequence[PanopticRow], classes: ClassTable) -> Scores:
    """The scores of the frames, in no matter which order they were counted; ratios are 0..1.

    A class's row has `pq`, `sq`, `rq` and its counts `tp`, `fp`, `fn`. Sums of IoUs are rounded once (`math.fsum`), so
    that every order gives the same number.
    """
    rows = dict(zip(classes.names, _class_rows(frames, classes.ids), strict=True))
    overall: dict[str, Score] = {name: _mean(row[name] for row in rows.values()) for name in QUALITIES}
    for part, kind in (("things", "thing"), ("stuff", "stuff")):
        names = [spec.name for spec in classes if spec.kind == kind]
        overall |= {f"{name}_{part}": _mean(rows[each][name] for each in names) for name in QUALITIES}
    return Scores(len(frames), overall, rows)


def frame_pq(row: PanopticRow) -> Score:
    """The mean PQ of the classes in one frame; None where no segment counts."""
    there = np.unique(np.concatenate([part[:, CLASS] for part in (row.matched, row.missed, row.invented)]))
    return _mean(each["pq"] for each in _class_rows([row], there.tolist()))


def frame_sums(row: PanopticRow) -> dict[str, list[float]]:
    """Of each class in one frame, by its id as text: the sum of the IoUs of its matches, then tp, fp and fn."""
    there = np.unique(np.concatenate([part[:, CLASS] for part in (row.matched, row.missed, row.invented)])).tolist()
    sums: dict[str, list[float]] = {}
    for class_id in there:
        matched = row.matched[row.matched[:, CLASS] == class_id]
        iou = math.fsum((matched[:, INTERSECTION] / matched[:, UNION]).tolist())
        counts = (int((part[:, CLASS] == class_id).sum()) for part in (row.invented, row.missed))
        sums[str(class_id)] = [iou, len(matched), *counts]
    return sums


def _class_rows(frames: Sequence[PanopticRow], class_ids: Sequence[int]) -> list[dict[str, Score]]:
    """Qualities and counts of each of `class_ids`, ascending."""
    matched, missed, invented = (
        _stacked([getattr(row, name) for row in frames], columns)
        for name, columns in (("matched", 5), ("missed", 2), ("invented", 2))
    )
    matched = matched[np.argsort(matched[:, CLASS], kind="stable")]
    iou = (matched[:, INTERSECTION] / matched[:, UNION]).tolist()
    tp, fp, fn = (_of_each(part[:, CLASS], class_ids) for part in (matched, invented, missed))
    first = np.searchsorted(matched[:, CLASS], class_ids).tolist()
    return [
        _qualities(iou[start : start + found], invented_too, missed_too)
        for start, found, invented_too, missed_too in zip(first, tp, fp, fn, strict=True)
    ]


def _of_each(found: npt.NDArray[np.int64], class_ids: Sequence[int]) -> list[int]:
    ids = np.sort(found)
    return (np.searchsorted(ids, class_ids, side="right") - np.searchsorted(ids, class_ids)).tolist()


def _qualities(iou: Sequence[float], fp: int, fn: int) -> dict[str, Score]:
    tp, total = len(iou), math.fsum(iou)
    counts: dict[str, Score] = {"tp": tp, "fp": fp, "fn": fn}
    if tp + fp + fn == 0:
        return {**dict.fromkeys(QUALITIES), **counts}
    denominator = tp + fp / 2 + fn / 2
    return {"pq": total / denominator, "sq": total / tp if tp else 0.0, "rq": tp / denominator, **counts}


def _stacked(parts: Sequence[npt.NDArray[np.int64]], columns: int) -> npt.NDArray[np.int64]:
    return np.concatenate([np.empty((0, columns), np.int64), *parts])


def _mean(scores: Iterable[Score]) -> Score:
    present = [score for score in scores if score is not None]
    return math.fsum(present) / len(present) if present else None
