from __future__ import annotations

import numpy as np
import pytest

from segwright.core import ConfigError
from segwright.evaluate import Target


@pytest.mark.parametrize("text", ["f1", "iou", "precision>=0.9", "recall>=0.95", "recall>=1"])
def test_parse__reads_what_it_prints(text):
    assert str(Target.parse(text)) == text


@pytest.mark.parametrize("text", ["", "accuracy", "precision", "precision>0.9", "recall>=1.2", "precision>=0.0"])
def test_parse__anything_else_is_refused(text):
    with pytest.raises(ConfigError, match="not one that thresholds can be chosen for"):
        Target.parse(text)


def test_utility__is_the_score_itself():
    counts = (6, 10, 8)
    assert Target.parse("f1").utility(*counts) == pytest.approx(12 / 18)
    assert Target.parse("iou").utility(*counts) == pytest.approx(6 / 12)


def test_utility__a_kept_promise_beats_every_broken_one():
    promise = Target.parse("precision>=0.9")
    broken, kept_low, kept_high = promise.utility([89, 9, 90], [100, 100, 100], [100, 10, 100])
    assert broken < 1 < kept_low < kept_high
    assert kept_low == pytest.approx(1.09)


def test_utility__a_class_not_in_the_truth_has_none():
    assert np.isnan(Target.parse("f1").utility(0, 0, 5))
    assert Target.parse("precision>=0.5").utility(0, 5, 0) == 0.0
