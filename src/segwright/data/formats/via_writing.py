"""A VIA project written: polygons and lines as they were drawn; all other pixels as one polygon an object.

VIA knows no masks: pixels become polygons along their edges, holes and parts joined by cuts of no width.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segwright.core import ClassTable, Listener
from segwright.data.dataset import Dataset, Frame
from segwright.data.drawing import Drawing, label_names, ring_of
from segwright.data.formats.format import Carried, Options
from segwright.data.formats.writing_shapes import TOLERANCE, Lost, lost, plain, records_of, write_json
from segwright.data.rasterise import Points
from segwright.data.shapes import Outlines, Stroke

CARRIES: frozenset[Carried] = frozenset({"void", "objects", "overlap", "outlines", "strokes", "attributes"})
WRITE_OPTIONS = TOLERANCE
LABEL = "class"
PARTS_OF = "part of object"
WIDTH = "brush_px"
_AGAIN = "class of object"  # what an attribute is called that has the name of the one that holds the class


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> Mapping[Carried, int]:
    """images/STEM.* and via_project.json."""
    names = label_names(dataset.classes)

    def record(frame: Frame, name: str, drawing: Drawing) -> tuple[dict[str, Any], Lost]:  # noqa: ARG001
        size = (folder / "images" / name).stat().st_size
        regions, redrawn = _regions(drawing, names)
        row = {"filename": name, "size": size, "regions": regions, "file_attributes": {}}
        return row, lost(outlines=redrawn)

    rows, missed = records_of(dataset, folder / "images", options, listener, record)
    project = {
        "_via_settings": {
            "ui": {"image": {"region_label": LABEL, "region_color": LABEL}},
            "core": {"buffer_size": 18, "filepath": {}, "default_filepath": "./images/"},
            "project": {"name": "segwright"},
        },
        "_via_img_metadata": {f"{row['filename']}{row['size']}": row for row in rows},
        "_via_attributes": {"region": _attributes(dataset.classes, rows), "file": {}},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": [f"{row['filename']}{row['size']}" for row in rows],
    }
    write_json(folder / "via_project.json", project)
    return missed


def _attributes(classes: ClassTable, rows: list[dict[str, Any]]) -> dict[str, Any]:
    said = [one["region_attributes"] for row in rows for one in row["regions"]]
    rare = {"void", classes.background} - {one[LABEL] for one in said}
    options = {name: "" for name in label_names(classes).values() if name not in rare}
    listed: dict[str, Any] = {LABEL: {"type": "dropdown", "description": "", "options": options, "default_options": {}}}
    for name in sorted({name for one in said for name in one} - {LABEL}):
        listed[name] = {"type": "text", "description": "", "default_value": ""}
    return listed


def _regions(drawing: Drawing, names: Mapping[int, str]) -> tuple[list[dict[str, Any]], int]:
    """The regions of one image, and how many outlines became outlines of pixels."""
    keys = Counter((one.class_id, one.facts.object_id) for one in drawing.shapes if one.facts.object_id is not None)
    regions: list[dict[str, Any]] = []
    redrawn = 0
    for shape in drawing.shapes:
        said = {_AGAIN if name == LABEL else name: value for name, value in shape.facts.attributes.items()}
        said[LABEL] = names[shape.class_id]
        key = shape.facts.object_id
        if key is not None and keys[shape.class_id, key] > 1:
            said[PARTS_OF] = key
        if isinstance(shape, Stroke):
            said[WIDTH] = str(plain(shape.width_px))
            regions.append({"shape_attributes": _points("polyline", shape.points), "region_attributes": said})
            continue
        ring, as_drawn = ring_of(shape, drawing.size)
        redrawn += isinstance(shape, Outlines) and not as_drawn
        if len(ring) >= 3:
            regions.append({"shape_attributes": _points("polygon", ring), "region_attributes": said})
    return regions, redrawn


def _points(kind: str, points: Points) -> dict[str, Any]:
    x, y = ([plain(value) for value in column] for column in points.T.tolist())
    return {"name": kind, "all_points_x": x, "all_points_y": y}
