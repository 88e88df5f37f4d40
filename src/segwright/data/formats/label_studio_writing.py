"""Label Studio JSON written: a task an image; polygons as they were drawn, other pixels as brush masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np

from segwright.core import ClassTable, Listener, Size
from segwright.data.dataset import Dataset, Frame
from segwright.data.drawing import Drawing, label_names, one_shape_an_object, patch_of
from segwright.data.formats.format import Carried, Options
from segwright.data.formats.label_studio_rle import packed_mask
from segwright.data.formats.writing_shapes import TOLERANCE, Lost, hexadecimal, lost, records_of, write_json, write_text
from segwright.data.rasterise import Points, polygon_patch, same_pixels
from segwright.data.shapes import Outlines, Shape

CARRIES: frozenset[Carried] = frozenset({"void", "objects", "overlap", "outlines", "attributes"})
WRITE_OPTIONS = TOLERANCE
_BRUSH, _POLYGON = "brush", "polygon"


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> Mapping[Carried, int]:
    """images/STEM.*, tasks.json, and the labelling configuration config.xml."""
    names = label_names(dataset.classes)

    def record(frame: Frame, name: str, drawing: Drawing) -> tuple[dict[str, Any], Lost]:  # noqa: ARG001
        results, redrawn = _results(one_shape_an_object(drawing), names)
        annotation = {"was_cancelled": False, "ground_truth": False, "result": results}
        return {"data": {"image": f"images/{name}"}, "annotations": [annotation]}, lost(outlines=redrawn)

    records, missed = records_of(dataset, folder / "images", options, listener, record)
    tasks = [{"id": at, **task} for at, task in enumerate(records, start=1)]
    write_json(folder / "tasks.json", tasks)
    results = [result for task in tasks for result in task["annotations"][0]["result"]]
    write_text(folder / "config.xml", _configuration(dataset.classes, results))
    return missed


def _results(drawing: Drawing, names: Mapping[int, str]) -> tuple[list[dict[str, Any]], int]:
    """The results of one task, and how many outlines became brush masks."""
    results: list[dict[str, Any]] = []
    size, redrawn = drawing.size, 0
    for at, shape in enumerate(drawing.shapes):
        ring = _percent(shape, drawing)
        redrawn += isinstance(shape, Outlines) and ring is None
        if ring is not None:
            kind, value = _POLYGON, {"points": ring, "closed": True}
        else:
            whole = patch_of(shape, size).over(size)
            if not whole.any():
                continue
            kind, value = _BRUSH, {"format": "rle", "rle": packed_mask(whole)}
        facts = {
            "id": f"region{at}", "to_name": "image", "image_rotation": 0,
            "original_width": size.width, "original_height": size.height,
        }  # fmt: skip
        labels = {f"{kind}labels": [names[shape.class_id]]}
        results.append({**facts, "from_name": kind, "type": f"{kind}labels", "value": {**value, **labels}})
        results += _said(shape, facts)
    return results, redrawn


def _percent(shape: Shape, drawing: Drawing) -> list[list[float]] | None:
    """The ring of a drawn shape in percent; None where it has several, or would paint other pixels."""
    if not isinstance(shape, Outlines) or shape.holes or len(shape.outlines) != 1 or len(shape.outlines[0]) < 3:
        return None
    size = drawing.size
    ring = shape.outlines[0] * [100 / size.width, 100 / size.height]
    same = same_pixels(polygon_patch(in_pixels(ring, size), size), patch_of(shape, size))
    return ring.tolist() if same else None


def in_pixels(points: Points, size: Size) -> Points:
    """Percent of a frame as pixels, to a millionth."""
    return np.round(points * [size.width / 100, size.height / 100], 6)


def _said(shape: Shape, facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in shape.facts.attributes.items():
        yield {**facts, "from_name": name, "type": "textarea", "value": {"text": [value]}}


def _configuration(classes: ClassTable, results: list[dict[str, Any]]) -> str:
    """What to paste under Settings, Labeling Interface."""
    view = Element("View")
    SubElement(view, "Image", {"name": "image", "value": "$image"})
    colours = {spec.name: hexadecimal(classes.colour(spec.class_id)) for spec in classes}
    used = {
        label for one in results for label in one["value"].get("brushlabels", one["value"].get("polygonlabels", []))
    }
    rare = {"void", classes.background} - used
    for kind, tag in ((_BRUSH, "BrushLabels"), (_POLYGON, "PolygonLabels")):
        labels = SubElement(view, tag, {"name": kind, "toName": "image"})
        for name in label_names(classes).values():
            if name not in rare:
                SubElement(labels, "Label", {"value": name, "background": colours.get(name, "#808080")})
    for name in dict.fromkeys(one["from_name"] for one in results if one["type"] == "textarea"):
        SubElement(view, "TextArea", {"name": name, "toName": "image", "perRegion": "true"})
    indent(view)
    return tostring(view, encoding="unicode") + "\n"
