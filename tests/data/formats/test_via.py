"""VIA: projects, exported JSON and CSV, which attribute is the class, and what a file can get wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwright.core import ConfigError, DataError
from segwright.data import export_dataset, open_dataset
from tests.data.pictures import noise, save

SQUARE = {"name": "polygon", "all_points_x": [1, 5, 5, 1], "all_points_y": [0, 0, 3, 3]}


def _region(shape: dict[str, Any], **said: Any) -> dict[str, Any]:
    return {"shape_attributes": shape, "region_attributes": said or {"class": "dent"}}


def _images(root: Path) -> None:
    save(root / "a ü.png", noise(6, 8))


def _project(root: Path, *regions: Any, numbered: bool = False, bare: bool = False) -> Path:
    _images(root)
    rows: Any = {str(at): one for at, one in enumerate(regions)} if numbered else list(regions)
    files = {"a ü.png99": {"filename": "a ü.png", "size": 99, "regions": rows, "file_attributes": {"line": "2"}}}
    data = files if bare else {"_via_settings": {}, "_via_img_metadata": files, "_via_attributes": {}}
    (root / "via.json").write_text(json.dumps(data), encoding="utf-8")
    return root


def _ids(root: Path, **options: Any) -> np.ndarray:
    dataset = open_dataset(root, options=options)
    return dataset.read_labels(dataset.frames[0]).ids


@pytest.mark.parametrize("numbered", [False, True])
@pytest.mark.parametrize("bare", [False, True])
def test_read__projects_and_exports_of_any_version(tmp_path: Path, numbered: bool, bare: bool) -> None:
    box = {"name": "rect", "x": 0, "y": 0, "width": 2, "height": 2}
    regions = _region(SQUARE), _region(box, **{"class": "oil", "depth": 3, "deep": {"yes": True}})
    dataset = open_dataset(_project(tmp_path, *regions, numbered=numbered, bare=bare))
    assert (dataset.format, dataset.frames[0].stem) == ("via", "a ü")
    assert dataset.classes.describe() == "0 background, 1 dent, 2 oil, 255 void"
    assert dataset.read_labels(dataset.frames[0]).ids[1].tolist() == [2, 2, 1, 1, 1, 0, 0, 0]
    assert dataset.frames[0].columns == {"line": "2"}
    assert dataset.read_instances(dataset.frames[0]).instances[1].attributes == {"depth": "3", "deep": '{"yes": true}'}


def test_read__circles_ellipses_lines_and_points(tmp_path: Path) -> None:
    circle = {"name": "circle", "cx": 4, "cy": 3, "r": 2}
    ellipse = {"name": "ellipse", "cx": 4, "cy": 3, "rx": 3, "ry": 1, "theta": np.pi / 2}
    assert int((_ids(_project(tmp_path / "1", _region(circle))) == 1).sum()) == pytest.approx(4 * np.pi, abs=3)
    assert np.ptp(np.argwhere(_ids(_project(tmp_path / "2", _region(ellipse))) == 1), axis=0).tolist() == [5, 1]
    line = {"name": "polyline", "all_points_x": [0, 8], "all_points_y": [2.5, 2.5]}
    root = _project(tmp_path / "3", _region(line), _region({"name": "point", "cx": 1, "cy": 1}))
    assert (_ids(root)[:, 4] == 1).tolist() == [False, True, True, True, False, False]
    assert "1 shapes of kind point paint nothing" in open_dataset(root).notes[0]


def test_read__which_attribute_is_the_class(tmp_path: Path) -> None:
    two = _region(SQUARE, depth="deep", **{"kind of": "dent"})
    root = _project(tmp_path / "two", two)
    with pytest.raises(ConfigError, match=r"(?s)does not tell which attribute.*depth, kind of.*label: depth"):
        open_dataset(root)
    assert open_dataset(root, options={"label": "kind of"}).classes.names == ("background", "dent")
    with pytest.raises(ConfigError, match="is an attribute that no region has"):
        open_dataset(root, options={"label": "clas"})
    only = _project(tmp_path / "only", _region(SQUARE, material="oil"))
    assert open_dataset(only).classes.names == ("background", "oil")
    usual = _project(tmp_path / "usual", _region(SQUARE, depth="1", Type="rust"))
    assert open_dataset(usual).classes.names == ("background", "rust")


def _csv(root: Path, *lines: list[str]) -> Path:
    _images(root)
    header = ["filename", "file_size", "file_attributes", "region_count", "region_id"]
    with (root / "via_region_data.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[*header, "region_shape_attributes", "region_attributes"], *lines])
    return root


def test_read__csv(tmp_path: Path) -> None:
    line = ["a ü.png", "99", '{"line": "2"}', "1", "0", json.dumps(SQUARE), '{"class": "dent"}']
    empty = ["b.png", "99", "{}", "0", "0", "{}", "{}"]
    root = _csv(tmp_path, line, empty)
    save(root / "b.png", noise(6, 8))
    dataset = open_dataset(root)
    assert dataset.format == "via"
    assert dataset.read_labels(dataset.frame("a ü")).area_px("dent") == 12
    assert dataset.read_labels(dataset.frame("b")).area_px("dent") == 0
    assert dataset.frame("a ü").columns["line"] == "2"
    with pytest.raises(DataError, match="is not a VIA CSV"):
        open_dataset(_csv(tmp_path / "bad", [*line[:5], "{'name': 1}", "{}"]))


@pytest.mark.parametrize(
    "region",
    [
        _region({"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1, 2]}),
        _region({"name": "polygon", "all_points_x": [1, 2, 3], "all_points_y": [1, 2]}),
        _region({"name": "polygon", "all_points_x": [1, 2, float("nan")], "all_points_y": [1, 2, 3]}),
        _region({"name": "polygon", "all_points_x": [1, 2, 1e12], "all_points_y": [1, 2, 3]}),
        _region({"name": "polygon"}),
        _region({"name": "rect", "x": 1}),
        _region({"name": "circle", "cx": 1, "cy": 1}),
        _region({"name": "blob"}),
        _region(SQUARE, **{"class": ""}),
        {"shape_attributes": SQUARE},
        7,
    ],
)
def test_read__regions_that_cannot_be_read(tmp_path: Path, region: Any) -> None:
    with pytest.raises(DataError, match=r"via.json: a ü.png: region 1: ") as caught:
        open_dataset(_project(tmp_path, _region(SQUARE), region), options={"label": "class"})
    assert all(problem.allowed and problem.found and problem.fix for problem in caught.value.problems)


@pytest.mark.parametrize(
    "text", ['{"_via_img_metadata": [3], "regions": 1}', "{", '{"file_attributes": 1, "regions": 2}']
)
def test_read__files_that_are_none(tmp_path: Path, text: str) -> None:
    _images(tmp_path)
    (tmp_path / "via.json").write_text(text)
    with pytest.raises(DataError, match=r"is not VIA JSON|is not readable JSON"):
        open_dataset(tmp_path, format="via", options={"annotations": "via.json"})


def test_write__an_attribute_that_is_called_like_the_label(tmp_path: Path) -> None:
    root = _project(tmp_path / "in", _region(SQUARE, kind="dent", **{"class": "II"}))
    dataset = open_dataset(root, options={"label": "kind"})
    export_dataset(dataset, tmp_path / "out", "via")
    again = open_dataset(tmp_path / "out")
    (one,) = again.read_instances(again.frames[0])
    assert (again.classes.names, dict(one.attributes)) == (("background", "dent"), {"class of object": "II"})
