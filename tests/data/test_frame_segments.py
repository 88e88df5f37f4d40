"""Segments of frames whose labels say them, say objects, or say only classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassSpec, ClassTable, Image, LabelMap, PanopticMap, Segment, adopt
from segwright.data import open_dataset, write_image, write_label_map
from segwright.data.frame_segments import read_segments, read_things, with_whole_stuff
from tests.train.objects.panoptic_frames import CLASSES, panoptic_frame, write_panoptic_set


@pytest.fixture
def masks_only(tmp_path: Path) -> Path:
    """One frame with a class a pixel: two bolts on a belt."""
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    ids = np.ones((8, 8), np.uint8)
    ids[1:3, 1:3] = ids[5:7, 5:7] = 3
    ids[0, 0] = 255
    write_image(tmp_path / "images" / "a.png", Image(adopt(np.zeros((8, 8, 3), np.uint8))))
    write_label_map(tmp_path / "masks" / "a.png", LabelMap(adopt(ids), CLASSES))
    return tmp_path


def test_segments__those_of_a_panoptic_set_as_they_were_written(tmp_path: Path) -> None:
    write_panoptic_set(tmp_path, frames=1)
    dataset = open_dataset(tmp_path, format="coco_panoptic")
    _, truth = panoptic_frame(0)
    found = read_segments(dataset, dataset.frames[0])
    assert np.array_equal(found.segment_ids, truth.segment_ids)
    assert {each.class_id for each in read_things(dataset, dataset.frames[0])} <= {3, 4}


def test_segments__of_labels_without_objects_each_region_of_a_thing_is_one(masks_only: Path) -> None:
    dataset = open_dataset(masks_only, classes=CLASSES)
    found = read_segments(dataset, dataset.frames[0])
    assert [segment.class_id for segment in found.segments] == [1, 3, 3]
    assert found.void.sum() == 1
    assert len(read_things(dataset, dataset.frames[0])) == 2


def test_whole_stuff__parts_of_one_class_are_one_segment_and_things_and_crowds_stay() -> None:
    ids = np.array([[1, 2, 3, 4, 5]], np.uint32)
    segments = (Segment(1, 1), Segment(2, 1), Segment(3, 3), Segment(4, 3), Segment(5, 1, crowd=True))
    found = with_whole_stuff(PanopticMap(adopt(ids), segments, CLASSES))
    assert found.segment_ids.tolist() == [[1, 1, 3, 4, 5]]
    assert [segment.segment_id for segment in found.segments] == [1, 3, 4, 5]
    assert with_whole_stuff(found) is found


def test_segments__a_table_without_things_has_only_stuff(masks_only: Path) -> None:
    table = ClassTable(tuple(ClassSpec(spec.class_id, spec.name) for spec in CLASSES))
    dataset = open_dataset(masks_only, classes=table)
    assert [segment.class_id for segment in read_segments(dataset, dataset.frames[0]).segments] == [1, 3]
