"""Maps of object numbers: of one class, by ranges, by division, by a list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassTable, ConfigError, DataError
from segwright.data import open_dataset
from tests.data.pictures import noise, save

MAP = np.array([[0, 1, 1, 300], [0, 2, 0, 1001]], np.uint16)


def maps(root: Path, folder: str = "instance_maps", values: np.ndarray = MAP) -> Path:
    save(root / "images" / "a.png", noise(2, 4))
    save(root / folder / "a.png", values)
    return root


def test_read__objects_of_one_class(tmp_path: Path) -> None:
    dataset = open_dataset(maps(tmp_path), options={"class_name": "nucleus"})
    assert dataset.format == "instance_maps"
    objects = dataset.read_instances(dataset.frames[0])
    assert [one.area_px for one in objects] == [2, 1, 1, 1]
    assert dataset.read_labels(dataset.frames[0]).area_px("nucleus") == 5


def test_read__float_and_32_bit_tiff(tmp_path: Path) -> None:
    import tifffile

    root = maps(tmp_path)
    (root / "instance_maps" / "a.png").unlink()
    for values in (MAP.astype(np.float32), MAP.astype(np.uint32) * 1000):
        tifffile.imwrite(root / "instance_maps" / "a.tif", values)
        dataset = open_dataset(root)
        assert len(dataset.read_instances(dataset.frames[0])) == 4
    tifffile.imwrite(root / "instance_maps" / "a.tif", MAP.astype(np.float32) + 0.5)
    dataset = open_dataset(root)
    with pytest.raises(DataError, match="has values that are no ids"):
        dataset.read_labels(dataset.frames[0])


def test_read__ranges_and_void(tmp_path: Path) -> None:
    root = maps(tmp_path)
    options = {"ranges": {"cell": "1-299", "nucleus": "300-999"}, "map": ["1001=void"]}
    dataset = open_dataset(root, options=options)
    assert dataset.read_labels(dataset.frames[0]).ids.tolist() == [[0, 1, 1, 2], [0, 1, 0, 255]]
    strict = open_dataset(root, options={"ranges": {"cell": "1-999"}})
    with pytest.raises(DataError, match=r"(?s)1 pixels have 1 values.*1-999.*1001"):
        strict.read_labels(strict.frames[0])


@pytest.mark.parametrize("ranges", [{"a": "x"}, {"a": "1-5", "b": "5-9"}, {"a": "9-5"}, "1-5"])
def test_read__nonsense_ranges(tmp_path: Path, ranges: object) -> None:
    with pytest.raises(ConfigError, match="are no ranges of numbers"):
        open_dataset(maps(tmp_path), options={"ranges": ranges})


def test_read__division(tmp_path: Path) -> None:
    root = maps(tmp_path, "instances", np.array([[0, 1000, 1001, 1002], [2001, 2001, 10000, 0]], np.uint16))
    with pytest.raises(ConfigError, match=r"(?s)nobody says which class a number is.*divisor: 1000"):
        open_dataset(root)
    with pytest.raises(ConfigError, match=r"(?s)nobody says what the classes.*classes.txt"):
        open_dataset(root, options={"divisor": 1000})
    table = ClassTable.of(["background", "car", "person"])
    dataset = open_dataset(root, classes=table, options={"divisor": 1000, "map": ["10000=void"]})
    assert dataset.read_labels(dataset.frames[0]).ids.tolist() == [[0, 1, 1, 1], [2, 2, 255, 0]]
    assert [one.area_px for one in dataset.read_instances(dataset.frames[0])] == [1, 1, 2]
    with pytest.raises(ConfigError, match="divisor: is none"):
        open_dataset(root, classes=table, options={"divisor": "x"})


def test_read__a_list_that_contradicts_itself(tmp_path: Path) -> None:
    root = maps(tmp_path)
    listed = root / "instance_maps" / "instances.csv"
    listed.write_text("number,image,class\n1,a,cell\n1,a,cell\n", encoding="utf-8")
    with pytest.raises(DataError, match="lists a number a second time"):
        open_dataset(root)
    listed.write_text("number,image,class,object\nx,a,cell,yes\n2,a,cell,perhaps\n", encoding="utf-8")
    with pytest.raises(DataError, match="is no row of a list") as caught:
        open_dataset(root)
    assert len(caught.value.problems) == 2
    listed.write_text("number,image,class,object\n1,a.png,cell,yes\n2,a,void,no\n", encoding="utf-8")
    dataset = open_dataset(root)
    with pytest.raises(DataError, match=r"(?s)2 values that stand for no class.*300, 1001"):
        dataset.read_labels(dataset.frames[0])


def test_read__folders_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no image with a map of object numbers"):
        open_dataset(maps(tmp_path, "other"), format="instance_maps")


def test_read__kitti_stubs(shared_data: Path) -> None:
    root = shared_data / "formats_datumaro" / "kitti_dataset" / "kitti_segmentation"
    table = ClassTable.of([*(f"label {at}" for at in range(34))])
    dataset = open_dataset(root, classes=table, options={"divisor": 256})
    assert dataset.read_labels(dataset.frames[0]).ids.tolist() == [[3, 3, 27, 27, 27]]
    assert len(dataset.read_instances(dataset.frames[0])) == 2
