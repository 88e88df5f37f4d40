from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from segwright.core import GREY, ClassTable, DataError, Image
from segwright.evaluate import Outcome, count_pixels, difference_overlay, outcomes
from segwright.evaluate.difference import OUTCOME_COLOURS
from tests.evaluate.maps import VOID, labels, map_pairs


def test_outcomes__one_of_each():
    found = outcomes(labels([[0, 1, 1, 0, 2, 2, VOID]]), labels([[0, 0, 1, 1, 1, VOID, 1]]))
    names = [Outcome(value).name for value in found[0]]
    assert names == ["EMPTY", "FALSE", "RIGHT", "MISSED", "CONFUSED", "VOID", "MISSED"]


def test_outcomes__without_a_background_nothing_is_empty_or_false():
    table = ClassTable.of(["sky", "road"])
    found = outcomes(labels([[0, 1, VOID, 1]], table), labels([[0, 0, 1, VOID]], table))
    assert [Outcome(value).name for value in found[0]] == ["RIGHT", "CONFUSED", "MISSED", "VOID"]


@given(map_pairs())
def test_outcomes__wrong_ones_are_the_wrong_pixels(maps):
    prediction, truth = labels(maps[0]), labels(maps[1])
    found = outcomes(prediction, truth)
    counts = count_pixels(prediction, truth)
    wrong = np.isin(found, [Outcome.MISSED, Outcome.FALSE, Outcome.CONFUSED]).sum()
    assert wrong == counts.valid_px - counts.correct_px.sum()
    assert (found == Outcome.VOID).sum() == counts.void_px


def test_difference_overlay__colours_what_is_wrong():
    image = Image(np.full((1, 2, 1), 40, np.uint8), GREY)
    drawn = difference_overlay(image, labels([[0, 0]]), labels([[0, 1]]))
    assert drawn.shape == (1, 2, 3)
    assert len(set(drawn[0, 0].tolist())) == 1
    assert np.abs(drawn[0, 1].astype(int) - OUTCOME_COLOURS[Outcome.MISSED]).max() < 40


def test_outcomes__another_size_is_refused():
    with pytest.raises(DataError, match="not of the truth's size"):
        outcomes(labels([[0]]), labels([[0, 0]]))
