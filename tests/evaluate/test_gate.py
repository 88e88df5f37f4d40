"""Conditions that fail an evaluation: read, judged and refused with their reasons."""

from __future__ import annotations

import pytest

from segwright.core import ConfigError, DataError, GateFailed
from segwright.evaluate import Evaluation, Scores, compare, fail_if, no_worse_than, score_frames
from segwright.evaluate.changes import LOWER_IS_BETTER, Change, changes_between, gain
from segwright.evaluate.gate import parse
from segwright.evaluate.objects import ObjectEvaluation
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


def objects(scratch: float | None, *, task: str = "panoptic", images: int = 3) -> ObjectEvaluation:
    """A panoptic evaluation of a scratch and an absent dent; on line B the scratch scores half."""
    classes = {"scratch": {"pq": scratch, "truth_px": 12}, "dent": {"pq": None, "truth_px": 0}}
    half = None if scratch is None else scratch / 2
    lines = {"A": Scores(2, {"pq": scratch}, classes), "B": Scores(1, {"pq": half}, {"scratch": {"pq": half}})}
    return ObjectEvaluation(task, CLASSES, images, {"pq": scratch}, classes, {}, by_domain={"line": lines})


def test_fail_if__judges_objects_as_well() -> None:
    scored = objects(0.6)
    fail_if(scored, ["pq < 0.6", "scratch.pq < 0.5", "line=B/scratch.pq < 0.3"])
    with pytest.raises(GateFailed) as caught:
        fail_if(scored, ["pq < 0.61", "line=B/pq <= 0.3", "dent.pq < 0.1"])
    assert [problem.found for problem in caught.value.problems] == ["0.6000", "0.3000", "no value"]
    with pytest.raises(ConfigError, match="names a score that was not scored"):
        fail_if(scored, ["scratch.iou < 0.5"])


def test_no_worse_than__of_objects_has_no_p_value() -> None:
    found = changes_between(objects(0.6), objects(0.5))
    assert found.classes["scratch"] == {"pq": Change(0.6, 0.5, pytest.approx(-0.1), None)}
    assert found.classes["dent"]["pq"] == Change(None, None, None, None)
    no_worse_than(found, 0.11)
    no_worse_than(changes_between(objects(0.6), objects(None)), 0.0)
    with pytest.raises(GateFailed) as caught:
        no_worse_than(found, 0.05)
    assert [problem.place for problem in caught.value.problems] == ["pq", "scratch.pq"]
    assert caught.value.problems[0].found == "0.6000 -> 0.5000 (-0.1000)"


def test_changes_between__refuses_what_is_not_the_same_question_all_at_once() -> None:
    with pytest.raises(DataError) as caught:
        changes_between(objects(0.6), objects(0.6, task="instance", images=4))
    assert [problem.place for problem in caught.value.problems] == ["task", "frames"]


def test_changes_between__has_the_differences_that_compare_has() -> None:
    before, after = evaluation(), evaluation(missed=4)
    tested, plain = compare(before, after), changes_between(before, after)
    for name in CLASSES.names:
        for score, row in tested.classes[name].items():
            assert plain.classes[name][score].difference == row.difference


@pytest.mark.parametrize(("score", "better"), [("ece", 0.1), ("hd95", 0.1), ("pooled_miou", -0.1), ("nsd@2", -0.1)])
def test_gain__an_error_that_falls_is_a_gain(score: str, better: float) -> None:
    assert gain(score, Change.between(0.5, 0.4)) == pytest.approx(better)
    assert gain(score, Change.between(None, 0.4)) == 0


def test_gain__knows_the_direction_of_scores_that_exist() -> None:
    from segwright.evaluate import DEFINITIONS
    from segwright.evaluate.further import FAMILIES, further

    known = {name for family in FAMILIES for name in further(family).definitions} | set(DEFINITIONS)
    assert set() == LOWER_IS_BETTER - known
