"""Mapillary Vistas: configs, versions, label and instance maps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segwright.core import DataError
from segwright.data import check, export_dataset, open_dataset
from tests.data.pictures import noise, save

CONFIG = {
    "labels": [
        {"name": "object--car", "color": [0, 0, 142], "instances": True, "evaluate": True, "readable": "Car"},
        {"name": "nature--sky", "color": [70, 130, 180], "instances": False, "evaluate": True, "readable": "Sky"},
        {"name": "void--unlabeled", "color": [0, 0, 0], "instances": False, "evaluate": False, "readable": "Unlabeled"},
    ]
}
INSTANCES = np.array([[0, 1, 256], [0, 512, 256]], np.uint16)


def vistas(root: Path, version: str = "v1.2") -> Path:
    save(root / "train" / "images" / "a.jpg", noise(2, 3))
    save(root / "train" / version / "labels" / "a.png", (INSTANCES // 256).astype(np.uint8))
    save(root / "train" / version / "instances" / "a.png", INSTANCES)
    (root / f"config_{version}.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    return root


def test_read__labels_objects_segments_and_void(tmp_path: Path) -> None:
    dataset = open_dataset(vistas(tmp_path))
    frame = dataset.frames[0]
    assert (dataset.format, frame.stem) == ("mapillary", "train/a")
    assert [spec.kind for spec in dataset.classes] == ["thing", "stuff"]
    assert dataset.read_labels(frame).ids.tolist() == [[0, 0, 1], [0, 255, 1]]
    assert [one.area_px for one in dataset.read_instances(frame)] == [2, 1]
    assert len(dataset.read_panoptic(frame).segments) == 3


def test_read__two_versions_need_a_word(tmp_path: Path) -> None:
    vistas(tmp_path)
    root = vistas(tmp_path, "v2.0")
    with pytest.raises(DataError, match=r"(?s)has 2 configs.*version: v2.0"):
        open_dataset(root)
    assert len(open_dataset(root, options={"version": "v2.0"})) == 1


def test_read__maps_must_agree_and_labels_be_known(tmp_path: Path) -> None:
    root = vistas(tmp_path)
    save(root / "train" / "v1.2" / "labels" / "a.png", np.zeros((2, 3), np.uint8))
    dataset = open_dataset(root)
    with pytest.raises(DataError, match="3 pixels have another class than in"):
        dataset.read_labels(dataset.frames[0])
    (root / "train" / "v1.2" / "instances" / "a.png").unlink()
    save(root / "train" / "v1.2" / "labels" / "a.png", np.full((2, 3), 7, np.uint8))
    dataset = open_dataset(root)
    with pytest.raises(DataError, match=r"(?s)stand for no class.*positions 0-2"):
        dataset.read_labels(dataset.frames[0])


def test_read__broken_config(tmp_path: Path) -> None:
    root = vistas(tmp_path)
    (root / "config_v1.2.json").write_text('{"labels": [{"name": 1, "evaluate": 1, "instances": 1}]}', encoding="utf-8")
    with pytest.raises(DataError, match=r"(?s)is no config of labels.*color"):
        open_dataset(root, format="mapillary")


def test_write__comes_back(tmp_path: Path) -> None:
    dataset = open_dataset(vistas(tmp_path / "in"))
    assert export_dataset(dataset, tmp_path / "out", "mapillary").losses == ()
    (tmp_path / "out" / "segwright-classes.json").unlink()
    again = open_dataset(tmp_path / "out")
    assert again.classes.names == dataset.classes.names
    frame, theirs = dataset.frames[0], again.frames[0]
    assert np.array_equal(again.read_labels(theirs).ids, dataset.read_labels(frame).ids)
    assert again.read_instances(theirs).instances == dataset.read_instances(frame).instances


@pytest.mark.parametrize(("part", "frames"), [("v1.2", 3), ("v2.0", 3), ("dataset_with_meta_file", 2)])
def test_read__stubs_of_another_tool(shared_data: Path, part: str, frames: int) -> None:
    dataset = open_dataset(shared_data / "formats_datumaro" / "mapillary_vistas_dataset" / part)
    assert (dataset.format, len(dataset)) == ("mapillary", frames)
    assert check(dataset) == []
