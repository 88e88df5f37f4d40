"""Conditions that fail an evaluation: read, judged and refused with their reasons."""

from __future__ import annotations

import pytest

from segwright.core import ConfigError, GateFailed
from segwright.evaluate import Evaluation, compare, fail_if, no_worse_than, score_frames
from segwright.evaluate.gate import parse
from tests.evaluate.maps import CLASSES, pair


def truth(size: int = 4) -> list[list[int]]:
    return [[1 if column < 2 else 0 for column in range(size)] for _ in range(size)]


def evaluation(missed: int = 0) -> Evaluation:
    """Two frames, one a line; on line B `missed` of the 8 scratch pixels are called background."""
    wrong = truth()
    for index in range(missed):
        wrong[index // 2][index % 2] = 0
    return score_frames([pair(truth(), truth(), "a", line="A"), pair(wrong, truth(), "b", line="B")], CLASSES)


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("scratch.iou < 0.7", 0.75),
        ("pooled_miou<0.5", (0.75 + 0.8) / 2),
        ("line=B/scratch.recall <= 0.49", 0.5),
        ("scratch.iou > 1", 0.75),
        ("line=A/scratch.iou < 1", 1.0),
    ],
)
def test_fail_if__passes_where_the_condition_does_not_hold(condition: str, value: float) -> None:
    scored = evaluation(missed=4)
    fail_if(scored, [condition])
    assert parse(scored, [condition])[0].value(scored) == pytest.approx(value)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("scratch.iou < 0.76", "0.7500"),
        ("line=B/scratch.recall <= 0.5", "0.5000"),
        ("line=A/scratch.iou >= 1", "1.0000"),
    ],
)
def test_fail_if__fails_with_the_value(condition: str, found: str) -> None:
    with pytest.raises(GateFailed) as caught:
        fail_if(evaluation(missed=4), [condition])
    assert caught.value.problems[0].found == found
    assert caught.value.exit_code == 1


def test_fail_if__an_absent_class_cannot_be_judged_and_fails() -> None:
    with pytest.raises(GateFailed, match="cannot be judged"):
        fail_if(evaluation(), ["dent.iou < 0.5"])


def test_fail_if__all_that_cannot_be_read_at_once() -> None:
    wrong = ["scratch.iou = 0.5", "scrach.iou < 1", "scratch.io < 1", "press=3/scratch.iou < 1", "pooled_miou < x"]
    with pytest.raises(ConfigError) as caught:
        fail_if(evaluation(), wrong)
    text = str(caught.value)
    assert len(caught.value.problems) == len(wrong)
    assert "did you mean 'scratch'" in text
    assert "names a domain that was not scored" in text


def test_no_worse_than__says_which_classes_lost_more_than_the_tolerance() -> None:
    before, after = evaluation(), evaluation(missed=4)
    no_worse_than(compare(before, before), 0.0)
    no_worse_than(compare(after, before), 0.0)
    no_worse_than(compare(before, after), 0.9)
    with pytest.raises(GateFailed) as caught:
        no_worse_than(compare(before, after), 0.1)
    assert "scratch.iou" in str(caught.value)
    assert "1.0000 -> 0.7500" in str(caught.value)
