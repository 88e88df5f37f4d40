"""Cityscapes files: label ids, instance ids, groups, train ids, tables of other names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassSpec, ClassTable, ConfigError, DataError
from segwright.data import Dataset, Frame, ImageFile, ShapeMask, check, export_dataset, open_dataset
from segwright.data.formats.cityscapes_table import BY_NAME, LABELS, city_table
from segwright.data.shapes import Runs
from tests.data.pictures import noise, save

STEM = "val/aachen/aachen_000000_000019"
LABEL_IDS = np.array([[7, 7, 26, 26, 26], [24, 9, 0, 33, 255]], np.uint8)
INSTANCE_IDS = np.array([[7, 7, 26000, 26001, 26], [24000, 9, 0, 33, 255]], np.uint16)


def city(root: Path, **kinds: np.ndarray) -> Path:
    """One frame of 2x5 with the given kinds of mask."""
    save(root / "leftImg8bit" / f"{STEM}_leftImg8bit.png", noise(2, 5))
    for kind, values in kinds.items():
        save(root / "gtFine" / f"{STEM}_gtFine_{kind}.png", values)
    return root


def test_table__is_the_official_one() -> None:
    # cityscapesScripts, helpers/labels.py: 19 train ids in this order, 8 classes with instances among them
    trained = [label.name for label in sorted(LABELS, key=lambda label: label.train_id) if label.train_id != 255]
    assert len(trained) == 19
    assert (trained[0], trained[10], trained[18]) == ("road", "sky", "bicycle")
    assert [label.name for label in LABELS if label.counted and label.train_id != 255] == [
        "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
    ]  # fmt: skip
    assert BY_NAME["car"].colour == (0, 0, 142)
    assert len(city_table(train_ids=False, whole=True)) == 28


def test_read__label_ids_with_void_classes(tmp_path: Path) -> None:
    dataset = open_dataset(city(tmp_path, labelIds=LABEL_IDS))
    frame = dataset.frames[0]
    assert (dataset.format, frame.stem) == ("cityscapes", STEM)
    assert frame.columns["part"] == "validation"
    assert frame.columns["city"] == "aachen"
    assert dataset.read_labels(frame).ids.tolist() == [[7, 7, 26, 26, 26], [24, 255, 255, 33, 255]]
    whole = open_dataset(tmp_path, options={"whole_table": True})
    assert whole.read_labels(whole.frames[0]).ids[1].tolist() == [24, 9, 255, 33, 255]


def test_read__objects_groups_and_segments(tmp_path: Path) -> None:
    dataset = open_dataset(city(tmp_path, labelIds=LABEL_IDS, instanceIds=INSTANCE_IDS))
    frame = dataset.frames[0]
    assert dataset.read_labels(frame).ids[0].tolist() == [7, 7, 26, 26, 26]  # a group of cars is car in label ids
    objects = dataset.read_instances(frame)
    assert [(one.class_id, one.crowd, one.area_px) for one in objects] == [
        (26, True, 1), (33, True, 1), (24, False, 1), (26, False, 1), (26, False, 1),
    ]  # fmt: skip
    panoptic = dataset.read_panoptic(frame)
    assert len(panoptic.segments) == 6
    assert panoptic.void.sum() == 3


def test_read__label_ids_and_instance_ids_must_agree(tmp_path: Path) -> None:
    other = LABEL_IDS.copy()
    other[0, 0] = 8
    dataset = open_dataset(city(tmp_path, labelIds=other, instanceIds=INSTANCE_IDS))
    with pytest.raises(DataError, match=r"1 pixels have another class than in aachen_000000_000019_gtFine_labelIds"):
        dataset.read_labels(dataset.frames[0])


def test_read__train_ids_where_there_is_nothing_else(tmp_path: Path) -> None:
    dataset = open_dataset(city(tmp_path, labelTrainIds=np.array([[0, 1, 18, 255, 19]] * 2, np.uint8)))
    assert dataset.classes.names[0] == "road"
    assert dataset.classes.ids == tuple(range(19))
    with pytest.raises(DataError, match=r"(?s)2 pixels have 1 values that stand for no class.*map: \[19=void\]"):
        dataset.read_labels(dataset.frames[0])
    mapped = open_dataset(tmp_path, options={"map": ["19=void", "sidewalk=road"]})
    assert mapped.read_labels(mapped.frames[0]).ids[0].tolist() == [0, 0, 18, 255, 255]


def test_read__a_given_table_must_name_what_is_scored(tmp_path: Path) -> None:
    root = city(tmp_path, labelIds=LABEL_IDS)
    few = ClassTable((ClassSpec(0, "road"), ClassSpec(1, "car")))
    with pytest.raises(ConfigError, match=r"(?s)leaves out classes of Cityscapes.*sidewalk=void"):
        open_dataset(root, classes=few)
    renumbered = ClassTable(
        tuple(ClassSpec(at, spec.name) for at, spec in enumerate(city_table(train_ids=True, whole=False)))
    )
    dataset = open_dataset(root, classes=renumbered)
    assert dataset.read_labels(dataset.frames[0]).ids[0].tolist() == [0, 0, 13, 13, 13]


def test_read__no_files(tmp_path: Path) -> None:
    save(tmp_path / "a.png", noise(2, 5))
    with pytest.raises(DataError, match=r"(?s)no Cityscapes images.*leftImg8bit_trainvaltest.zip"):
        open_dataset(tmp_path, format="cityscapes")


def test_write__official_names_in_official_ids(tmp_path: Path) -> None:
    dataset = open_dataset(city(tmp_path / "in", labelIds=LABEL_IDS, instanceIds=INSTANCE_IDS))
    done = export_dataset(dataset, tmp_path / "out", "cityscapes")
    assert any("crowd" in loss for loss in done.losses)
    again = open_dataset(tmp_path / "out")
    assert np.array_equal(again.read_labels(again.frames[0]).ids, dataset.read_labels(dataset.frames[0]).ids)
    plain = [one for one in dataset.read_instances(dataset.frames[0]) if not one.crowd]
    assert [one for one in again.read_instances(again.frames[0]) if not one.crowd] == plain
    assert (tmp_path / "out" / "gtFine" / f"{STEM}_gtFine_labelTrainIds.png").is_file()


def test_write__class_ids_beyond_label_ids(tmp_path: Path) -> None:
    wide = ClassTable((ClassSpec(0, "background"), ClassSpec(300, "scratch")), 65535)
    with pytest.raises(DataError, match="label ids of 8 bits do not hold"):
        export_dataset(Dataset(tmp_path, wide, (), "x"), tmp_path / "out", "cityscapes")


def test_write__class_ids_beyond_instance_ids(tmp_path: Path) -> None:
    save(tmp_path / "a.png", noise(4, 5))
    table = ClassTable((ClassSpec(0, "background"), ClassSpec(66, "scratch")))
    frame = Frame("a", ImageFile(tmp_path / "a.png"), ShapeMask((Runs(66, (0, 2, 18)),), 0, None, "a"))
    with pytest.raises(DataError, match=r"(?s)instance ids of 16 bits do not hold.*coco_panoptic"):
        export_dataset(Dataset(tmp_path, table, (frame,), "x"), tmp_path / "out", "cityscapes")


def test_read__stubs_of_another_tool(shared_data: Path) -> None:
    root = shared_data / "formats_datumaro" / "cityscapes_dataset"
    for part in ("dataset", "train_dataset"):
        dataset = open_dataset(root / part)
        assert dataset.format == "cityscapes"
        assert check(dataset) == []
        cars = dataset.frame("test/defaultcity/defaultcity_000001_000031")
        assert [one.class_id for one in dataset.read_instances(cars)] == [27, 27]
