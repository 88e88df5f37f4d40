"""segmentation-models-pytorch: `metrics.iou_score` of `metrics.get_stats(mode="multiclass", ignore_index=void)`.

A ratio of 0 by 0 takes the value of `zero_division`, 1 unless one says otherwise, and is in the mean: a class that is
nowhere counts as found perfectly. An undecided prediction is in no histogram: a missed pixel, as here.

Source: segmentation-models-pytorch 0.6.0, `metrics/functional.py` (`_get_stats_multiclass`, `_compute_metric`,
`_iou_score`). tests/evaluate/reconcile/test_installed.py compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from segwright.evaluate.ratios import ratio, score
from segwright.evaluate.reconcile.convention import Convention, Tallies

_SOURCE = "0.6.0, metrics/functional.py: _compute_metric"

_row = partial(Convention, "segmentation-models-pytorch", _SOURCE)


def conventions(tallies: Tallies) -> Iterator[Convention]:
    """The rows of segmentation-models-pytorch."""
    correct, union = tallies.correct_px, tallies.union_px
    value = score(ratio(correct.sum(), union.sum()))
    reason = "the classes' pixels are added up before the one ratio, so large classes decide it"
    yield _row('iou_score(reduction="micro")', value, tallies.why(value, reason))
    by_class, by_image, single = (
        ratio(correct.sum(axis=0), union.sum(axis=0)),
        ratio(correct.sum(axis=1), union.sum(axis=1)),
        ratio(correct, union),
    )
    for reduction, values, reason in (
        ("macro", by_class, "pooled, but a class that is nowhere counts as {}"),
        ("micro-imagewise", by_image, "mean over images of one ratio of all classes' pixels; an image of void is {}"),
        ("macro-imagewise", single, "mean over images and all classes, where a class that an image lacks counts as {}"),
    ):
        if reduction == "macro" and not np.isnan(values).any():
            yield _row(
                'iou_score(reduction="macro")', tallies.ours["pooled_miou"], "equal to pooled_miou: no class is absent"
            )
            continue
        for zero_division, shown in ((1.0, ""), (0.0, ", zero_division=0")):
            if zero_division == 0.0 and not np.isnan(values).any():
                continue  # nothing is divided by 0: the same number
            value = float(np.where(np.isnan(values), zero_division, values).mean())
            name = f'iou_score(reduction="{reduction}"{shown})'
            yield _row(name, value, tallies.why(value, reason.format(f"{zero_division:g}")))
