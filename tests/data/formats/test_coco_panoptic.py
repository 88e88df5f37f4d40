"""COCO panoptic: segments by id, crowds, what a file can get wrong, and the set's own sample."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassTable, ConfigError, DataError
from segwright.data import export_dataset, open_dataset
from segwright.data.codecs.segment_ids import read_segment_ids
from tests.data.pictures import noise, save

CATEGORIES = [
    {"id": 1, "name": "car", "isthing": 1, "color": [0, 0, 142]},
    {"id": 7, "name": "sky", "isthing": 0},
]
SEGMENTS = [
    {"id": 300, "category_id": 1, "iscrowd": 0},
    {"id": 5, "category_id": 1, "iscrowd": 1},
    {"id": 70000, "category_id": 7, "iscrowd": 0},
]


def panoptic(root: Path, segments: object = SEGMENTS, categories: object = CATEGORIES, **changes: object) -> Path:
    """One image of 2x4: a car (id 300), a crowd of cars (5), sky (70000) and void."""
    ids = np.array([[300, 5, 70000, 0]] * 2)
    save(root / "images" / "a.jpg", noise(2, 4))
    save(root / "panoptic_val" / "a.png", np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=2).astype(np.uint8))
    data = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": segments}],
        "categories": categories,
        **changes,
    }
    (root / "panoptic_val.json").write_text(json.dumps(data), encoding="utf-8")
    return root


def test_read__segments_objects_and_labels(tmp_path: Path) -> None:
    dataset = open_dataset(panoptic(tmp_path))
    frame = dataset.frames[0]
    assert dataset.format == "coco_panoptic"
    assert [(spec.class_id, spec.name, spec.kind) for spec in dataset.classes] == [
        (1, "car", "thing"),
        (7, "sky", "stuff"),
    ]
    assert dataset.read_labels(frame).ids[0].tolist() == [1, 255, 7, 255]
    assert dataset.read_panoptic(frame).segment_ids[0].tolist() == [300, 5, 70000, 0]
    assert [one.crowd for one in dataset.read_instances(frame)] == [True, False]
    painted = open_dataset(tmp_path / "panoptic_val.json", options={"crowd": "class"})
    assert painted.read_labels(painted.frames[0]).ids[0].tolist() == [1, 1, 7, 255]


def test_read__segments_in_the_picture_must_be_listed(tmp_path: Path) -> None:
    dataset = open_dataset(panoptic(tmp_path, SEGMENTS[:2]))
    with pytest.raises(DataError, match=r"(?s)2 pixels have 1 values.*70000.*segments_info"):
        dataset.read_labels(dataset.frames[0])


def test_read__everything_wrong_with_segments_at_once(tmp_path: Path) -> None:
    wrong = [
        {"id": 5, "category_id": 1},
        {"id": 5, "category_id": 1},
        {"id": 6, "category_id": 99},
        {"id": "x", "category_id": 1},
        {},
    ]
    with pytest.raises(DataError, match="is none, or twice") as caught:
        open_dataset(panoptic(tmp_path, wrong))
    assert len(caught.value.problems) == 4
    assert "category that is not listed" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"categories": [{"id": [1], "name": "x"}]}, "is not COCO panoptic JSON: 'categories'"),
        ({"images": ["a.jpg"]}, "is not COCO panoptic JSON: 'images'"),
        ({"categories": [{"id": 1}]}, "is not COCO panoptic JSON: 'categories'"),
        ({"categories": [*CATEGORIES, {"id": 1, "name": "bus"}]}, "gives one id to two categories"),
        ({"images": [{"id": 2, "file_name": "a.jpg"}]}, "belongs to an image that is not listed"),
        ({"annotations": [{"image_id": 1, "file_name": "b.png", "segments_info": []}]}, "names no image that is there"),
        ({"annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": 3}]}, "without id or category_id"),
        ({"annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": SEGMENTS}] * 2}, "a second time"),
    ],
)
def test_read__files_that_contradict_themselves(tmp_path: Path, changes: dict, text: str) -> None:
    with pytest.raises(DataError, match=text):
        open_dataset(panoptic(tmp_path, **changes), format="coco_panoptic")


def test_read__broken_json(tmp_path: Path) -> None:
    root = panoptic(tmp_path)
    text = (root / "panoptic_val.json").read_text(encoding="utf-8")
    (root / "panoptic_val.json").write_text(text[:-20], encoding="utf-8")
    with pytest.raises(DataError, match="is not readable JSON"):
        open_dataset(root)


def test_read__given_table_and_options(tmp_path: Path) -> None:
    root = panoptic(tmp_path)
    with pytest.raises(ConfigError, match=r"(?s)not in the class table.*sky=void"):
        open_dataset(root, classes=ClassTable.of(["background", "car"]))
    dataset = open_dataset(root, classes=ClassTable.of(["background", "car"]), options={"map": ["sky=background"]})
    assert dataset.read_labels(dataset.frames[0]).ids[0].tolist() == [1, 255, 0, 255]
    with pytest.raises(ConfigError, match=r"(?s)crowd.*void, class"):
        open_dataset(root, options={"crowd": "leave"})


def test_write__ids_and_crowds_come_back(tmp_path: Path) -> None:
    dataset = open_dataset(panoptic(tmp_path / "in"))
    assert export_dataset(dataset, tmp_path / "out", "coco_panoptic").losses == ()
    again = open_dataset(tmp_path / "out")
    assert again.read_panoptic(again.frames[0]) == dataset.read_panoptic(dataset.frames[0])
    info = json.loads((tmp_path / "out" / "panoptic.json").read_text(encoding="utf-8"))["annotations"][0][
        "segments_info"
    ]
    assert info[0] == {"id": 5, "category_id": 1, "area": 2, "bbox": [1, 0, 1, 2], "iscrowd": 1}


def test_read__the_sets_own_sample(shared_data: Path, tmp_path: Path) -> None:
    root = shared_data / "panoptic_coco_sample" / "sample_data"
    dataset = open_dataset(root / "panoptic_examples.json")
    assert [len(dataset.read_panoptic(frame).segments) for frame in dataset.frames] == [18, 32]
    for frame in dataset.frames:
        stored = read_segment_ids(root / "panoptic_examples" / f"{frame.stem}.png")
        assert np.array_equal(dataset.read_panoptic(frame).segment_ids, stored)
    export_dataset(dataset, tmp_path / "out", "coco_panoptic")
    again = open_dataset(tmp_path / "out")
    written = json.loads((tmp_path / "out" / "panoptic.json").read_text(encoding="utf-8"))["annotations"]
    official = json.loads((root / "panoptic_examples.json").read_text(encoding="utf-8"))["annotations"]
    names = ("area", "bbox", "category_id", "iscrowd")
    said, known = (
        {
            (row["file_name"], segment["id"]): [segment[name] for name in names]
            for row in rows
            for segment in row["segments_info"]
        }
        for rows in (written, official)
    )
    assert said == known
    for frame in dataset.frames:
        assert again.read_panoptic(again.frame(frame.stem)) == dataset.read_panoptic(frame)


def test_read__what_bdd100k_converts_to(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "metric_bdd100k" / "panseg_coco"
    annotation = json.loads((source / "panseg_coco.json").read_text(encoding="utf-8"))
    used = sorted({segment["category_id"] for segment in annotation["segments_info"]})
    categories = [{"id": number, "name": f"class {number}", "isthing": int(number > 30)} for number in used]
    data = {"annotations": [annotation], "categories": categories}
    (tmp_path / "panoptic.json").write_text(json.dumps(data), encoding="utf-8")
    (tmp_path / "panoptic").mkdir()
    (tmp_path / "panoptic" / "panseg_mask.png").symlink_to(source / "panseg_mask.png")
    size = read_segment_ids(source / "panseg_mask.png").shape
    save(tmp_path / "images" / "panseg_mask.jpg", noise(*size))
    dataset = open_dataset(tmp_path)  # no list of images: the picture has the mask's name
    frame = dataset.frames[0]
    areas = np.bincount(dataset.read_labels(frame).ids.ravel(), minlength=256)
    for segment in annotation["segments_info"]:
        assert areas[segment["category_id"]] >= segment["area"]
    assert len(dataset.read_panoptic(frame).segments) == len(annotation["segments_info"])
