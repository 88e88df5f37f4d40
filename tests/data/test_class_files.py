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
    with pytest.raises(ConfigError, match="is not a class table"):
        read_class_file(tmp_path / "missing.txt")
