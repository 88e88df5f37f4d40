"""Columns from names, folders and CSV files; what matches nothing is counted or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from segwright.core import ConfigError, DataError
from segwright.data import Dataset, columns_from_csv, columns_from_folder, columns_from_pattern, open_dataset
from tests.data.pictures import index_folder

NAMES = ("press-1_a_001", "press-1_b_002", "press-2_a_003")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return open_dataset(index_folder(tmp_path / "set", NAMES))


def test_columns_from_pattern__one_a_named_group(dataset: Dataset) -> None:
    told = columns_from_pattern(dataset, r"(?P<line>[^_]+)_(?P<lamp>[^_]+)_")
    assert told.frame("press-1_b_002").columns == {"line": "press-1", "lamp": "b"}


def test_columns_from_pattern__refusals(dataset: Dataset) -> None:
    with pytest.raises(ConfigError, match="is not a regular expression"):
        columns_from_pattern(dataset, "(?P<line>")
    with pytest.raises(ConfigError, match="names no column"):
        columns_from_pattern(dataset, "press")
    with pytest.raises(DataError, match=r"(?s)1 of 3 frame names do not match.*press-2_a_003"):
        columns_from_pattern(dataset, "(?P<line>press-1)")


@pytest.mark.parametrize("named", ["{}", "{}.png", "images/{}.png", "./images/{}.png", "images\\{}.png"])
def test_columns_from_csv__by_stem_file_name_or_path(dataset: Dataset, tmp_path: Path, named: str) -> None:
    rows = "".join(f"{named.format(name)},{name[-1]}\n" for name in NAMES)
    (tmp_path / "c.csv").write_text(f"image,number\n{rows}", encoding="utf-8-sig")
    told = columns_from_csv(dataset, tmp_path / "c.csv")
    assert [frame.columns["number"] for frame in told.frames] == ["1", "2", "3"]
    assert told.notes == ()


def test_columns_from_csv__unmatched_on_both_sides_are_counted(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(f"image,line\n{NAMES[0]},1\nghost,2\n")
    notes = columns_from_csv(dataset, tmp_path / "c.csv").notes
    assert notes[0] == "c.csv: 1 rows name no frame: ghost"
    assert notes[1].startswith("c.csv: 2 frames have no row: press-1_b_002")


def test_columns_from_csv__refusals(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    for text, rule in (
        ("", "has no columns"),
        ("image\na\n", "has no columns"),
        ("image,line\nghost,1\n", "names no frame of the dataset"),
        (f"image,line\n{NAMES[0]},1\n{NAMES[0]},2\n", r"c\.csv:3: describes a frame a second time"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=rule):
            columns_from_csv(dataset, path)


def test_open_dataset__reads_a_csv_beside_the_frames(tmp_path: Path) -> None:
    root = index_folder(tmp_path / "set", NAMES)
    (root / "groups.csv").write_text("image,tile\n" + "".join(f"{name}.png,t{name[-1]}\n" for name in NAMES))
    (root / "prices.csv").write_text("article,price\nbracket,3\n")
    dataset = open_dataset(root)
    assert dataset.column_names == ("tile",)
    assert dataset.notes == ()


def test_columns_from_folder__the_folder_part_of_the_stem(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "semantic_camvid")
    assert {frame.columns["folder"] for frame in dataset.frames} == {"train", "val", "test"}
    assert columns_from_folder(dataset, "part").frames[0].columns["part"] == "test"
