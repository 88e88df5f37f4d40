"""ADE20K: the full sets' pictures and text files, and SceneParsing's index masks whose 0 is void."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from segwright.core import Box, ClassTable, ConfigError, DataError, LabelMap
from segwright.data import Dataset, Frame, ImageFile, IndexMask, check, export_dataset, open_dataset, write_label_map
from segwright.data.shapes import Runs, ShapeMask
from tests.data.pictures import noise, save

# sky is class 2420 = 90 // 10 * 256 + 116 and object 1; two cars of class 401 = 10 // 10 * 256 + 145, objects 2 and 5
SEG = np.array([[[90, 116, 1], [0, 0, 0]], [[10, 145, 2], [10, 145, 5]]], np.uint8)
ATR = '001 # 0 # 0 # sky # sky # ""\n002 # 0 # 0 # car, auto # car # ""\n003 # 0 # 1 # car, auto # car # ""\n'


def full(root: Path, year: int) -> Path:
    folder = root / "training" / "street"
    save(folder / "a.jpg", noise(2, 2))
    save(folder / "a_seg.png", SEG)
    save(folder / "a_parts_1.png", SEG)
    rows = [
        {"name": name, "name_ndx": at, "parts": {"part_level": 0}} for name, at in (("sky", 2420), ("car, auto", 401))
    ]
    if year == 2017:
        (folder / "a_atr.txt").write_text(ATR, encoding="utf-8")
    else:
        (folder / "a.json").write_text(json.dumps({"annotation": {"object": rows}}), encoding="utf-8")
    return root


@pytest.mark.parametrize("year", [2017, 2020])
def test_read__classes_and_objects(tmp_path: Path, year: int) -> None:
    dataset = open_dataset(full(tmp_path, year))
    frame = dataset.frames[0]
    assert (dataset.format, frame.stem) == ("ade20k", "training/street/a")
    assert dataset.classes.names == ("car, auto", "sky")  # in the order of the set's indices: 401, 2420
    assert dataset.read_labels(frame).ids.tolist() == [[1, 255], [0, 0]]
    assert sorted(one.class_id for one in dataset.read_instances(frame)) == [0, 0, 1]
    assert "1 files of parts" in dataset.notes[0]


def test_read__damaged_text(tmp_path: Path) -> None:
    root = full(tmp_path, 2020)
    (root / "training" / "street" / "a.json").write_text('{"annotation": {}}', encoding="utf-8")
    with pytest.raises(DataError, match="cannot be read as objects of ADE20K"):
        open_dataset(root)


def test_read__a_class_that_no_text_file_names(tmp_path: Path) -> None:
    root = full(tmp_path, 2017)
    (root / "training" / "street" / "a_atr.txt").write_text(ATR.splitlines()[0] + "\n", encoding="utf-8")
    dataset = open_dataset(root)
    assert "2 pixels have 2 values that stand for no class" in check(dataset)[0].rule


def test_read__not_the_full_set(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", noise(2, 2))
    with pytest.raises(DataError, match=r"(?s)has no images of ADE20K.*ade20k_scenes"):
        open_dataset(tmp_path, format="ade20k")


def scenes(root: Path) -> Path:
    save(root / "images" / "training" / "a.jpg", noise(2, 2))
    save(root / "annotations" / "training" / "a.png", np.array([[0, 1], [2, 2]], np.uint8))
    (root / "objectInfo150.txt").write_text(
        "Idx\tRatio\tStuff\tName\n1\t0.15\t1\twall\n2\t0.1\t0\tcar, auto\n", "utf-8"
    )
    return root


def test_read_scenes__zero_is_void(tmp_path: Path) -> None:
    dataset = open_dataset(scenes(tmp_path))
    assert dataset.format == "ade20k_scenes"
    assert dataset.classes.describe() == "1 wall, 2 car, auto, 0 void"
    assert dataset.read_labels(dataset.frames[0]).ids.tolist() == [[0, 1], [2, 2]]
    given = ClassTable.of(["wall", "car, auto"])
    again = open_dataset(tmp_path, classes=given)
    assert again.read_labels(again.frames[0]).ids.tolist() == [[255, 0], [1, 1]]
    with pytest.raises(ConfigError, match="not in the class table"):
        open_dataset(tmp_path, classes=ClassTable.of(["wall"]))


def test_read_scenes__broken_list(tmp_path: Path) -> None:
    root = scenes(tmp_path)
    (root / "objectInfo150.txt").write_text("nothing\n", encoding="utf-8")
    with pytest.raises(DataError, match="names no classes"):
        open_dataset(root)
    (root / "objectInfo150.txt").unlink()
    with pytest.raises(DataError, match="is not SceneParsing"):
        open_dataset(root, format="ade20k_scenes")


def test_write_scenes__comes_back(tmp_path: Path) -> None:
    dataset = open_dataset(scenes(tmp_path / "in"))
    assert export_dataset(dataset, tmp_path / "out", "ade20k_scenes").losses == ()
    again = open_dataset(tmp_path / "out")
    assert again.classes == dataset.classes
    assert again.read_labels(again.frames[0]).ids.tolist() == [[0, 1], [2, 2]]


@pytest.mark.parametrize("part", ["ade20k2017_dataset", "ade20k2020_dataset"])
def test_read__stubs_of_another_tool(shared_data: Path, part: str) -> None:
    dataset = open_dataset(shared_data / "formats_datumaro" / part / "dataset")
    assert (dataset.format, len(dataset)) == ("ade20k", 2)
    assert check(dataset) == []
    if "2020" in part:
        assert [len(dataset.read_instances(frame)) for frame in dataset.frames] == [2, 2]


def test_write__codes_class_and_object_as_the_set_does(tmp_path: Path) -> None:
    names = ["background", *(f"class {number}" for number in range(1, 300))]
    table = ClassTable.of(names, void_id=65535)
    ids = np.zeros((4, 6), np.uint16)
    ids[:, 1], ids[:, 3:], ids[0, 0] = 7, 299, 65535
    write_label_map(tmp_path / "mask.png", LabelMap(ids, table))
    frame = Frame("street/a", ImageFile(save(tmp_path / "a.png", noise(4, 6))), IndexMask(tmp_path / "mask.png"))
    export_dataset(Dataset(tmp_path, table, (frame,), "index_png"), tmp_path / "out", "ade20k")
    colours = np.array(Pillow.open(tmp_path / "out" / "street" / "a_seg.png"))
    assert colours[1, :5, :2].tolist() == [[0, 1], [0, 8], [0, 1], [10, 44], [10, 44]]  # 300 = 1 x 256 + 44
    assert colours[0, 0].tolist() == [0, 0, 0]
    again = open_dataset(tmp_path / "out")
    assert (again.format, again.classes) == ("ade20k", table)
    assert again.read_labels(again.frames[0]).ids.tolist() == ids.tolist()
    assert len(again.read_instances(again.frames[0])) == 0


def test_write__more_objects_than_a_band_counts(tmp_path: Path) -> None:
    table = ClassTable.of(["background", "nail"])
    dots = tuple(Runs(1, (0, 1), Box(at, 2 * place, at + 1, 2 * place + 1), by_column=False)
                 for at in range(0, 32, 2) for place in range(16))  # fmt: skip
    frame = Frame("a", ImageFile(save(tmp_path / "a.png", noise(32, 32))), ShapeMask(dots, 0, None, "a"))
    with pytest.raises(DataError, match=r"(?s)more objects than the blue band counts.*256.*coco_panoptic"):
        export_dataset(Dataset(tmp_path, table, (frame,), "coco_json"), tmp_path / "out", "ade20k")
