"""The magnetic tile layout: a folder a class, grey-level binary masks, a folder without defects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassTable, ConfigError, DataError
from segwright.data import EmptyMask, check, export_dataset, open_dataset
from tests.data.pictures import index_folder, noise, save


def _folders(root: Path, smoothed: bool = False) -> Path:
    for folder in ("Crack", "Dent", "Free"):
        for at in range(3):
            save(root / folder / "Imgs" / f"{folder}_{at}.jpg", noise(20, 24, seed=at)[..., 0])
            mask = np.zeros((20, 24), np.uint8)
            if folder != "Free":
                mask[5:10, 5:12] = 255
                if smoothed:
                    mask[4, 5:12], mask[10, 5:12] = 90, 200
            save(root / folder / "Imgs" / f"{folder}_{at}.png", mask)
    return root


def test_read__class_from_folder_and_free_folder_found(tmp_path: Path) -> None:
    dataset = open_dataset(_folders(tmp_path))
    assert dataset.format == "class_folders"
    assert dataset.classes.names == ("background", "Crack", "Dent")
    assert dataset.classes.background == "background"
    areas = {frame.stem: dataset.read_labels(frame) for frame in dataset.frames}
    assert areas["Dent/Imgs/Dent_1"].area_px("Dent") == 35
    assert areas["Free/Imgs/Free_0"].area_px("background") == 480
    assert isinstance(dataset.frame("Free/Imgs/Free_0").mask, EmptyMask)
    assert dataset.frame("Crack/Imgs/Crack_0").columns == {"folder": "Crack/Imgs"}


@pytest.mark.parametrize(("cut", "area"), [(128, 42), (50, 49), (255, 35)])
def test_read__smoothed_masks_are_cut(tmp_path: Path, cut: int, area: int) -> None:
    dataset = open_dataset(_folders(tmp_path, smoothed=True), options={"cut": cut})
    assert dataset.read_labels(dataset.frame("Crack/Imgs/Crack_0")).area_px("Crack") == area


def test_read__painted_mask_in_the_free_folder_is_refused_when_read(tmp_path: Path) -> None:
    root = _folders(tmp_path)
    mask = np.zeros((20, 24), np.uint8)
    mask[0, 0] = 255
    dataset = open_dataset(root, options={"free": "Free"})
    save(root / "Free" / "Imgs" / "Free_2.png", mask)
    problems = check(dataset)
    assert [problem.rule for problem in problems] == [
        "1 pixels are painted in a folder that was taken for free of defects"
    ]
    assert "free: none" in problems[0].fix


def test_read__free_folder_given_or_denied(tmp_path: Path) -> None:
    root = _folders(tmp_path)
    assert open_dataset(root, options={"free": "none"}).classes.names == ("background", "Crack", "Dent", "Free")
    with pytest.raises(ConfigError, match=r"(?s)names no folder.*Crack, Dent, Free, none"):
        open_dataset(root, options={"free": "Good"})


def test_read__given_table_must_name_the_folders(tmp_path: Path) -> None:
    root = _folders(tmp_path)
    table = ClassTable.of(["background", "Dent", "Crack"])
    dataset = open_dataset(root, classes=table)
    assert dataset.read_labels(dataset.frame("Dent/Imgs/Dent_0")).ids.max() == 1
    with pytest.raises(ConfigError, match=r"(?s)does not name the class folders.*add Dent"):
        open_dataset(root, classes=ClassTable.of(["background", "Crack"]))


def test_read__sixteen_bit_and_one_bit_masks(tmp_path: Path) -> None:
    root = _folders(tmp_path)
    mask = np.zeros((20, 24), np.uint16)
    mask[5:10, 5:12], mask[0, 0] = 65535, 32000
    save(root / "Crack" / "Imgs" / "Crack_0.png", mask)
    save(root / "Crack" / "Imgs" / "Crack_1.png", mask > 40000)
    dataset = open_dataset(root)
    for at in (0, 1):
        assert dataset.read_labels(dataset.frame(f"Crack/Imgs/Crack_{at}")).area_px("Crack") == 35


def test_recognise__index_masks_beside_images_are_not_class_folders(tmp_path: Path) -> None:
    for folder in ("monday", "tuesday"):
        save(tmp_path / folder / "a.jpg", noise(6, 8))
        save(tmp_path / folder / "a.png", np.array([[0, 1, 2, 255]] * 6, np.uint8).repeat(2, axis=1))
    assert open_dataset(tmp_path, classes=ClassTable.of(["background", "x", "y"])).format == "index_png"


def test_read__no_folders_of_pairs(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no folders of images with masks beside them"):
        open_dataset(index_folder(tmp_path), format="class_folders")


def test_read__magnetic_tiles(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "defect_magnetic_tile")
    assert dataset.classes.names == ("background", "MT_Blowhole", "MT_Break", "MT_Crack", "MT_Fray", "MT_Uneven")
    assert set(dataset.column_names) >= {"class", "exposure", "tile_group_inferred"}
    assert len({frame.columns["tile_group_inferred"] for frame in dataset.frames}) == 70
    assert dataset.notes == ()
    empty = [
        frame.stem
        for frame in dataset.frames
        if not frame.stem.startswith("MT_Free")
        and not dataset.read_labels(frame).mask(*dataset.classes.names[1:]).any()
    ]
    assert len(empty) <= 4


def test_write__one_class_a_frame_comes_back(tmp_path: Path) -> None:
    dataset = open_dataset(_folders(tmp_path / "in"))
    assert export_dataset(dataset, tmp_path / "out", "class_folders").losses == ()
    again = open_dataset(tmp_path / "out")
    assert again.format == "class_folders"
    assert again.classes == dataset.classes
    for frame in dataset.frames:
        stem = frame.stem if not frame.stem.startswith("Free") else f"free/{frame.stem}"
        assert np.array_equal(again.read_labels(again.frame(stem)).ids, dataset.read_labels(frame).ids)


def test_write__frames_of_several_classes_are_refused_together(tmp_path: Path) -> None:
    root = index_folder(tmp_path / "in")
    for name in ("a", "b"):
        save(root / "masks" / f"{name}.png", np.array([[0, 1, 2, 1] * 2] * 6, np.uint8))
    with pytest.raises(DataError, match=r"(?s)holds more than one class.*index_png") as caught:
        export_dataset(open_dataset(root), tmp_path / "out", "class_folders")
    assert len(caught.value.problems) == 2
    assert not (tmp_path / "out").exists()


def test_write__names_that_are_no_folders(tmp_path: Path) -> None:
    root = index_folder(tmp_path / "in")
    dataset = open_dataset(root, classes=ClassTable.of(["background", "free", "a/b"]))
    with pytest.raises(DataError, match=r"(?s)does not fit into folders.*free, a/b"):
        export_dataset(dataset, tmp_path / "out", "class_folders")
