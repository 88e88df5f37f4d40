"""COCO instances written: equal to pycocotools, and read again as what they were."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco

from segwright.core import Box, ClassTable, Size
from segwright.data import Dataset, Frame, ImageFile, export_dataset, open_dataset
from segwright.data.formats.coco_json_writing import counts_of
from segwright.data.rasterise import Patch, mask_runs, packed_runs, runs_mask, unpacked_runs
from segwright.data.shapes import ObjectFacts, Outlines, Runs, Shape, ShapeMask
from tests.data.pictures import noise, save

# the reference implementation itself warns under numpy 2
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
masks = arrays.arrays(np.bool_, st.tuples(st.integers(1, 40), st.integers(1, 40)))
TABLE = ClassTable.of(["background", "car", "person"])


@given(masks)
def test_packed_runs__equal_pycocotools_byte_for_byte(mask: np.ndarray) -> None:
    expected = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    assert packed_runs(mask_runs(mask, by_column=True)) == expected
    assert unpacked_runs(expected) == mask_runs(mask, by_column=True)


@given(masks, st.booleans())
def test_mask_runs__are_read_back(mask: np.ndarray, by_column: bool) -> None:
    assert np.array_equal(runs_mask(mask_runs(mask, by_column=by_column), Size(*mask.shape), by_column=by_column), mask)


@given(masks, st.tuples(*[st.integers(0, 3)] * 4))
def test_counts_of__a_patch_equal_those_of_the_whole_frame(mask: np.ndarray, rim: tuple[int, int, int, int]) -> None:
    top, bottom, left, right = rim
    whole = np.pad(mask, ((top, bottom), (left, right)))
    box = Box(top, left, top + mask.shape[0], left + mask.shape[1])
    expected = coco.encode(np.asfortranarray(whole.astype(np.uint8)))["counts"].decode()
    assert counts_of(Patch(box, mask), Size(*whole.shape)) == expected


def _dataset(root: Path, shapes: tuple[Shape, ...]) -> Dataset:
    source = save(root / "source" / "a.png", noise(30, 40))
    return Dataset(root, TABLE, (Frame("a", ImageFile(source), ShapeMask(shapes, 0, None, "a")),), "cvat_xml")


def _written(root: Path, shapes: tuple[Shape, ...], **options: object) -> dict:
    export_dataset(_dataset(root, shapes), root / "out", "coco_json", options=options)
    return json.loads((root / "out/annotations/instances.json").read_text(encoding="utf-8"))


def _box(class_id: int, left: float, top: float, side: float, **facts: object) -> Outlines:
    corners = np.array([[left, top], [left + side, top], [left + side, top + side], [left, top + side]], float)
    return Outlines(class_id, (corners,), facts=ObjectFacts(**facts))  # type: ignore[arg-type]


def test_write__area_box_and_runs_equal_pycocotools(tmp_path: Path) -> None:
    dots = Runs(2, (3, 4, 2, 5, 6), Box(20, 30, 24, 35), by_column=False)
    hole = Outlines(2, (_box(2, 5, 5, 9).outlines[0],), (_box(2, 7, 7, 3).outlines[0],))
    data = _written(tmp_path, (_box(1, 2.5, 3.25, 20), hole, dots))
    for row in data["annotations"]:
        outline = row["segmentation"]
        packed = coco.merge(coco.frPyObjects(outline, 30, 40)) if isinstance(outline, list) else outline
        assert row["area"] == coco.area(packed)
        assert row["bbox"] == coco.toBbox(packed).tolist()
    assert [type(row["segmentation"]) for row in data["annotations"]] == [list, list, dict]
    assert data["annotations"][0]["segmentation"] == [[2.5, 3.25, 22.5, 3.25, 22.5, 23.25, 2.5, 23.25]]
    assert data["categories"] == [
        {"id": 1, "name": "car", "supercategory": "stuff"},
        {"id": 2, "name": "person", "supercategory": "stuff"},
    ]


def test_write__void_is_a_crowd_of_a_category_void(tmp_path: Path) -> None:
    data = _written(tmp_path, (_box(1, 2, 3, 20), _box(255, 4, 4, 5)))
    void = data["annotations"][1]
    assert (void["iscrowd"], void["category_id"], "counts" in void["segmentation"]) == (1, 255, True)
    assert data["categories"][-1]["name"] == "void"
    (tmp_path / "out" / "segwright-classes.json").unlink()  # other tools write none
    again = open_dataset(tmp_path / "out")
    labels = again.read_labels(again.frames[0])
    assert int((labels.ids == 255).sum()) == 25
    assert [one.crowd for one in again.read_instances(again.frames[0])] == [False]


def test_write__an_order_that_coco_does_not_have_is_kept_beside(tmp_path: Path) -> None:
    plain = _written(tmp_path / "plain", (_box(1, 2, 3, 20), _box(2, 4, 4, 5)))
    assert ["z_order" in row for row in plain["annotations"]] == [False, False]
    covered = (_box(2, 4, 4, 5), _box(1, 2, 3, 20))
    data = _written(tmp_path / "covered", covered)
    assert [row["z_order"] for row in data["annotations"]] == [0, 1]
    again = open_dataset(tmp_path / "covered" / "out")
    assert again.read_labels(again.frames[0]).area_px("person") == 0
    assert len(again.read_instances(again.frames[0])) == 2


def test_write__tolerance_makes_polygons_of_pixels(tmp_path: Path) -> None:
    dots = Runs(2, (3, 4, 2, 5, 6), Box(20, 30, 24, 35), by_column=False)
    data = _written(tmp_path, (dots,), tolerance_px=0)
    polygons = data["annotations"][0]["segmentation"]
    assert isinstance(polygons, list)
    assert coco.area(coco.merge(coco.frPyObjects(polygons, 30, 40))) == 9


def test_write__shared_set_comes_back(shared_data: Path, tmp_path: Path) -> None:
    """Every object, crowd and pixel of public images; what is lost is nothing."""
    dataset = open_dataset(shared_data / "instance_coco_mini")
    dataset = dataset.only([frame.stem for frame in dataset.frames[::2]])
    written = export_dataset(dataset, tmp_path / "out", "coco_json")
    assert written.losses == ()
    again = open_dataset(tmp_path / "out")
    assert again.classes == dataset.classes
    for before, after in zip(dataset.frames, again.frames, strict=True):
        assert np.array_equal(again.read_labels(after).ids, dataset.read_labels(before).ids), before.stem
        assert again.read_instances(after).sorted_set() == dataset.read_instances(before).sorted_set()
        assert [shape.content() for shape in after.mask.shapes if isinstance(shape, Outlines)] == [
            shape.content() for shape in before.mask.shapes if isinstance(shape, Outlines)
        ]
