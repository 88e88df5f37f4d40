"""Black and white masks: a field of view, an inverted sense, noise below the cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassTable, ConfigError, DataError
from segwright.data import check, export_dataset, open_dataset
from tests.data.formats.test_conformance import labelled
from tests.data.pictures import noise, save

WHITE = np.array([[0, 255, 255, 0], [0, 0, 140, 20]], np.uint8)
SEEN = np.array([[0, 255, 255, 255]] * 2, np.uint8)


def drive(root: Path) -> Path:
    save(root / "training" / "images" / "21_training.tif", noise(2, 4))
    save(root / "training" / "1st_manual" / "21_manual1.gif", WHITE)
    save(root / "training" / "mask" / "21_training_mask.gif", SEEN)
    return root


def test_read__what_the_camera_did_not_see_is_void(tmp_path: Path) -> None:
    dataset = open_dataset(drive(tmp_path))
    assert (dataset.format, dataset.frames[0].stem) == ("binary_masks", "training/21_training")
    assert dataset.read_labels(dataset.frames[0]).ids.tolist() == [[255, 1, 1, 0], [255, 0, 1, 0]]
    assert len(dataset.frames[0].mask.files) == 2  # type: ignore[union-attr]


def test_read__inverted_and_named(tmp_path: Path) -> None:
    options = {"inverted": True, "foreground": "membrane", "background": "cell", "cut": 141}
    dataset = open_dataset(drive(tmp_path), options=options)
    assert dataset.classes.describe() == "0 cell, 1 membrane, 255 void"
    assert dataset.read_labels(dataset.frames[0]).ids[1].tolist() == [255, 1, 1, 1]


def test_read__folders_named_by_options(tmp_path: Path) -> None:
    save(tmp_path / "frames" / "day" / "a.png", noise(2, 4))
    save(tmp_path / "drawn" / "day" / "a_mask.png", WHITE)
    save(tmp_path / "frames" / "b.png", noise(2, 4))
    options = {"images": "frames", "masks": "drawn"}
    dataset = open_dataset(tmp_path, format="binary_masks", options=options)
    assert [frame.stem for frame in dataset.frames] == ["frames/day/a"]
    assert "1 images have no mask" in dataset.notes[0]
    with pytest.raises(ConfigError, match="names the masks and not the images"):
        open_dataset(tmp_path, format="binary_masks", options={"masks": "drawn"})


def test_read__given_tables(tmp_path: Path) -> None:
    root = drive(tmp_path)
    vessels = ClassTable.of(["background", "vessel"])
    assert open_dataset(root, classes=vessels).classes == vessels
    three = ClassTable.of(["background", "vessel", "nerve"])
    with pytest.raises(ConfigError, match=r"(?s)does not say which class is painted.*foreground: NAME"):
        open_dataset(root, classes=three)
    dataset = open_dataset(root, classes=three, options={"foreground": "nerve"})
    assert dataset.read_labels(dataset.frames[0]).area_px("nerve") == 3


def test_read__nothing_there(tmp_path: Path) -> None:
    save(tmp_path / "a.png", noise(2, 4))
    with pytest.raises(DataError, match="has no image with a mask"):
        open_dataset(tmp_path, format="binary_masks")


def test_write__two_classes_come_back(tmp_path: Path) -> None:
    dataset = open_dataset(drive(tmp_path / "in"), classes=ClassTable.of(["background", "vessel"]))
    done = export_dataset(dataset, tmp_path / "out", "binary_masks")
    assert done.losses == ("void pixels become background: 1 frames have some",)
    again = open_dataset(tmp_path / "out")
    assert again.format == "binary_masks"
    assert again.frames[0].stem == dataset.frames[0].stem
    assert again.read_labels(again.frames[0]).ids.tolist() == [[0, 1, 1, 0], [0, 0, 1, 0]]


def test_write__more_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)does not fit into black and white masks.*index_png"):
        export_dataset(labelled(tmp_path, void=False), tmp_path / "out", "binary_masks")


def test_read__drive(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "medical_drive", options={"foreground": "vessel"})
    assert len(dataset) == 12
    assert check(dataset) == []
    labels = dataset.read_labels(dataset.frames[0])
    assert 0.25 < labels.void_fraction < 0.35
    assert 0.05 < labels.area_px("vessel") / labels.ids.size < 0.12


@pytest.mark.parametrize(
    ("folder", "options", "share"),
    [
        ("medical_isbi2012", {"inverted": True, "foreground": "membrane"}, (0.15, 0.3)),
        ("medical_cvc_clinicdb", {"foreground": "polyp"}, (0.01, 0.2)),
    ],
)
def test_read__black_and_white_sets(shared_data: Path, folder: str, options: dict, share: tuple) -> None:
    dataset = open_dataset(shared_data / folder, format="binary_masks", options=options)
    sample = [dataset.read_labels(frame).ids.mean() for frame in dataset.frames[::10]]
    assert share[0] < float(np.mean(sample)) < share[1]


def test_read__black_and_white_sets_say_what_to_set(shared_data: Path) -> None:
    for folder in ("medical_isbi2012", "medical_cvc_clinicdb"):
        with pytest.raises(ConfigError, match=r"(?s)black and white.*cut: 128"):
            open_dataset(shared_data / folder)
