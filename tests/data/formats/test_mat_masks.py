"""MATLAB masks: structs, cells of several people, SBD's classes and objects, files of other versions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from segwright.core import ClassTable, ConfigError, DataError
from segwright.data import check, open_dataset
from tests.data.pictures import noise, save

SEGMENTATION = np.array([[1, 2, 2], [1, 1, 3]], np.uint8)
TABLE = ClassTable.of(["none", "background", "crack", "mark"])


def mat(root: Path, content: dict | None = None, folder: str = "groundTruth", image: tuple[int, int] = (2, 3)) -> Path:
    save(root / "image" / "001.jpg", noise(*image))
    (root / folder).mkdir(exist_ok=True)
    struct = {"Segmentation": SEGMENTATION, "Boundaries": SEGMENTATION}
    scipy.io.savemat(str(root / folder / "001.mat"), content or {"groundTruth": struct})
    return root


def test_read__a_struct(tmp_path: Path) -> None:
    root = mat(tmp_path)
    with pytest.raises(ConfigError, match=r"(?s)no class table.*values 1, 2, 3.*set: crackforest"):
        open_dataset(root)
    dataset = open_dataset(root, options={"set": "crackforest"})
    assert (dataset.format, dataset.frames[0].stem) == ("mat_masks", "001")
    assert dataset.read_labels(dataset.frames[0]).ids.tolist() == [[1, 2, 2], [1, 1, 255]]
    named = open_dataset(root, classes=TABLE, options={"map": ["3=void"]})
    assert named.read_labels(named.frames[0]).ids[1, 2] == 255
    with pytest.raises(ConfigError, match="set: is not known"):
        open_dataset(root, options={"set": "cracks"})


def test_read__plain_arrays(tmp_path: Path) -> None:
    root = mat(tmp_path, {"mask": SEGMENTATION, "name": "x"})
    dataset = open_dataset(root, classes=TABLE)
    assert dataset.read_labels(dataset.frames[0]).ids.tolist() == SEGMENTATION.tolist()
    mat(tmp_path, {"mask": SEGMENTATION, "other": SEGMENTATION})
    with pytest.raises(DataError, match="holds 2 arrays that may be the mask"):
        dataset.read_labels(dataset.frames[0])
    chosen = open_dataset(root, classes=TABLE, options={"variable": "other"})
    assert check(chosen) == []
    mat(tmp_path, {"mask": SEGMENTATION + 0.5})
    with pytest.raises(DataError, match="has values that are no ids"):
        dataset.read_labels(dataset.frames[0])


def test_read__several_people(tmp_path: Path) -> None:
    cell = np.empty((1, 2), object)
    cell[0, 0], cell[0, 1] = {"Segmentation": SEGMENTATION}, {"Segmentation": SEGMENTATION.max() + 1 - SEGMENTATION}
    root = mat(tmp_path, {"groundTruth": cell})
    regions = open_dataset(root, options={"set": "bsds"})
    assert len(regions.read_instances(regions.frames[0])) == 3
    second = open_dataset(root, options={"set": "bsds", "annotator": 1})
    assert second.frames[0].mask.digest != regions.frames[0].mask.digest  # type: ignore[union-attr]
    third = open_dataset(root, options={"set": "bsds", "annotator": 2})
    with pytest.raises(DataError, match="has fewer annotators"):
        third.read_labels(third.frames[0])


def test_read__masks_on_their_side(tmp_path: Path) -> None:
    root = mat(tmp_path, image=(3, 2))
    dataset = open_dataset(root, classes=TABLE)
    with pytest.raises(DataError, match=r"(?s)lies on its side.*turn: left"):
        dataset.read_labels(dataset.frames[0])
    left = open_dataset(root, classes=TABLE, options={"turn": "left"})
    assert left.read_labels(left.frames[0]).ids.tolist() == np.rot90(SEGMENTATION).tolist()
    with pytest.raises(ConfigError, match="turn: is unknown"):
        open_dataset(root, classes=TABLE, options={"turn": "up"})


def test_read__sbd(tmp_path: Path) -> None:
    classes, objects = np.array([[0, 7, 7], [0, 7, 255]], np.uint8), np.array([[0, 1, 1], [0, 2, 0]], np.uint8)
    mat(tmp_path, {"GTcls": {"Segmentation": classes}}, "cls")
    root = mat(tmp_path, {"GTinst": {"Segmentation": objects, "Categories": [[7], [7]]}}, "inst")
    dataset = open_dataset(root)
    assert dataset.classes.names[7] == "car"
    assert [one.area_px for one in dataset.read_instances(dataset.frames[0])] == [2, 1]
    assert dataset.read_labels(dataset.frames[0]).ids[1, 2] == 255


def test_read__other_files(tmp_path: Path) -> None:
    root = mat(tmp_path)
    path = root / "groundTruth" / "001.mat"
    dataset = open_dataset(root, classes=TABLE)
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(DataError, match="cannot be read"):
        dataset.read_labels(dataset.frames[0])
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF")
    with pytest.raises(DataError, match=r"(?s)is a MATLAB 7\.3 file.*-v7"):
        dataset.read_labels(dataset.frames[0])
    with pytest.raises(DataError, match=r"has no images with \.mat masks"):
        open_dataset(root / "image", format="mat_masks")


def test_read__crackforest(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "defect_crackforest", options={"set": "crackforest"})
    assert (dataset.format, len(dataset)) == ("mat_masks", 78)
    assert check(dataset.only([frame.stem for frame in dataset.frames[::6]])) == []
    share = [dataset.read_labels(frame).area_px("crack") / (320 * 480) for frame in dataset.frames[::6]]
    assert 0.005 < float(np.mean(share)) < 0.04
