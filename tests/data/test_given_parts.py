"""The column `part`: one name and one set of values, whoever published the frames."""

from __future__ import annotations

import pytest

from segwright.data.given_parts import part_column, says_parts, written_part


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("train", {"part": "train"}),
        ("val", {"part": "validation"}),
        ("Valid", {"part": "validation"}),
        ("trainval", {"part": "trainval"}),
        ("default", {}),
        ("", {}),
    ],
)
def test_part_column__calls_parts_as_a_split_does(name: str, column: dict[str, str]) -> None:
    assert part_column(name) == column


def test_says_parts__tells_a_split_from_workpieces() -> None:
    assert says_parts(["train", "validation"])
    assert not says_parts(["train", "A-17"])
    assert not says_parts([])


def test_written_part__a_workpiece_is_no_part() -> None:
    assert written_part({"part": "test"}, "train") == "test"
    assert written_part({"part": "A-17"}, "train") == "train"
    assert written_part({}, "default") == "default"
