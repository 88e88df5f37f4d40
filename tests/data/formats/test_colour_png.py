"""Colour masks with a list of colours: CamVid's files, CSV lists, colours nobody names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassSpec, ClassTable, ConfigError, DataError
from segwright.data import check, export_dataset, open_dataset
from segwright.data.formats.colour_tables import chosen_table, read_colour_file
from tests.data.pictures import noise, save

ROAD, CAR, VOID = (128, 64, 128), (64, 0, 128), (0, 0, 0)


def colour_folder(root: Path, listed: str | None = "128 64 128\tRoad\n64 0 128\tCar\n0 0 0\tVoid\n") -> Path:
    """images/a.png and labels/a_L.png of 3x4, CamVid's names and colours."""
    mask = np.full((3, 4, 3), ROAD, np.uint8)
    mask[1, 1], mask[2, 3] = CAR, VOID
    save(root / "images" / "a.png", noise(3, 4))
    save(root / "labels" / "a_L.png", mask)
    if listed:
        (root / "label_colors.txt").write_text(listed, encoding="utf-8")
    return root


def test_read__names_in_the_order_of_the_list(tmp_path: Path) -> None:
    dataset = open_dataset(colour_folder(tmp_path))
    assert dataset.format == "colour_png"
    assert dataset.classes.describe() == "0 Road, 1 Car, 255 void"
    assert dataset.read_labels(dataset.frame("a")).ids.tolist() == [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 255]]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("class_dict.csv", "name,r,g,b\nRoad,128,64,128\nCar,64,0,128\nVoid,0,0,0\n"),
        ("labelmap.txt", "# label:color_rgb:parts:actions\nRoad:128,64,128::\nCar:64,0,128::\nVoid:0,0,0::\n"),
        ("label_colors.txt", "128, 64, 128, Road\n64,0,128,Car\n0 0 0 Void\n"),
    ],
)
def test_read__every_kind_of_list(tmp_path: Path, name: str, text: str) -> None:
    root = colour_folder(tmp_path, None)
    (root / name).write_text(text, encoding="utf-8")
    dataset = open_dataset(root)
    assert dataset.classes.names == ("Road", "Car")
    assert dataset.read_labels(dataset.frame("a")).ids[1, 1] == 1


def test_read__no_list_shows_what_to_write(tmp_path: Path) -> None:
    root = colour_folder(tmp_path, None)
    with pytest.raises(ConfigError, match=r"(?s)no list of colours.*#804080.*colours: camvid"):
        open_dataset(root)
    dataset = open_dataset(
        root, format="colour_png", options={"colours": {"road": [128, 64, 128], "car": [64, 0, 128]}}
    )
    assert "stand for no class" in check(dataset)[0].rule
    assert open_dataset(root, options={"colours": "camvid"}).classes.names[0] == "Animal"


def test_read__colours_nobody_knows_are_listed_to_paste(tmp_path: Path) -> None:
    save(tmp_path / "images" / "a.png", noise(3, 4))
    save(tmp_path / "masks" / "a.png", np.full((3, 4, 3), (1, 2, 3), np.uint8))
    with pytest.raises(ConfigError, match="1 2 3 class_0"):
        open_dataset(tmp_path)


def test_read__colours_of_a_given_table(tmp_path: Path) -> None:
    table = ClassTable(
        (ClassSpec(4, "road", colour=ROAD), ClassSpec(7, "car", colour=CAR), ClassSpec(9, "x", colour=VOID))
    )
    dataset = open_dataset(colour_folder(tmp_path, None), classes=table)
    assert set(np.unique(dataset.read_labels(dataset.frame("a")).ids)) == {4, 7, 9}


def test_read__names_must_be_in_a_given_table_or_renamed(tmp_path: Path) -> None:
    root = colour_folder(tmp_path)
    table = ClassTable.of(["background", "vehicle"])
    with pytest.raises(ConfigError, match=r"(?s)2 labels that are not in the class table.*Road"):
        open_dataset(root, classes=table)
    dataset = open_dataset(root, classes=table, options={"map": ["Road=background", "Car=vehicle"]})
    assert dataset.read_labels(dataset.frame("a")).area_px("vehicle") == 1


def test_read__smoothed_edges_are_refused(tmp_path: Path) -> None:
    root = colour_folder(tmp_path)
    mask = np.full((3, 4, 3), ROAD, np.uint8)
    mask[0, 0] = (100, 60, 128)
    save(root / "labels" / "a_L.png", mask)
    dataset = open_dataset(root)
    with pytest.raises(DataError, match=r"(?s)1 pixels have 1 values that stand for no class.*smoothed edges"):
        dataset.read_labels(dataset.frame("a"))


def test_read_colour_file__everything_wrong_at_once(tmp_path: Path) -> None:
    path = tmp_path / "label_colors.txt"
    path.write_text("128 64 128 Road\n300 0 0 Car\nnonsense\n128 64 128 Street\n", encoding="utf-8")
    with pytest.raises(DataError, match="is no colour and name") as caught:
        read_colour_file(path)
    assert [problem.place.rpartition(":")[2] for problem in caught.value.problems[:2]] == ["2", "3"]
    assert "gives one colour to two classes" in str(caught.value)
    path.write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(DataError, match="lists no colour"):
        read_colour_file(path)
    path.write_bytes(b"\xff\xfe1")
    with pytest.raises(DataError, match="cannot be read"):
        read_colour_file(path)


@pytest.mark.parametrize("value", ["camvide", {}, {"road": [1, 2]}, {"road": [1, 2, 300]}, 3])
def test_chosen_table__nonsense(value: object) -> None:
    with pytest.raises(ConfigError, match="is no list of colours"):
        chosen_table(value)


def test_write__list_and_colours_are_enough(tmp_path: Path) -> None:
    dataset = open_dataset(colour_folder(tmp_path / "in"))
    export_dataset(dataset, tmp_path / "out", "colour_png")
    (tmp_path / "out" / "segwright-classes.json").unlink()
    again = open_dataset(tmp_path / "out")
    assert again.classes.names == dataset.classes.names
    assert np.array_equal(again.read_labels(again.frames[0]).ids, dataset.read_labels(dataset.frames[0]).ids)


def test_read__left_and_right_images_keep_their_masks(tmp_path: Path) -> None:
    for name in ("a_L", "a_R"):
        save(tmp_path / "images" / f"{name}.png", noise(3, 4))
        save(tmp_path / "masks" / f"{name}.png", np.full((3, 4, 3), ROAD, np.uint8))
    dataset = open_dataset(tmp_path, options={"colours": "camvid"})
    assert [frame.stem for frame in dataset.frames] == ["a_L", "a_R"]


def test_read__camvid_stubs(shared_data: Path) -> None:
    folder = shared_data / "formats_datumaro" / "camvid_dataset"
    dataset = open_dataset(folder, options={"colours": "camvid"})
    assert len(dataset) == 4
    assert check(dataset) == []
    listed = open_dataset(shared_data / "formats_datumaro" / "synthia_dataset" / "dataset_with_custom_labelmap")
    assert listed.classes.names == ("background", "sky", "building", "person", "road")
