"""Datumaro JSON: subsets, z_order, groups, run lengths, and what a file can get wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco

from segwright.core import DataError
from segwright.data import check, export_dataset, open_dataset
from tests.data.pictures import noise, save

SQUARE = [1, 0, 5, 0, 5, 3, 1, 3]


def _polygon(label: Any = 0, points: Any = SQUARE, **more: Any) -> dict[str, Any]:
    return {"id": 1, "type": "polygon", "points": points, "label_id": label, "group": 0, "attributes": {}, **more}


def _folder(root: Path, *rows: Any, subset: str = "train", size: Any = (6, 8), names: Any = ("dent", "oil")) -> Path:
    save(root / "images" / subset / "a.jpg.png", noise(6, 8))
    item = {"id": "a.jpg", "annotations": list(rows), "image": {"path": "a.jpg.png", "size": list(size)}}
    labels = {"labels": [{"name": name, "parent": "", "attributes": []} for name in names]}
    (root / "annotations").mkdir(exist_ok=True)
    data = {"info": {}, "categories": {"label": labels}, "items": [item]}
    (root / "annotations" / f"{subset}.json").write_text(json.dumps(data), encoding="utf-8")
    return root


def test_read__z_order_then_file_order(tmp_path: Path) -> None:
    mask = np.zeros((6, 8), np.uint8)
    mask[1, :3] = 1
    counts = coco.encode(np.asfortranarray(mask))["counts"].decode()
    over = {**_polygon(1), "type": "mask", "rle": {"counts": counts, "size": [6, 8]}, "z_order": 3}
    dataset = open_dataset(_folder(tmp_path, over, _polygon(z_order=1)))
    assert dataset.format == "datumaro_json"
    assert dataset.classes.describe() == "0 background, 1 dent, 2 oil, 255 void"
    assert dataset.read_labels(dataset.frames[0]).ids[1].tolist() == [2, 2, 2, 1, 1, 0, 0, 0]
    assert dataset.frames[0].columns["part"] == "train"


def test_read__groups_crowds_and_attributes(tmp_path: Path) -> None:
    far = [6, 4, 8, 4, 8, 6, 6, 6]
    said = {"is_crowd": True, "deep": False, "note": None}
    dataset = open_dataset(
        _folder(tmp_path, _polygon(group=3), _polygon(0, far, group=3), _polygon(1, far, attributes=said))
    )
    dent, oil = dataset.read_instances(dataset.frames[0])
    assert (dent.area_px, oil.crowd, dict(oil.attributes)) == (16, True, {"deep": "false"})
    assert dataset.read_labels(dataset.frames[0]).ids[5, 7] == 255
    assert dataset.notes == ("Datumaro: 1 crowd regions are void (attribute is_crowd)",)


def test_read__what_paints_nothing_is_counted(tmp_path: Path) -> None:
    rows = [{"type": "bbox", "label_id": None, "bbox": [1, 2, 3, 4]}, {"type": "caption"}, 7]
    dataset = open_dataset(_folder(tmp_path, _polygon(), *rows))
    assert [note.partition(": ")[2] for note in dataset.notes] == [
        "1 shapes of kind bbox paint nothing and were left out",
        "1 shapes of kind caption paint nothing and were left out",
    ]


@pytest.mark.parametrize(
    "row",
    [
        _polygon(2),
        _polygon(-1),
        _polygon(None),
        _polygon([0]),
        _polygon(points=[1, 1, 2, 2]),
        _polygon(points=[1, 1, 2, 2, 3]),
        _polygon(points=[1, 1, 2, 2, 3, float("nan")]),
        _polygon(points=None),
        {"type": "polygon", "label_id": 0},
        {"type": "mask", "label_id": 0, "rle": {"counts": 5}},
        {"type": "mask", "label_id": 0, "rle": None},
    ],
)
def test_read__annotations_that_cannot_be_read(tmp_path: Path, row: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"train.json: a.jpg: annotation 1: has a \w+ that cannot be read"):
        open_dataset(_folder(tmp_path, _polygon(), row))


def test_read__files_whose_labels_differ(tmp_path: Path) -> None:
    root = _folder(tmp_path, _polygon())
    _folder(root, _polygon(), subset="val", names=("oil", "dent"))
    with pytest.raises(DataError, match="has files whose labels differ"):
        open_dataset(root)


def test_read__runs_and_images_of_another_size_are_told_by_check(tmp_path: Path) -> None:
    short = {**_polygon(), "type": "mask", "rle": {"counts": [0, 6], "size": [2, 3]}}
    assert "cover 6 pixels" in check(open_dataset(_folder(tmp_path / "runs", short)))[0].found
    other = open_dataset(_folder(tmp_path / "size", _polygon(), size=(60, 80)))
    assert check(other)[0].rule == "was annotated on an image of another size"
    with pytest.raises(DataError, match="has a size that is none"):
        open_dataset(_folder(tmp_path / "none", _polygon(), size=(0, -1)))


def test_read__file_that_is_none(tmp_path: Path) -> None:
    root = _folder(tmp_path, _polygon())
    (root / "annotations" / "train.json").write_text('{"categories": [], "items": {}}')
    with pytest.raises(DataError, match="is not Datumaro JSON"):
        open_dataset(root)


def test_write__masks_equal_pycocotools(tmp_path: Path) -> None:
    hole = {**_polygon(), "type": "mask", "rle": {"counts": [7, 3, 2, 1, 35], "size": [6, 8]}}
    dataset = open_dataset(_folder(tmp_path / "in", hole, _polygon(1)))
    assert export_dataset(dataset, tmp_path / "out", "datumaro_json").losses == ()
    data = json.loads((tmp_path / "out" / "annotations" / "default.json").read_text())
    mask, polygon = data["items"][0]["annotations"]
    assert coco.area(mask["rle"]) == 4
    assert (polygon["points"], polygon["z_order"], polygon["group"]) == (SQUARE, 1, 0)


def test_read__sample_of_datumaro(shared_data: Path) -> None:
    """Its one mask, of 2x3 pixels on an image of 6x10, is told when the frame is read."""
    dataset = open_dataset(shared_data / "formats_datumaro" / "datumaro_dataset" / "diverse")
    assert dataset.format == "datumaro_json"
    assert "that do not fit" in check(dataset)[0].rule or "another size" in check(dataset)[0].rule
