"""CVAT for images written: masks as its own library encodes them, what covers what, groups, odd text."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import pytest
from defusedxml.ElementTree import parse

from segwright.core import Box, ClassTable, DataError, LabelMap, adopt
from segwright.data import Dataset, Frame, ImageFile, IndexMask, export_dataset, open_dataset, write_label_map
from segwright.data.drawing import runs_shape
from segwright.data.shapes import ObjectFacts, Outlines, Runs, Shape, ShapeMask, Stroke
from tests.data.pictures import noise, save

TABLE = ClassTable.of(["background", "scratch", "dent"])


def _written(root: Path, *shapes: Shape, table: ClassTable = TABLE) -> Element:
    source = save(root / "source" / "a.png", noise(7, 9))
    frame = Frame("a", ImageFile(source), ShapeMask(shapes, 0, None, "a"))
    export_dataset(Dataset(root, table, (frame,), "coco_json"), root / "out", "cvat_xml")
    return parse(root / "out" / "annotations.xml").getroot()


def _box(class_id: int, left: float, top: float, side: float, **facts: object) -> Outlines:
    corners = np.array([[left, top], [left + side, top], [left + side, top + side], [left, top + side]], float)
    return Outlines(class_id, (corners,), facts=ObjectFacts(**facts))  # type: ignore[arg-type]


def test_write__mask_runs_equal_cvat_sdk(tmp_path: Path) -> None:
    """Runs and corners as `cvat_sdk.masks.encode_mask` 2.80.0 gave them for this mask."""
    rows = [".........", ".........", ".###...#.", ".#.##.##.", ".##.##.#.", "..#.##.#.", "........."]
    mask = np.array([[sign == "#" for sign in row] for row in rows])
    expected = [0, 3, 3, 2, 1, 2, 1, 4, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 2, 7, 5]
    shape = runs_shape(mask, 1)
    assert shape is not None
    (element,) = _written(tmp_path, shape).iter("mask")
    runs = [int(run) for run in element.attrib["rle"].split(", ")]
    left, top, width, height = (int(element.attrib[name]) for name in ("left", "top", "width", "height"))
    assert [*runs, left, top, left + width - 1, top + height - 1] == expected


def test_write__what_lies_above_is_in_z_order_and_nothing_else_is(tmp_path: Path) -> None:
    root = _written(tmp_path, _box(1, 0, 0, 3), _box(2, 5, 0, 3), _box(2, 1, 1, 3), _box(1, 2, 2, 2))
    assert [shape.get("z_order") for shape in root.iter("polygon")] == ["0", "0", "1", "2"]


def test_write__neighbours_leave_no_gap(tmp_path: Path) -> None:
    """cvat#4868: polygons around pixels leave unlabelled seams between classes; masks cannot."""
    ids = np.random.default_rng(3).integers(1, 3, (7, 9)).astype(np.uint8)
    write_label_map(tmp_path / "mask.png", LabelMap(adopt(ids), TABLE))
    source = save(tmp_path / "source" / "a.png", noise(7, 9))
    frame = Frame("a", ImageFile(source), IndexMask(tmp_path / "mask.png"))
    export_dataset(Dataset(tmp_path, TABLE, (frame,), "index_png"), tmp_path / "out", "cvat_xml")
    again = open_dataset(tmp_path / "out")
    assert np.array_equal(again.read_labels(again.frames[0]).ids, ids)


def test_write__parts_of_an_object_share_a_group(tmp_path: Path) -> None:
    parts = Outlines(1, (_box(1, 0, 0, 2).outlines[0], _box(1, 4, 0, 2).outlines[0]))
    root = _written(tmp_path, parts, _box(2, 0, 4, 2, object_id="x"), _box(2, 5, 4, 2, object_id="x"), _box(1, 3, 3, 1))
    assert [shape.get("group_id") for shape in root.iter("polygon")] == ["2", "2", "1", "1", None]
    again = open_dataset(tmp_path / "out")
    assert sorted(one.area_px for one in again.read_instances(again.frames[0])) == [1, 8, 8]


def test_write__lines_keep_their_brush(tmp_path: Path) -> None:
    line = np.array([[1, 1], [7, 5]], float)
    root = _written(tmp_path, Stroke(1, line, 3), Stroke(2, line + np.array([0, 1]), 1.5))
    assert [[one.text for one in shape] for shape in root.iter("polyline")] == [[], ["1.5"]]
    again = open_dataset(tmp_path / "out")
    assert [shape.width_px for shape in again.frames[0].mask.shapes] == [3, 1.5]


def test_write__labels_with_colours_and_attributes(tmp_path: Path) -> None:
    table = ClassTable.of(["background", 'a "<&> ü', "dent"])
    said = {"occluded": "true", "side": "left\nright", "sure": "false"}
    root = _written(tmp_path, _box(1, 0, 0, 3, attributes=said), _box(255, 1, 1, 1), table=table)
    labels = list(root.iter("label"))
    assert [label.findtext("name") for label in labels] == ['a "<&> ü', "dent", "void"]
    assert labels[0].findtext("color") == "#e69f00"
    kinds = {one.findtext("name"): one.findtext("input_type") for one in labels[0].iter("attribute")}
    assert kinds == {"side": "text", "sure": "checkbox"}
    again = open_dataset(tmp_path / "out")
    assert again.read_instances(again.frames[0]).instances[0].attributes == said


def test_write__text_that_xml_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)characters that XML cannot hold.*U\+0001"):
        _written(tmp_path, _box(1, 0, 0, 3, attributes={"note": "\x01"}))
    assert not (tmp_path / "out").exists()


def test_write__holes_and_frames_without_shapes(tmp_path: Path) -> None:
    hole = Outlines(1, (_box(1, 0, 0, 6).outlines[0],), (_box(1, 2, 2, 2).outlines[0],))
    root = _written(tmp_path, hole, Runs(2, (0, 4), Box(6, 7, 7, 11), by_column=False))
    assert [shape.tag for shape in root.find("image")] == ["mask", "mask"]
    again = open_dataset(tmp_path / "out")
    assert int((again.read_labels(again.frames[0]).ids == 1).sum()) == 32
