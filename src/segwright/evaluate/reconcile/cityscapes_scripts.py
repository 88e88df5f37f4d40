"""cityscapesScripts: the score averages of the pixel-level evaluation.

Labels with `ignoreInEval` are its void: their truth is left out of every false positive, their IoU of the average. A
prediction of an ignored label is a missed pixel, as an undecided one is here. The instance-weighted nIoU needs what a
label map does not hold.

Source: cityscapesScripts 2.3.0, `cityscapesscripts/evaluation/evalPixelLevelSemanticLabeling.py`
(`getIouScoreForLabel`, `getScoreAverage`, `getInstanceIouScoreForLabel`). tests/evaluate/reconcile/test_definitions.py
has figures computed by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from segwright.evaluate.ratios import ratio
from segwright.evaluate.reconcile.convention import Convention, Tallies, mean_present

_FILE = "2.3.0, cityscapesscripts/evaluation/evalPixelLevelSemanticLabeling.py"
_SOURCE = f"{_FILE}: getIouScoreForLabel"

_row = partial(Convention, "cityscapesScripts")


def conventions(tallies: Tallies) -> Iterator[Convention]:
    """The rows of cityscapesScripts."""
    yield _row(_SOURCE, "Score Average, IoU", tallies.ours["pooled_miou"], "equal to pooled_miou")
    if tallies.classes.background is not None:
        yield _background_ignored(tallies)
    why = "needs the truth's instances and the mean area of a class's instances: a label map holds neither"
    yield _row(f"{_FILE}: getInstanceIouScoreForLabel", "Score Average, nIoU", None, why)


def _background_ignored(tallies: Tallies) -> Convention:
    """The background as Cityscapes has `unlabeled`: its truth is void, a prediction of it is a missed pixel."""
    kept = np.array([tallies.classes.channel(spec.name) for spec in tallies.classes.foreground], dtype=np.intp)
    confusion = tallies.pixels.confusion[kept]
    correct = confusion[np.arange(len(kept)), kept]
    value = mean_present(ratio(correct, confusion.sum(axis=1) + confusion[:, kept].sum(axis=0) - correct))
    reason = "the background's truth is void, so what is invented there costs nothing, and it has no IoU"
    return _row(_SOURCE, "Score Average, IoU, background with ignoreInEval", value, tallies.why(value, reason))
