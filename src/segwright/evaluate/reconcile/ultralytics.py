"""Ultralytics: `mIoU` and `pixel_acc` of its semantic task.

Its confusion takes pixels whose truth is not 255 and whose prediction is a class, so an undecided pixel is left out,
not missed. mIoU is over the classes of the truth. A model with one class name has two columns and prints the IoU of
the second alone. The instance tasks print mask AP at the network's size and have no pixel score.

Source: ultralytics 8.4.190, `ultralytics/utils/metrics.py` (`SemanticMetrics.update_stats`, `process`), printed by
`ultralytics/models/yolo/semantic/val.py`. tests/evaluate/reconcile/test_definitions.py has figures computed by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from segwright.evaluate.ratios import ratio
from segwright.evaluate.reconcile.convention import Convention, Tallies, mean_present

_SOURCE = "8.4.190, ultralytics/utils/metrics.py: SemanticMetrics.process"

_row = partial(Convention, "ultralytics")


def conventions(tallies: Tallies) -> Iterator[Convention]:
    """The rows of Ultralytics' semantic task."""
    confusion = tallies.pixels.confusion[:, :-1]
    correct, truth = confusion.diagonal(), confusion.sum(axis=1)
    iou = ratio(correct, truth + confusion.sum(axis=0) - correct)
    value = mean_present(iou[truth > 0]) or 0.0
    reason = "mean over the classes of the truth alone, so a class that is predicted and nowhere true has no 0 in it"
    if tallies.undecided_px:
        reason += f"; {tallies.undecided_px} undecided pixels are left out, not missed"
    yield _row(_SOURCE, "metrics/mIoU", value, tallies.why(value, reason))
    if tallies.one_object_class:
        value = 0.0 if not truth[1] + confusion[0, 1] else float(iou[1])
        reason = "of a model with one class name: the IoU of that class, without the background's"
        yield _row(_SOURCE, "metrics/mIoU, one class name", value, tallies.why(value, reason))
    value = float(correct.sum() / truth.sum()) if truth.sum() else 0.0
    equal = "equal to pixel_accuracy: no IoU, so the background decides"
    differs = f"no IoU, and {tallies.undecided_px} undecided pixels are left out, not missed"
    yield _row(_SOURCE, "metrics/pixel_acc", value, differs if tallies.undecided_px else equal)
