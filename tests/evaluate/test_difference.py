from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from segwright.core import GREY, ClassTable, DataError, Image
from segwright.evaluate import Outcome, count_pixels, difference_overlay, outcomes
from segwright.evaluate.difference import (
    CHANGE_COLOURS,
    CHANGE_MEANINGS,
    OUTCOME_COLOURS,
    PixelChange,
    change_overlay,
    pixel_changes,
)
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


def test_pixel_changes__one_of_each():
    truth = labels([[1, 1, 1, 1, 1, VOID]])
    found = pixel_changes(labels([[1, 0, 1, VOID, 2, 0]]), labels([[1, 1, 0, 0, 0, 1]]), truth)
    names = [PixelChange(value).name for value in found[0]]
    assert names == ["KEPT", "FIXED", "BROKEN", "STILL_WRONG", "STILL_WRONG", "VOID"]


@given(map_pairs(), map_pairs())
def test_pixel_changes__fixed_less_broken_is_what_the_counts_say(maps, others):
    truth, old = labels(maps[1]), labels(maps[0])
    new = labels(np.resize(others[0], maps[1].shape))
    found = pixel_changes(old, new, truth)
    before, after = count_pixels(old, truth), count_pixels(new, truth)
    gained = (found == PixelChange.FIXED).sum() - (found == PixelChange.BROKEN).sum()
    assert gained == after.correct_px.sum() - before.correct_px.sum()
    assert (found == PixelChange.VOID).sum() == after.void_px
    back = pixel_changes(new, old, truth)
    assert ((found == PixelChange.FIXED) == (back == PixelChange.BROKEN)).all()


def test_change_overlay__colours_all_but_what_is_kept():
    image = Image(np.full((1, 3, 1), 40, np.uint8), GREY)
    drawn = change_overlay(image, labels([[1, 0, 1]]), labels([[1, 1, 0]]), labels([[1, 1, 1]]))
    assert len(set(drawn[0, 0].tolist())) == 1
    for column, change in ((1, PixelChange.FIXED), (2, PixelChange.BROKEN)):
        assert np.abs(drawn[0, column].astype(int) - CHANGE_COLOURS[change]).max() < 40
    assert set(CHANGE_COLOURS) == set(CHANGE_MEANINGS) == set(PixelChange) - {PixelChange.KEPT}


@pytest.mark.parametrize(("old", "new", "place"), [([[0]], [[0, 0]], "old"), ([[0, 0]], [[0]], "new")])
def test_pixel_changes__another_size_is_refused(old, new, place):
    with pytest.raises(DataError, match=f"{place} prediction: is not of the truth's size"):
        pixel_changes(labels(old), labels(new), labels([[0, 0]]))
