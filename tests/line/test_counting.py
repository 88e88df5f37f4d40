from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import Box, InstanceSet, Size
from segwright.line import CountLine, CountRegion, count_crossings, track_frames
from segwright.line.counting import middle
from tests.line.conveyor import CLASSES
from tests.line.test_tracking import block

SIZE = Size(40, 60)
UPWARDS = CountLine((30, 40), (30, 0))  # to the right is forward
POINTS = st.tuples(st.integers(-20, 20), st.integers(-20, 20))


def counted(lefts, gate, *, top: int = 10, class_id: int = 1):
    """The counts of a block at these columns, None where it is not found."""
    rows = [() if left is None else (block(top, left, class_id=class_id),) for left in lefts]
    frames = track_frames([InstanceSet(SIZE, row, CLASSES) for row in rows])
    return count_crossings(frames, CLASSES, gate)


def test_line__both_ways_by_class() -> None:
    going = counted(range(10, 40, 4), UPWARDS, class_id=2)
    assert going.crossed == {"forward": {"bracket": 0, "bolt": 1}, "backward": {"bracket": 0, "bolt": 0}}
    assert going.tracks == {"bracket": 0, "bolt": 1}
    coming = counted(range(40, 10, -4), UPWARDS)
    assert coming.crossed["backward"] == {"bracket": 1, "bolt": 0}


def test_line__an_object_that_goes_to_and_fro_counts_once_and_the_rest_is_told() -> None:
    counts = counted([25, 26, 27, 28, 27, 26, 27, 28], UPWARDS)
    assert counts.crossed["forward"]["bracket"] == 1
    assert counts.crossed["backward"]["bracket"] == 0
    assert counts.again == 2


def test_line__what_crosses_while_hidden_counts_when_it_is_found_again() -> None:
    counts = counted([16, 20, 24, None, 32, 36], UPWARDS)
    assert counts.crossed["forward"]["bracket"] == 1
    assert counts.tracks["bracket"] == 1


def test_line__what_is_never_found_beyond_it_does_not_count() -> None:
    assert counted([16, 20, 24, None, None, None], UPWARDS).crossed["forward"]["bracket"] == 0


def test_line__a_crossing_before_the_track_was_born_counts() -> None:
    assert counted([25, 29, 33], UPWARDS).crossed["forward"]["bracket"] == 1


def test_line__past_its_end_nothing_is_counted() -> None:
    assert counted(range(10, 40, 4), CountLine((30, 40), (30, 20))).crossed["forward"]["bracket"] == 0


def test_region__in_and_out_count_once_each() -> None:
    counts = counted([4, 8, 12, 16, 20, 24, 28, 32, 36], CountRegion(Box(0, 12, 40, 32)))
    assert counts.crossed == {"in": {"bracket": 1, "bolt": 0}, "out": {"bracket": 1, "bolt": 0}}
    assert counts.again == 0


def test_no_gate__counts_tracks_alone() -> None:
    assert counted([4, 4], None).to_json() == {"crossed": {}, "again": 0, "tracks": {"bracket": 1, "bolt": 0}}


@given(POINTS, POINTS, POINTS, POINTS)
def test_crossed__the_way_back_is_the_other_way(start, end, before, after) -> None:
    if start == end:
        return
    line = CountLine(start, end)
    there, back = line.crossed(before, after), line.crossed(after, before)
    assert {there, back} in ({None}, {"forward", "backward"})


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=20))
def test_crossed__forward_less_backward_says_on_which_side_it_ended(places: list[float]) -> None:
    line = CountLine((0, 100), (0, -100))
    ways = [line.crossed((one, 0), (other, 0)) for one, other in pairwise(places)]
    assert ways.count("forward") - ways.count("backward") == (places[-1] >= 0) - (places[0] >= 0)


def test_middle__is_the_mean_place_of_the_pixels() -> None:
    assert middle(block(10, 20, 6)) == (23, 13)
    one = block(0, 0, 2)
    assert middle(type(one)(1, Box(0, 0, 2, 2), np.array([[1, 1], [1, 0]], bool))) == pytest.approx((5 / 6, 5 / 6))
