"""Both published counts, written out one pair of masks at a time; slow on purpose."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import NamedTuple

from segwright.evaluate.panoptic import PanopticFrame

Lists = tuple[list, list, list]  # matched (class, true, predicted, IoU), missed, invented (class, segment)


class Quality(NamedTuple):
    pq: float
    sq: float
    rq: float


def coco(prediction: PanopticFrame, truth: PanopticFrame) -> Lists:
    """panopticapi's `pq_compute_single_core`."""
    void = truth.ids == 0
    matched = []
    for true_id, true in truth.segments.items():
        for predicted_id, predicted in prediction.segments.items():
            if true.is_crowd or true.class_id != predicted.class_id:
                continue
            one, other = truth.ids == true_id, prediction.ids == predicted_id
            union = (one | other) & ~(other & void)
            iou = (one & other).sum() / union.sum()
            if iou > 0.5:
                matched.append((true.class_id, true_id, predicted_id, iou))
    found = {row[1] for row in matched}, {row[2] for row in matched}
    missed = [
        (each.class_id, true_id)
        for true_id, each in truth.segments.items()
        if true_id not in found[0] and not each.is_crowd
    ]
    crowds = {each.class_id: true_id for true_id, each in truth.segments.items() if each.is_crowd}
    invented = []
    for predicted_id, each in prediction.segments.items():
        mask = prediction.ids == predicted_id
        ignored = (mask & void).sum()
        if each.class_id in crowds:
            ignored += (mask & (truth.ids == crowds[each.class_id])).sum()
        if predicted_id not in found[1] and not ignored / mask.sum() > 0.5:
            invented.append((each.class_id, predicted_id))
    return matched, missed, invented


def bdd100k(prediction: PanopticFrame, truth: PanopticFrame) -> Lists:
    """BDD100K's `pq_per_image`, with exact fractions where it adds up shares of a prediction."""
    matched, missed, invented = [], [], []
    for true_id, true in truth.segments.items():
        if true.is_crowd:
            continue
        best, partner = 0.0, None
        for predicted_id, predicted in prediction.segments.items():
            one, other = truth.ids == true_id, prediction.ids == predicted_id
            iou = (one & other).sum() / (one | other).sum() if true.class_id == predicted.class_id else 0.0
            if iou > best:
                best, partner = iou, predicted_id
        if partner is None or best <= 0.5 or prediction.segments[partner].is_crowd:
            missed.append((true.class_id, true_id))
        else:
            matched.append((true.class_id, true_id, partner, best))
    found = {row[2] for row in matched}
    for predicted_id, each in prediction.segments.items():
        mask = prediction.ids == predicted_id
        shares = (
            Fraction(int((mask & (truth.ids == true_id)).sum()), int(mask.sum()))
            for true_id, true in truth.segments.items()
            if not true.is_crowd
        )
        if not each.is_crowd and predicted_id not in found and not 1 - sum(shares) > Fraction(1, 2):
            invented.append((each.class_id, predicted_id))
    return matched, missed, invented


def qualities(frames: list[Lists]) -> dict[int, Quality]:
    """PQ, SQ and RQ of each class that is there, summed one after the other."""
    counts: dict[int, list[float]] = defaultdict(lambda: [0.0, 0, 0, 0])
    for matched, missed, invented in frames:
        for row in matched:
            counts[row[0]][0] += row[3]
            counts[row[0]][1] += 1
        for class_id, _ in invented:
            counts[class_id][2] += 1
        for class_id, _ in missed:
            counts[class_id][3] += 1
    return {
        class_id: Quality(iou / (tp + 0.5 * fp + 0.5 * fn), iou / tp if tp else 0.0, tp / (tp + 0.5 * fp + 0.5 * fn))
        for class_id, (iou, tp, fp, fn) in counts.items()
    }
