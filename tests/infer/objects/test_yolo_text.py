"""Objects as YOLO's text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import ClassTable, Image, InstanceSet, Size, adopt, instance_from_mask
from segwright.data import open_dataset
from segwright.data.codecs import write_image
from segwright.data.frame_objects import read_objects
from segwright.data.rasterise import polygon_patch
from segwright.infer.objects.yolo_text import write_yolo, write_yolo_names, yolo_lines

CLASSES = ClassTable.of(["background", "bolt", "nut"])


def objects(*masks: tuple[np.ndarray, int], crowd: bool = False) -> InstanceSet:
    made = [instance_from_mask(mask, class_id, score=0.9, crowd=crowd) for mask, class_id in masks]
    size = Size(*masks[0][0].shape)
    return InstanceSet(size, tuple(one for one in made if one is not None), CLASSES)


def test_yolo_lines__classes_count_from_the_first_of_objects_and_shares_are_of_the_frame() -> None:
    mask = np.zeros((8, 16), bool)
    mask[2:4, 4:12] = True
    (line,) = yolo_lines(objects((mask, 2)))
    kind, *shares = line.split()
    assert kind == "1"
    assert {(float(x), float(y)) for x, y in zip(shares[::2], shares[1::2], strict=True)} == {
        (0.25, 0.25),
        (0.75, 0.25),
        (0.75, 0.5),
        (0.25, 0.5),
    }


@given(st.integers(0, 2**32 - 1))
def test_yolo_lines__painted_give_the_mask_back_with_parts_and_holes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random(tuple(rng.integers(1, 12, 2))) < rng.choice([0.3, 0.6, 0.95])
    if not mask.any():
        return
    (line,) = yolo_lines(objects((mask, 1)))
    shares = np.array(line.split()[1:], float).reshape(-1, 2)
    size = Size(*mask.shape)
    patch = polygon_patch(np.round(shares * [size.width, size.height], 6), size)
    painted = np.zeros(mask.shape, bool)
    painted[patch.box.slices] = patch.painted
    assert np.array_equal(painted, mask)


def test_yolo_lines__crowds_are_left_out() -> None:
    assert yolo_lines(objects((np.ones((4, 4), bool), 1), crowd=True)) == []


def test_write_yolo__with_pictures_it_is_a_dataset_of_the_same_objects(tmp_path: Path) -> None:
    one, other = np.zeros((20, 30), bool), np.zeros((20, 30), bool)
    one[3:9, 4:12] = True
    one[5:7, 6:9] = False
    other[12:18, 20:29] = True
    found = objects((one, 1), (other, 2))
    (tmp_path / "labels").mkdir()
    write_yolo(tmp_path / "labels" / "a.txt", found)
    write_yolo_names(tmp_path / "data.yaml", CLASSES)
    write_image(tmp_path / "images" / "a.png", Image(adopt(np.zeros((20, 30, 3), np.uint8))))
    dataset = open_dataset(tmp_path, format="yolo_seg")
    again = read_objects(dataset, dataset.frame("a"))
    named = sorted((dataset.classes.name(each.class_id), each.over(again.size).tobytes()) for each in again)
    assert named == [("bolt", one.tobytes()), ("nut", other.tobytes())]
