"""Index masks in the layouts people keep them in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassTable, ConfigError, DataError
from segwright.data import check, open_dataset
from tests.data.pictures import CLASSES, index_folder, mask_of, noise, save

MASK = mask_of(scratch=(1, 1), dent=(2, 2), void=(3, 3))


@pytest.mark.parametrize(
    ("image", "mask", "stem"),
    [
        ("images/a.jpg", "masks/a.png", "a"),
        ("images/a.jpg", "labels/a.png", "a"),
        ("Images/a.JPG", "Masks/a.PNG", "a"),
        ("images/a.png", "masks/a_mask.png", "a"),
        ("images/train/a.png", "masks/train/a.png", "train/a"),
        ("train/images/a.png", "train/masks/a.png", "train/a"),
        ("train/a.png", "trainannot/a.png", "train/a"),
        ("JPEGImages/a.jpg", "SegmentationClass/a.png", "a"),
        ("a.jpg", "a.png", "a"),
        ("a.png", "a_mask.png", "a"),
        ("line 1/a.jpg", "line 1/a.png", "line 1/a"),
        ("images/品質 №1.png", "masks/品質 №1.png", "品質 №1"),
    ],
)
def test_read__layouts(tmp_path: Path, image: str, mask: str, stem: str) -> None:
    save(tmp_path / image, noise(6, 8))
    save(tmp_path / mask, MASK)
    dataset = open_dataset(tmp_path, format="index_png", classes=CLASSES)
    assert [frame.stem for frame in dataset.frames] == [stem]
    assert np.array_equal(dataset.read(dataset.frames[0]).labels.ids, MASK)


def test_read__named_folders(tmp_path: Path) -> None:
    save(tmp_path / "photos" / "deep" / "a.png", noise(6, 8))
    save(tmp_path / "truth" / "deep" / "a.png", MASK)
    options = {"images": "photos", "masks": "truth"}
    dataset = open_dataset(tmp_path, format="index_png", classes=CLASSES, options=options)
    assert [frame.stem for frame in dataset.frames] == ["deep/a"]


def test_read__missing_pairs_are_counted_on_both_sides(tmp_path: Path) -> None:
    root = index_folder(tmp_path, ("a", "b", "c"))
    (root / "masks" / "a.png").unlink()
    (root / "images" / "b.png").unlink()
    dataset = open_dataset(root)
    assert [frame.stem for frame in dataset.frames] == ["c"]
    assert "1 images have no mask and were left out" in dataset.notes[0]
    assert "images/a.png" in dataset.notes[0]
    assert "1 masks have no image and were left out" in dataset.notes[1]


def test_read__two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    root = index_folder(tmp_path)
    save(root / "images" / "a.jpg", noise(6, 8))
    save(root / "masks" / "b.tif", MASK)
    with pytest.raises(DataError, match="pairs are ambiguous") as caught:
        open_dataset(root)
    assert len(caught.value.problems) == 2


def test_read__no_pairs(tmp_path: Path) -> None:
    save(tmp_path / "images" / "a.png", noise(6, 8))
    with pytest.raises(DataError, match=r"(?s)has no image with a mask.*name the folders"):
        open_dataset(tmp_path, format="index_png", classes=CLASSES)


def test_read__no_class_table_lists_ids_and_what_to_paste(tmp_path: Path) -> None:
    root = index_folder(tmp_path, classes=False)
    with pytest.raises(ConfigError, match="has no class table") as caught:
        open_dataset(root)
    text = str(caught.value)
    assert "2 values in 2 of 2 masks: 0 (97.92% of pixels), 1 (2.08% of pixels)" in text
    assert "names: {class_0: 0, class_1: 1}" in text
    agreed = open_dataset(root, options={"classes_from_masks": True})
    assert agreed.classes.names == ("class_0", "class_1")


def test_read__rare_classes_beside_void_are_not_taken_for_black_and_white(tmp_path: Path) -> None:
    ids = np.zeros((100, 100), np.uint8)
    ids[:2, :2], ids[4, :3], ids[6, :4], ids[8, 8] = 255, 1, 2, 3
    root = index_folder(tmp_path, classes=False)
    for mask in (root / "masks").iterdir():
        save(mask, ids)
    with pytest.raises(ConfigError, match="has no class table") as caught:
        open_dataset(root)
    assert "names: {class_0: 0, class_1: 1, class_2: 2, class_3: 3}" in str(caught.value)
    assert "void: 255" in str(caught.value)


def test_read__black_and_white_masks_are_offered_a_cut(shared_data: Path) -> None:
    polyps = shared_data / "medical_cvc_clinicdb"
    with pytest.raises(ConfigError, match=r"(?s)black and white.*cut: 128"):
        open_dataset(polyps)
    dataset = open_dataset(polyps, classes=ClassTable.of(["background", "polyp"]), options={"cut": 128})
    assert len(dataset) == 103
    ids = np.concatenate([dataset.read_labels(frame).ids.ravel() for frame in dataset.frames[:20]])
    assert 0.02 < (ids == 1).mean() < 0.2


def test_read__inverted_masks_are_named_by_their_sense(shared_data: Path) -> None:
    table = ClassTable.of(["membrane", "cell"])
    dataset = open_dataset(shared_data / "medical_isbi2012", classes=table, options={"cut": 128})
    assert dataset.read_labels(dataset.frames[0]).area_px("cell") / 512**2 == pytest.approx(0.78, abs=0.05)


def test_read__cut_needs_two_classes(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs two classes"):
        open_dataset(index_folder(tmp_path), options={"cut": 128})


@pytest.mark.parametrize("given", [["7=void", "9=dent"], "7=void,9=dent", {7: "void", "9": "dent"}, ["7=255", "9=2"]])
def test_read__map_renames_values(tmp_path: Path, given: object) -> None:
    root = index_folder(tmp_path, ("a",))
    ids = MASK.copy()
    ids[0, 0], ids[0, 1] = 7, 9
    save(root / "masks" / "a.png", ids)
    assert check(open_dataset(root))[0].fix.endswith("`options: {map: [7=void]}`")
    dataset = open_dataset(root, options={"map": given})
    assert dataset.read_labels(dataset.frames[0]).ids[0, :2].tolist() == [255, 2]


def test_read__map_that_cannot_be_read(tmp_path: Path) -> None:
    root = index_folder(tmp_path)
    for given, rule in (
        (["7"], "without '='"),
        (["seven=void"], "no mask value"),
        (["7=crack"], "not in the class table"),
    ):
        with pytest.raises(ConfigError, match=rule):
            open_dataset(root, options={"map": given})


def test_read__camvid_classes_and_void(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "semantic_camvid")
    assert dataset.classes.void_id == 11
    assert dataset.classes.names[:3] == ("Sky", "Building", "Pole")
    assert dataset.classes.background is None
    assert dataset.frames[0].stem.startswith("test/0001TP")
