"""A panoptic frame is refused, with all its faults and its stem, unless ids and segments agree."""

from __future__ import annotations

import numpy as np
import pytest

from segwright.core import DataError, Size
from segwright.evaluate.panoptic import PanopticFrame, Segment
from tests.evaluate.panoptic.frames import CLASSES, frame


def test_frame__holds_areas_and_void() -> None:
    street = frame([[7, 7, 3], [7, 0, 0]], {7: 1, 3: Segment(5, is_crowd=True)})
    assert street.size == Size(2, 3)
    assert street.void_px == 2
    assert street.table.ids.tolist() == [3, 7]
    assert street.table.area_px.tolist() == [1, 3]
    assert street.table.class_ids.tolist() == [5, 1]
    assert street.table.is_crowd.tolist() == [True, False]
    assert list(street.segments) == [7, 3]


def test_frame__of_void_alone_has_no_segment() -> None:
    empty = frame([[0, 0]], {})
    assert empty.void_px == 2
    assert empty.table.ids.size == 0


def test_frame__says_all_that_is_wrong_at_once() -> None:
    with pytest.raises(DataError) as error:
        frame([[4, 4, 6], [0, 1, 1]], {0: 1, 1: 1, 8: 2, 9: 77}, stem="line/0412")
    assert {problem.place for problem in error.value.problems} == {"line/0412"}
    assert [(problem.rule, problem.found) for problem in error.value.problems] == [
        ("3 pixels have segment ids that no segment names", "4, 6"),
        ("names a segment 0, which is void", "0"),
        ("names segments that have no pixel", "8, 9"),
        ("has segments of classes that are not in the class table", "77"),
    ]


def test_frame__shortens_long_lists() -> None:
    with pytest.raises(DataError, match=r"found:   1, 2, 3, 4, 5, 6, 7, 8 \.\.\. \(20 in all\)"):
        frame([list(range(1, 21))], {})


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (np.zeros((2, 2), np.int32), "segment ids are uint32, got int32"),
        (np.zeros((2, 2, 3), np.uint32), r"\(height, width\) with at least one pixel, got shape \(2, 2, 3\)"),
        (np.zeros((0, 2), np.uint32), "at least one pixel"),
    ],
)
def test_frame__of_another_kind_of_array(ids, message) -> None:
    with pytest.raises(ValueError, match=message):
        PanopticFrame("a", ids, {}, CLASSES)


def test_frame__is_a_value() -> None:
    ids = np.array([[1, 2]], np.uint32)
    street = PanopticFrame("a", ids, {1: Segment(1), 2: Segment(2)}, CLASSES)
    ids[0, 0] = 9
    assert street.ids.tolist() == [[1, 2]]
    assert street == frame([[1, 2]], {1: 1, 2: 2}, "a")
    assert street != frame([[1, 2]], {1: 1, 2: 5}, "a")
    assert street != frame([[2, 1]], {1: 1, 2: 2}, "a")
    with pytest.raises(ValueError, match="read-only"):
        street.ids[0, 0] = 1
