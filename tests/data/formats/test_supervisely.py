"""Supervisely: bitmaps, polygons with holes, classes with colours, tags, and what a project can get wrong."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from segwright.core import DataError
from segwright.data import check, export_dataset, open_dataset
from segwright.data.formats.supervisely import unpacked_bitmap
from segwright.data.formats.supervisely_writing import packed_bitmap
from tests.data.pictures import noise, save

SQUARE = [[1, 0], [6, 0], [6, 5], [1, 5]]
HOLE = [[2, 1], [4, 1], [4, 3], [2, 3]]


def _polygon(label: str = "dent", exterior: Any = SQUARE, interior: Any = (), **more: Any) -> dict[str, Any]:
    points = {"exterior": exterior, "interior": list(interior)}
    return {"classTitle": label, "geometryType": "polygon", "points": points, "tags": [], **more}


def _bitmap(mask: np.ndarray, origin: Any = (2, 1), **more: Any) -> dict[str, Any]:
    bitmap = {"data": packed_bitmap(mask), "origin": list(origin)}
    return {"classTitle": "dent", "geometryType": "bitmap", "bitmap": {**bitmap, **more}, "tags": []}


def _project(root: Path, *objects: Any, size: Any = None, name: str = "a.png") -> Path:
    save(root / "ds0" / "img" / "a.png", noise(6, 8))
    ann = root / "ds0" / "ann"
    ann.mkdir(parents=True, exist_ok=True)
    data = {"size": size or {"height": 6, "width": 8}, "tags": [{"name": "blurred"}], "objects": list(objects)}
    (ann / f"{name}.json").write_text(json.dumps(data), encoding="utf-8")
    classes = [{"title": "scratch", "color": "#FF0000", "shape": "polygon"}, {"title": "dent", "color": "no"}]
    (root / "meta.json").write_text(json.dumps({"classes": classes, "tags": []}))
    return root


def _ids(root: Path) -> np.ndarray:
    dataset = open_dataset(root)
    return dataset.read_labels(dataset.frames[0]).ids


@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_packed_bitmap__is_read_back(mask: np.ndarray) -> None:
    assert np.array_equal(unpacked_bitmap(packed_bitmap(mask)), mask)


def test_read__polygons_with_holes_in_their_order(tmp_path: Path) -> None:
    dataset = open_dataset(_project(tmp_path, _polygon(), _polygon("scratch", interior=[HOLE])))
    assert (dataset.format, dataset.frames[0].stem) == ("supervisely", "a")
    assert dataset.classes.describe() == "0 background, 1 scratch, 2 dent, 255 void"
    assert dataset.classes["scratch"].colour == (255, 0, 0)
    ids = dataset.read_labels(dataset.frames[0]).ids
    assert ids[1].tolist() == [0, 1, 2, 2, 1, 1, 0, 0]
    assert dataset.frames[0].columns == {"blurred": "true"}


def test_read__bitmaps_lie_at_their_origin(tmp_path: Path) -> None:
    ids = _ids(_project(tmp_path, _bitmap(np.array([[1, 0, 1], [1, 1, 0]], bool))))
    assert ids[1:3, 2:5].tolist() == [[2, 0, 2], [2, 2, 0]]


def test_read__bitmaps_of_the_web_page_are_in_the_alpha_band(tmp_path: Path) -> None:
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, 1] = 255
    png = save(tmp_path / "x" / "b.png", rgba).read_bytes()
    text = base64.b64encode(zlib.compress(png)).decode()
    assert unpacked_bitmap(text).tolist() == [[False, True, False]]


def test_read__tags_lines_and_rectangles(tmp_path: Path) -> None:
    tags = [{"name": "depth", "value": 2.5}, {"name": "old", "value": None}]
    line = {**_polygon(exterior=[[0, 4], [8, 4]]), "geometryType": "line"}
    box = {**_polygon("scratch", exterior=[[4, 2], [1, 0]]), "geometryType": "rectangle", "tags": tags}
    point = {**_polygon(exterior=[[1, 1]]), "geometryType": "point"}
    dataset = open_dataset(_project(tmp_path, line, box, point))
    dent, scratch = dataset.read_instances(dataset.frames[0])
    assert (dent.area_px, scratch.area_px) == (32, 6)
    assert scratch.attributes == {"depth": "2.5", "old": "true"}
    assert "1 shapes of kind point paint nothing" in dataset.notes[0]


@pytest.mark.parametrize(
    "row",
    [
        _polygon(exterior=[[1, 1], [2, 2]]),
        _polygon(exterior=[[1, 1], [2, 2], [float("nan"), 3]]),
        _polygon(interior=[[[1, 1]]]),
        {**_polygon(), "points": {}},
        {**_polygon(), "points": None},
        {**_polygon(), "geometryType": "blob"},
        _bitmap(np.ones((2, 2), bool), data="§"),
        _bitmap(np.ones((2, 2), bool), data=base64.b64encode(b"no stream").decode()),
        _bitmap(np.ones((2, 2), bool), data=base64.b64encode(zlib.compress(b"no picture")).decode()),
        _bitmap(np.ones((2, 2), bool), origin=[1]),
        _bitmap(np.ones((2, 2), bool), origin=[1e9, 2]),
    ],
)
def test_read__shapes_that_cannot_be_read(tmp_path: Path, row: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"ds0/ann/a.png.json: object 1: ") as caught:
        open_dataset(_project(tmp_path, _polygon(), row))
    assert all(problem.allowed and problem.found and problem.fix for problem in caught.value.problems)


@pytest.mark.parametrize("text", ["{}", "[]", '{"classes": [3]}', "{"])
def test_read__meta_that_is_none(tmp_path: Path, text: str) -> None:
    root = _project(tmp_path, _polygon())
    (root / "meta.json").write_text(text)
    with pytest.raises(DataError, match=r"meta.json: (is no Supervisely|is not readable)"):
        open_dataset(root, format="supervisely")


def test_read__sizes_images_and_older_names(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has a size that is none"):
        open_dataset(_project(tmp_path / "size", size={"height": -1, "width": 2}))
    other = open_dataset(_project(tmp_path / "other", size={"height": 60, "width": 80}))
    assert check(other)[0].rule == "was annotated on an image of another size"
    older = open_dataset(_project(tmp_path / "older", _polygon(), name="a"))
    assert len(older) == 1
    root = _project(tmp_path / "gone", _polygon())
    _project(root, _polygon(), name="gone.png")
    assert "1 annotated images are not there" in open_dataset(root).notes[0]


def test_write__a_project(tmp_path: Path) -> None:
    dataset = open_dataset(_project(tmp_path / "in", _polygon(interior=[HOLE]), _bitmap(np.ones((2, 3), bool))))
    assert export_dataset(dataset, tmp_path / "out", "supervisely").losses == ()
    again = open_dataset(tmp_path / "out")
    assert [shape.content() for shape in again.frames[0].mask.shapes] == [
        shape.content() for shape in dataset.frames[0].mask.shapes
    ]
    meta = json.loads((tmp_path / "out" / "meta.json").read_text())
    assert meta["classes"][0] == {"title": "scratch", "shape": "any", "color": "#ff0000"}
