"""torchmetrics: `JaccardIndex`, `segmentation.MeanIoU`, `segmentation.DiceScore`.

`JaccardIndex` takes maps of class ids with `ignore_index` set to void. It has no place for an undecided pixel: its
table of classes * classes cells does not fit, and it raises. `MeanIoU` and `DiceScore` know no void; they are handed
one-hot maps in which void pixels are of no class in truth and prediction, and undecided ones in the prediction.

Source: torchmetrics 1.9.0, `functional/classification/jaccard.py` (`_jaccard_index_reduce`),
`segmentation/mean_iou.py` (`MeanIoU.update`, `compute`), `functional/segmentation/dice.py` (`_dice_score_compute`).
Versions 1.5.2, 1.6.3 and 1.7.0 for the older `MeanIoU`, which took an average over updates: of images where each comes
alone. tests/evaluate/reconcile/test_installed.py compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from segwright.evaluate.ratios import Score, ratio, score
from segwright.evaluate.reconcile.convention import Convention, Tallies, mean_present

_JACCARD = "1.9.0, functional/classification/jaccard.py: _jaccard_index_reduce"
_MEAN_IOU = "1.9.0, segmentation/mean_iou.py: MeanIoU"
_OLDER_MEAN_IOU = "1.5 to 1.7, segmentation/mean_iou.py: MeanIoU"
_DICE = "1.9.0, functional/segmentation/dice.py: _dice_score_compute"

_row = partial(Convention, "torchmetrics")


def conventions(tallies: Tallies) -> Iterator[Convention]:
    """The rows of torchmetrics."""
    yield from _jaccard(tallies)
    yield from _mean_iou(tallies)
    yield from _dice(tallies)


def _jaccard(tallies: Tallies) -> Iterator[Convention]:
    correct, union = tallies.correct_px.sum(axis=0), tallies.union_px.sum(axis=0)
    rows: list[tuple[str, Score, str]] = [
        ('JaccardIndex(average="macro")', tallies.ours["pooled_miou"], "equal to pooled_miou")
    ]
    micro = score(ratio(correct.sum(), union.sum())) or 0.0
    reason = "the classes' pixels are added up before the one ratio, so large classes decide it"
    rows.append(('JaccardIndex(average="micro")', micro, tallies.why(micro, reason)))
    weighted = tallies.ours["frequency_weighted_iou"]
    rows.append(('JaccardIndex(average="weighted")', weighted, "equal to frequency_weighted_iou"))
    if tallies.one_object_class:
        binary = float(ratio(correct[1], union[1])) if union[1] else 0.0
        reason = "the IoU of the one foreground class, without the background's; 0 where there is none of it"
        rows.append(('JaccardIndex(task="binary")', binary, tallies.why(binary, reason)))
    refused = f"raises: {tallies.undecided_px} undecided pixels, for which it has no place"
    for name, value, why in rows:
        yield _row(_JACCARD, name, None if tallies.undecided_px else value, refused if tallies.undecided_px else why)


def _mean_iou(tallies: Tallies) -> Iterator[Convention]:
    iou = ratio(tallies.correct_px, tallies.union_px)
    pairs = int((~np.isnan(iou)).sum())
    value = mean_present(iou)
    reason = f"mean over the {pairs} pairs of an image and a class that is in it, not pooled"
    yield _row(_MEAN_IOU, "MeanIoU()", value, tallies.why(value, reason))
    if tallies.background_first:
        value = mean_present(iou[:, 1:])
        reason = "mean over the pairs of an image and a foreground class that is in it, not pooled, without background"
        yield _row(_MEAN_IOU, "MeanIoU(include_background=False)", value, tallies.why(value, reason))
    per_class = [mean_present(column) for column in iou.T]
    absent = sum(each is None for each in per_class)
    value = float(np.mean([-1.0 if each is None else each for each in per_class]))
    reason = f"mean over images for each class, then over classes, where {absent} absent classes count as -1"
    yield _row(_MEAN_IOU, "MeanIoU(per_class=True), their mean", value, tallies.why(value, reason))
    value = float(np.where(tallies.union_px > 0, iou, 0.0).mean())
    reason = "mean over images of the mean over all classes, where a class that an image lacks counts as 0"
    yield _row(_OLDER_MEAN_IOU, "MeanIoU(), one image an update", value, tallies.why(value, reason))


def _dice(tallies: Tallies) -> Iterator[Convention]:
    twice, areas = 2 * tallies.correct_px, tallies.truth_px + tallies.predicted_px
    dice = ratio(twice, areas)
    by_image = [mean_present(row) for row in dice]
    value = mean_present(np.array([np.nan if each is None else each for each in by_image]))
    reason = "Dice, not IoU: mean over images of the mean over the classes in the image"
    yield _row(_DICE, "DiceScore()", value, tallies.why(value, reason))
    value = mean_present(ratio(twice.sum(axis=1), areas.sum(axis=1)))
    reason = "Dice of all classes' pixels together, mean over images: the share of right pixels where none is undecided"
    yield _row(_DICE, 'DiceScore(average="micro")', value, tallies.why(value, reason))
    value = mean_present(ratio(twice.sum(axis=0), areas.sum(axis=0)))
    reason = "Dice, not IoU: pooled, the mean over classes in truth or prediction"
    yield _row(_DICE, 'DiceScore(aggregation_level="global")', value, tallies.why(value, reason))
