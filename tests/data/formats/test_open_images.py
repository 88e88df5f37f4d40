"""Open Images: a CSV of objects, a mask file each, masks of another size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassTable, ConfigError, DataError
from segwright.data import export_dataset, open_dataset
from tests.data.formats.test_conformance import labelled, objects
from tests.data.pictures import noise, save

ROWS = "MaskPath,ImageID,LabelName,BoxID\na_1.png,a,/m/1,x\na_2.png,a,/m/2,y\n"


def open_images(root: Path, rows: str = ROWS, mask_size: tuple[int, int] = (4, 6)) -> Path:
    for name in ("a", "b"):
        save(root / "images" / "train" / f"{name}.jpg", noise(4, 6))
    for at in (1, 2):
        mask = np.zeros(mask_size, bool)
        mask[: mask_size[0] // 2, : mask_size[1] // at] = True
        save(root / "masks" / f"a_{at}.png", mask)
    (root / "train-annotations-object-segmentation.csv").write_text(rows, encoding="utf-8")
    (root / "class-descriptions-boxable.csv").write_text("/m/1,Person\n/m/2,Car\n", encoding="utf-8")
    return root


def test_read__objects_and_names(tmp_path: Path) -> None:
    dataset = open_dataset(open_images(tmp_path))
    assert (dataset.format, [frame.stem for frame in dataset.frames]) == ("open_images", ["a"])
    assert dataset.classes.names == ("background", "Car", "Person")
    assert [one.area_px for one in dataset.read_instances(dataset.frames[0])] == [12, 6]
    assert dataset.notes == ("1 images have no masks and were left out: images/train/b.jpg",)


def test_read__masks_of_another_size(tmp_path: Path) -> None:
    root = open_images(tmp_path, mask_size=(8, 12))
    dataset = open_dataset(root)
    with pytest.raises(DataError, match="has another size than its image"):
        dataset.read_labels(dataset.frames[0])
    fitted = open_dataset(root, options={"fit_masks": True})
    assert [one.area_px for one in fitted.read_instances(fitted.frames[0])] == [12, 6]


def test_read__what_is_missing_is_said(tmp_path: Path) -> None:
    root = open_images(tmp_path, ROWS + "gone.png,a,/m/1,z\nc_1.png,c,/m/1,z\n")
    save(root / "masks" / "c_1.png", np.ones((4, 6), bool))
    notes = open_dataset(root).notes
    assert "1 mask files are not there" in notes[0]
    assert "1 images with masks are not there" in notes[1]
    with pytest.raises(DataError, match="names no image that is there"):
        open_dataset(open_images(tmp_path / "other", "MaskPath,ImageID,LabelName\ngone.png,z,/m/1\n"))
    with pytest.raises(DataError, match="is no row of an object"):
        open_dataset(open_images(tmp_path / "third", "MaskPath,ImageID\na_1.png,a\n"))


def test_read__given_table(tmp_path: Path) -> None:
    root = open_images(tmp_path)
    table = ClassTable.of(["background", "person"])
    with pytest.raises(ConfigError, match="not in the class table"):
        open_dataset(root, classes=table)
    dataset = open_dataset(root, classes=table, options={"map": ["Person=person", "Car=background"]})
    assert len(dataset.frames) == 1


def test_write__overlap_and_classes_come_back(tmp_path: Path) -> None:
    dataset = objects(tmp_path)
    export_dataset(dataset, tmp_path / "out", "open_images")
    again = open_dataset(tmp_path / "out")
    assert again.format == "open_images"
    for frame in (frame for frame in dataset.frames if len(dataset.read_instances(frame))):
        theirs = again.frame(frame.stem)
        assert again.read_instances(theirs).sorted_set() == dataset.read_instances(frame).sorted_set()
    with pytest.raises(DataError, match="and no objects"):
        export_dataset(labelled(tmp_path / "x", void=False), tmp_path / "out2", "open_images")


def test_read__stubs_of_another_tool(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "formats_datumaro" / "open_images_dataset" / "v6")
    assert dataset.format == "open_images"
    assert len(dataset.read_instances(dataset.frames[0])) == 1
