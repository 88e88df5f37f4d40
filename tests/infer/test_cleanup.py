from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segwright.core import ClassTable, ConfigError, LabelMap
from segwright.infer.cleanup import Cleanup, clean
from tests.infer.models import CLASSES

EQUAL = ClassTable.of(["road", "sky", "tree"])
VOID = CLASSES.void_id

ids = hnp.arrays(np.uint8, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.sampled_from([0, 1, 2, VOID]))
rules = st.builds(
    Cleanup,
    st.dictionaries(st.sampled_from(["scratch", "dent"]), st.integers(0, 2)),
    st.one_of(st.integers(0, 8), st.dictionaries(st.sampled_from(["scratch", "dent"]), st.integers(0, 8))),
    st.integers(0, 8),
    st.lists(st.sampled_from(["scratch", "dent"]), unique=True).map(tuple),
)


def cleaned(rows: list[str], cleanup: Cleanup, classes: ClassTable = CLASSES) -> list[str]:
    values = np.array([[VOID if sign == "?" else int(sign) for sign in row] for row in rows], np.uint8)
    answer = clean(LabelMap(values, classes), cleanup).ids
    return ["".join("?" if value == VOID else str(value) for value in row) for row in answer]


@settings(deadline=None, max_examples=200)
@given(ids, rules)
def test_clean__twice_is_once(ids, cleanup):
    once = clean(LabelMap(ids, CLASSES), cleanup)
    assert clean(once, cleanup) == once


@settings(deadline=None, max_examples=200)
@given(ids, rules, st.sampled_from([CLASSES, EQUAL]))
def test_clean__adds_no_class_and_leaves_void_alone(ids, cleanup, classes):
    if classes is EQUAL:
        areas = cleanup.min_area_px if isinstance(cleanup.min_area_px, int) else 5
        cleanup = Cleanup({"sky": 1}, areas, cleanup.fill_holes_px)
    answer = clean(LabelMap(ids, classes), cleanup).ids
    np.testing.assert_array_equal(answer == VOID, ids == VOID)
    allowed = set(np.unique(ids)) | ({0} if classes is CLASSES else set())
    assert set(np.unique(answer)) <= allowed


@settings(deadline=None)
@given(ids)
def test_clean__a_class_that_is_not_named_stays(ids):
    answer = clean(LabelMap(ids, CLASSES), Cleanup({"dent": 1}, {"dent": 9})).ids
    np.testing.assert_array_equal(answer == 1, ids == 1)


@settings(deadline=None)
@given(ids)
def test_clean__default_changes_nothing(ids):
    assert clean(LabelMap(ids, CLASSES), Cleanup()) == LabelMap(ids, CLASSES)


def test_clean__small_regions_go_and_diagonal_neighbours_count_as_one_region():
    rows = ["1000", "0100", "0010", "2001"]
    assert cleaned(rows, Cleanup(min_area_px=4)) == ["1000", "0100", "0010", "0001"]


def test_clean__each_class_has_its_own_smallest_area():
    assert cleaned(["1101", "0000", "2202"], Cleanup(min_area_px={"scratch": 2})) == ["1100", "0000", "2202"]


def test_clean__opening_deletes_a_line_and_keeps_a_blob():
    rows = ["1000000", "0100200", "0012220", "0000200", "0000000", "0222200", "0000000"]
    kept = ["1000000", "0100200", "0012220", "0000200", "0000000", "0000000", "0000000"]
    assert cleaned(rows, Cleanup({"dent": 1})) == kept


def test_clean__opening_does_not_eat_at_the_frames_edge():
    assert cleaned(["222", "222"], Cleanup({"dent": 1})) == ["222", "222"]


def test_clean__void_beside_a_region_counts_as_the_region():
    assert cleaned(["?10", "?00", "000"], Cleanup(min_area_px=3)) == ["?10", "?00", "000"]


def test_clean__holes_of_background_are_filled_by_the_one_class_around_them():
    rows = ["11111", "10011", "11111", "11100", "11101"]
    assert cleaned(rows, Cleanup(fill_holes_px=2)) == ["11111", "11111", "11111", "11100", "11101"]


@pytest.mark.parametrize("rows", [["111", "102", "111"], ["1?1", "101", "111"], ["1111", "1001", "1001", "1111"]])
def test_clean__holes_between_classes_beside_void_or_too_large_stay(rows):
    assert cleaned(rows, Cleanup(fill_holes_px=3)) == rows


def test_clean__without_background_removed_pixels_join_the_nearest_label():
    assert cleaned(["00022", "01022", "00022"], Cleanup(min_area_px=3), EQUAL) == ["00022", "00022", "00022"]


def test_clean__where_nothing_would_be_left_the_map_stays():
    assert cleaned(["01", "20"], Cleanup(min_area_px=9), EQUAL) == ["01", "20"]


def test_cleanup__refuses_a_class_it_cannot_clean():
    with pytest.raises(ConfigError, match=r"names classes it cannot clean[\s\S]*found:\s+background, rust"):
        cleaned(["0"], Cleanup({"rust": 1}, {"background": 4}))


def test_cleanup__refuses_negative_sizes():
    with pytest.raises(ConfigError, match="below zero"):
        Cleanup(fill_holes_px=-1)


@given(rules)
def test_cleanup__survives_json(cleanup):
    assert Cleanup.from_json(cleanup.to_json()) == cleanup


def test_clean__largest_only_keeps_one_region_of_the_class_a_frame():
    rows = ["1100002", "1100000", "0000020", "0110202"]
    assert cleaned(rows, Cleanup(largest_only=("scratch",))) == ["1100002", "1100000", "0000020", "0000202"]
    assert cleaned(rows, Cleanup(largest_only=("dent",))) == ["1100000", "1100000", "0000020", "0110202"]


def test_clean__largest_only_takes_what_void_joins_for_one_region():
    assert cleaned(["1?1001"], Cleanup(largest_only=("scratch",))) == ["1?1000"]


def test_cleanup__largest_only_of_the_background_is_refused():
    with pytest.raises(ConfigError, match="names classes it cannot clean"):
        Cleanup(largest_only=("background",)).check(CLASSES)
