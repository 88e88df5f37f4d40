"""scikit-learn: `metrics.jaccard_score` over the pixels of all images, void pixels taken out first.

Without `labels` the classes are those in truth or prediction, and an undecided pixel's value is one of them, with
score 0. With `labels` of the whole class table an absent class scores 0 (`zero_division`), with a warning.

Source: scikit-learn 1.9.1, `sklearn/metrics/_classification.py` (`jaccard_score`).
tests/evaluate/reconcile/test_installed.py compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from segwright.evaluate.ratios import ratio, score
from segwright.evaluate.reconcile.convention import Convention, Tallies

_SOURCE = "1.9.1, sklearn/metrics/_classification.py: jaccard_score"

_row = partial(Convention, "scikit-learn", _SOURCE)


def conventions(tallies: Tallies) -> Iterator[Convention]:
    """The rows of scikit-learn."""
    correct, union = tallies.correct_px.sum(axis=0), tallies.union_px.sum(axis=0)
    iou = ratio(correct, union)
    yield _macro(tallies, iou)
    if np.isnan(iou).any():
        value = float(np.where(np.isnan(iou), 0.0, iou).mean())
        reason = f"{int(np.isnan(iou).sum())} absent classes count as 0"
        yield _row('jaccard_score(average="macro", labels=all ids)', value, tallies.why(value, reason))
    value = score(ratio(correct.sum(), union.sum()))
    reason = "the classes' pixels are added up before the one ratio, so large classes decide it"
    yield _row('jaccard_score(average="micro", labels=all ids)', value, tallies.why(value, reason))
    weighted = tallies.ours["frequency_weighted_iou"]
    yield _row('jaccard_score(average="weighted")', weighted, "equal to frequency_weighted_iou")
    if tallies.one_object_class:
        refused = "raises: undecided pixels are a third class"
        value = None if tallies.undecided_px else score(iou[1]) or 0.0
        reason = "the IoU of the one foreground class, without the background's"
        why = refused if tallies.undecided_px else tallies.why(value, reason)
        yield _row('jaccard_score(average="binary")', value, why)


def _macro(tallies: Tallies, iou: np.ndarray) -> Convention:
    name = 'jaccard_score(average="macro")'
    if not tallies.undecided_px:
        return _row(name, tallies.ours["pooled_miou"], "equal to pooled_miou")
    present = iou[~np.isnan(iou)]
    value = float(present.sum() / (present.size + 1))
    why = f"the value of the {tallies.undecided_px} undecided pixels is taken for a class, with score 0"
    return _row(name, value, tallies.why(value, why))
