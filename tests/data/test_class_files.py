"""Class tables from the small files beside masks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segwright.core import ClassTable, ConfigError
from segwright.data import read_class_file


@pytest.mark.parametrize(
    ("text", "described"),
    [
        ("0 Sky\n1 Car\n11 Unlabelled(void/ignore)\n", "0 Sky, 1 Car, 11 void"),
        ("background\nscratch\n", "0 background, 1 scratch, 255 void"),
        ("# comment\n\n0: background\n7: deep scratch\ndent\n", "0 background, 7 deep scratch, 8 dent, 255 void"),
        ("0,a\r\n1,b\r\n", "0 a, 1 b, 255 void"),
        ("\ufeff0\tBackground\n1\tb\n", "0 Background, 1 b, 255 void"),
        ("0=a\n255=void\n", "0 a, 255 void"),
    ],
)
def test_read_class_file__line_forms(tmp_path: Path, text: str, described: str) -> None:
    (tmp_path / "classes.txt").write_text(text, encoding="utf-8")
    table = read_class_file(tmp_path / "classes.txt")
    assert table.describe() == described
    assert table.background == (table.names[0] if table.names[0].lower() == "background" else None)


def test_read_class_file__json_round_trip(tmp_path: Path) -> None:
    table = ClassTable.of(["background", "scratch"], void_id=9)
    (tmp_path / "classes.json").write_text(json.dumps(table.to_json()))
    assert read_class_file(tmp_path / "classes.json") == table


def test_read_class_file__all_that_is_wrong_at_once_with_the_file_it_is_in(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_text("0 a\n0 b\n1 a\n300 c\n254 void\n255 ignore\n")
    with pytest.raises(ConfigError) as caught:
        read_class_file(path)
    problems = {problem.rule: problem for problem in caught.value.problems}
    assert {problem.place for problem in caught.value.problems} == {str(path), f"{path}: 'c'"}
    assert problems["uses one id for two classes"].found == "0: a, b"
    assert problems["uses one name for two classes"].found == "a: 0, 1"
    assert problems["names void twice"].found == "254 void, 255 ignore"
    assert "has an id outside the mask's range" in problems
    assert all(problem.fix for problem in caught.value.problems)


@pytest.mark.parametrize("content", ['{"classes": [{"id": 0, "name": "a"}, {"id": 0, "name": "b"}]}'])
def test_read_class_file__json_that_contradicts_itself_names_the_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "classes.json").write_text(content)
    with pytest.raises(ConfigError, match=r"classes\.json: uses one id for two classes"):
        read_class_file(tmp_path / "classes.json")


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("classes.txt", "", "has no classes"),
        ("classes.txt", "0 a\n0 b\n", "uses one id for two classes"),
        ("classes.txt", "0 a\n1 void\n2 ignore\n", "names void twice"),
        ("classes.json", "{", "is not a class table"),
        ("classes.json", "[1]", "is not a class table"),
        ("classes.json", '{"classes": [{"name": "a"}]}', "is not a class table"),
    ],
)
def test_read_class_file__refusals(tmp_path: Path, name: str, text: str, rule: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=rule):
        read_class_file(tmp_path / name)
    with pytest.raises(ConfigError, match=r"missing\.txt: does not exist"):
        read_class_file(tmp_path / "missing.txt")
