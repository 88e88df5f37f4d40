"""A dataset's objects as the truth of AP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassTable, InstanceSet, Size, instance_from_mask
from segwright.data import open_dataset
from segwright.evaluate import evaluate_instances
from segwright.evaluate.instances.from_dataset import coco_content, dataset_content
from segwright.infer.objects.results import coco_results

CLASSES = ClassTable.of(["background", "bolt", "nut"])


def frame(*boxes: tuple[int, int, int, int, int], void: bool = False) -> InstanceSet:
    """Objects (class, top, left, height, width) in a frame of 40x50."""
    found = [
        instance_from_mask(np.ones((high, wide), bool), class_id, at=(top, left), score=0.9)
        for class_id, top, left, high, wide in boxes
    ]
    outside = np.zeros((40, 50), bool)
    outside[30:] = void
    return InstanceSet(Size(40, 50), tuple(one for one in found if one is not None), CLASSES, outside if void else None)


def test_coco_content__objects_found_again_score_one_by_stem() -> None:
    true = frame((1, 2, 3, 10, 12), (2, 20, 20, 6, 6))
    scored = evaluate_instances(coco_results(true, "a/1"), coco_content([("a/1", true)], CLASSES))
    assert scored.scores["mask_ap"] == pytest.approx(1.0)
    assert set(scored.classes) == {"bolt", "nut"}


def test_coco_content__what_is_found_in_void_is_neither_right_nor_wrong() -> None:
    true = frame((1, 2, 3, 10, 12), void=True)
    seen = frame((1, 31, 5, 5, 5), (1, 2, 3, 10, 12))
    content = coco_content([("a", true)], CLASSES)
    assert evaluate_instances(coco_results(seen, "a"), content).scores["mask_ap"] == pytest.approx(1.0)
    bare = coco_content([("a", frame((1, 2, 3, 10, 12)))], CLASSES)
    assert evaluate_instances(coco_results(seen, "a"), bare).scores["mask_ap"] == pytest.approx(0.5)


def test_predictions__are_matched_by_the_files_stem_where_the_truth_has_numbers() -> None:
    true = frame((1, 2, 3, 10, 12))
    content = coco_content([("x", true)], CLASSES)
    content["images"][0] |= {"id": 17, "file_name": "line 1/0412.png"}
    content["annotations"][0]["image_id"] = 17
    for name in ("0412", "line 1/0412", "line 1/0412.png"):
        assert evaluate_instances(coco_results(true, name), content).scores["mask_ap"] == pytest.approx(1.0)


def test_dataset_content__nuclei(shared_data: Path) -> None:
    dataset = open_dataset(str(shared_data / "instance_dsb2018"))
    some = dataset.only([frame.stem for frame in dataset.frames[:3]])
    content = dataset_content(some)
    assert len(content["images"]) == 3
    true = {frame.stem: dataset.read_instances(frame) for frame in some.frames}
    assert len(content["annotations"]) == sum(len(objects) for objects in true.values())
    rows = [row for stem, objects in true.items() for row in coco_results(objects, stem)]
    assert evaluate_instances(rows, content, kinds=("mask",)).scores["mask_ap"] == pytest.approx(1.0)
