"""One mask file an object: the 2018 Data Science Bowl's layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import Box, ClassSpec, ClassTable, ConfigError, DataError
from segwright.data import check, export_dataset, open_dataset
from tests.data.formats.test_conformance import labelled, objects
from tests.data.pictures import index_folder, noise, save


def bowl(root: Path) -> Path:
    """Two frames: one of two objects that overlap in a pixel and an empty file, one without any."""
    for name, squares in (("a1", ((0, 0), (1, 1))), ("b2", ())):
        save(root / "stage1" / name / "images" / f"{name}.png", noise(4, 6, bands=4))
        for at, (top, left) in enumerate(squares):
            mask = np.zeros((4, 6), np.uint8)
            mask[top : top + 2, left : left + 2] = 255
            save(root / "stage1" / name / "masks" / f"{at}.png", mask)
    save(root / "stage1" / "a1" / "masks" / "z.png", np.zeros((4, 6), np.uint8))
    return root


def test_read__objects_may_overlap(tmp_path: Path) -> None:
    dataset = open_dataset(bowl(tmp_path), options={"class_name": "nucleus"})
    assert dataset.format == "object_files"
    a, b = dataset.frames
    assert a.stem == "stage1/a1"
    assert dataset.classes.describe() == "0 background, 1 nucleus, 255 void"
    assert [one.box for one in dataset.read_instances(a)] == [Box(0, 0, 2, 2), Box(1, 1, 3, 3)]
    assert dataset.read_labels(a).area_px("nucleus") == 7
    assert len(dataset.read_instances(b)) == 0
    assert "1 images have no mask file" in dataset.notes[0]


def test_read__tables(tmp_path: Path) -> None:
    root = bowl(tmp_path)
    dataset = open_dataset(root, classes=ClassTable.of(["background", "cell"]))
    assert dataset.read_labels(dataset.frames[0]).area_px("cell") == 7
    with pytest.raises(ConfigError, match="not in the class table"):
        open_dataset(root, classes=ClassTable.of(["background", "cell", "debris"]))
    with pytest.raises(ConfigError, match="has no background"):
        open_dataset(root, classes=ClassTable((ClassSpec(1, "cell"),)))


def test_read__a_folder_of_pairs_is_something_else(tmp_path: Path) -> None:
    root = index_folder(tmp_path / "plain")
    (tmp_path / "set").mkdir()
    root.rename(tmp_path / "set" / "plain")
    with pytest.raises(DataError, match=r"(?s)holds 2 images.*index_png"):
        open_dataset(tmp_path / "set", format="object_files")
    with pytest.raises(DataError, match="has no folders of an image and its objects"):
        open_dataset(tmp_path / "set" / "plain" / "masks", format="object_files")


def test_write__overlap_and_classes_come_back(tmp_path: Path) -> None:
    dataset = objects(tmp_path)
    export_dataset(dataset, tmp_path / "out", "object_files")
    again = open_dataset(tmp_path / "out")
    assert again.format == "object_files"
    for frame in dataset.frames:
        theirs = again.frame(frame.stem)
        assert again.read_instances(theirs).sorted_set() == dataset.read_instances(frame).sorted_set()
        assert np.array_equal(again.read_labels(theirs).ids, dataset.read_labels(frame).ids)


def test_write__labels_without_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)and no objects.*instances_from_label_map"):
        export_dataset(labelled(tmp_path, void=False), tmp_path / "out", "object_files")


def test_read__data_science_bowl(shared_data: Path, tmp_path: Path) -> None:
    dataset = open_dataset(shared_data / "instance_dsb2018", options={"class_name": "nucleus"})
    assert len(dataset) == 84
    some = dataset.only([frame.stem for frame in dataset.frames[::12]])
    assert check(some) == []
    for frame in some.frames:
        assert len(some.read_instances(frame)) == int(frame.columns["instances"])
    export_dataset(some, tmp_path / "out", "instance_maps")
    again = open_dataset(tmp_path / "out")
    for frame in some.frames:
        assert len(again.read_instances(again.frame(frame.stem))) == int(frame.columns["instances"])
