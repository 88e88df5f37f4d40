"""mmsegmentation: what `IoUMetric` prints (in percent, to two places).

Pixels of `ignore_index` (void) are left out; a prediction outside 0..classes-1 is in no histogram, so an undecided
pixel is a missed one, as here. A ratio of 0 by 0 is NaN and left out of the mean.

Source: mmsegmentation 1.2.2, `mmseg/evaluation/metrics/iou_metric.py` (`IoUMetric.intersect_and_union`,
`total_area_to_metrics`, `compute_metrics`); `mmseg/datasets/transforms/loading.py` (`LoadAnnotations._load_seg_map`)
for `reduce_zero_label`. tests/evaluate/reconcile/test_definitions.py has figures computed by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from segwright.evaluate.ratios import ratio
from segwright.evaluate.reconcile.convention import Convention, Tallies, mean_present

_METRIC = "1.2.2, mmseg/evaluation/metrics/iou_metric.py: IoUMetric.total_area_to_metrics"
_LOADING = "1.2.2, mmseg/datasets/transforms/loading.py: LoadAnnotations._load_seg_map"

_row = partial(Convention, "mmsegmentation")


def conventions(tallies: Tallies) -> Iterator[Convention]:
    """The rows of mmsegmentation."""
    ours = tallies.ours
    yield _row(_METRIC, "mIoU", ours["pooled_miou"], "equal to pooled_miou")
    yield _row(
        _METRIC, "mAcc", ours["mean_accuracy"], "equal to mean_accuracy: the recall of the true classes, not IoU"
    )
    yield _row(_METRIC, "aAcc", ours["pixel_accuracy"], "equal to pixel_accuracy: no IoU, so the background decides")
    pixels = tallies.pixels
    value = mean_present(ratio(2 * pixels.correct_px, pixels.truth_px + pixels.predicted_px))
    reason = "Dice, not IoU: pooled, the mean over classes in truth or prediction"
    yield _row(_METRIC, "mDice", value, tallies.why(value, reason))
    if tallies.background_first:
        yield _without_zero_label(tallies)


def _without_zero_label(tallies: Tallies) -> Convention:
    """Truth of class 0 becomes void and the model has no such class: a prediction of it is a missed pixel."""
    confusion = tallies.pixels.confusion[1:]
    correct = confusion[:, 1:-1].diagonal()
    value = mean_present(ratio(correct, confusion.sum(axis=1) + confusion[:, 1:-1].sum(axis=0) - correct))
    reason = "the background's truth becomes void, so what is invented there costs nothing, and it has no IoU"
    return _row(_LOADING, "mIoU with reduce_zero_label=True", value, tallies.why(value, reason))
