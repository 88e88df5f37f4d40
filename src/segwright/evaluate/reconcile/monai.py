"""MONAI: `DiceMetric` and `MeanIoU`, per image and then the mean.

Both are handed one-hot maps with void as `ignore_index`. A class that an image's truth lacks is NaN and left out even
where it was predicted (`ignore_empty=True`, the default), else 1 where it was not predicted and 0 where it was. The
mean is over the classes of an image, then over the images that have any; without any it is 0.

Source: MONAI 1.6.1, `monai/metrics/meandice.py` (`DiceHelper.compute_channel`), `monai/metrics/meaniou.py`
(`compute_iou`), `monai/metrics/utils.py` (`do_metric_reduction`); 1.5.0 reads the same, without `ignore_index`.
tests/evaluate/reconcile/test_definitions.py has figures computed by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from segwright.evaluate.ratios import ratio
from segwright.evaluate.reconcile.convention import Convention, Floats, Tallies, mean_present

_DICE = "1.6.1, monai/metrics/meandice.py: DiceHelper.compute_channel"
_IOU = "1.6.1, monai/metrics/meaniou.py: compute_iou"

_row = partial(Convention, "monai")


def conventions(tallies: Tallies) -> Iterator[Convention]:
    """The rows of MONAI; `include_background=False` drops the first class, so only where that is the background."""
    dice = ratio(2 * tallies.correct_px, tallies.truth_px + tallies.predicted_px)
    iou = ratio(tallies.correct_px, tallies.union_px)
    true = tallies.truth_px > 0
    for source, name, values, dice_not_iou in (
        (_DICE, "DiceMetric", dice, "Dice, not IoU: "),
        (_IOU, "MeanIoU", iou, ""),
    ):
        first = 1 if tallies.background_first else 0
        yield _mean(tallies, source, f"{name}()", np.where(true, values, np.nan), dice_not_iou)
        if first and len(tallies.classes) > 1:
            left = np.where(true, values, np.nan)[:, first:]
            yield _mean(tallies, source, f"{name}(include_background=False)", left, dice_not_iou + "no background, ")
            empty_is_one = np.where(np.isnan(values), 1.0, values)[:, first:]
            value = float(empty_is_one.mean(axis=1).mean())
            reason = f"{dice_not_iou}no background, mean over images, where a class in neither map scores 1"
            full_name = f"{name}(include_background=False, ignore_empty=False)"
            yield _row(source, full_name, value, tallies.why(value, reason))


def _mean(tallies: Tallies, source: str, name: str, values: Floats, what: str) -> Convention:
    """The reduction "mean": over an image's classes that are no NaN, then over the images that have such a class."""
    by_image = [mean for mean in map(mean_present, values) if mean is not None]
    value = float(np.mean(by_image)) if by_image else 0.0
    reason = (
        f"{what}mean over {len(by_image)} of {tallies.images} images (not_nans) of the mean over the classes in the "
        "image's truth, so a class invented there has no score"
    )
    return _row(source, name, value, tallies.why(value, reason))
