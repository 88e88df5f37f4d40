"""CVAT for images 1.1 written: polygons and polylines as they were drawn, all other pixels as brush masks.

Masks are exact, so that no gap opens between classes; what lies above what is in `z_order`. The shapes of one object
share a `group_id`. A polygon has no holes in CVAT: what has some becomes a mask.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np

from segwright.core import ClassTable, Listener
from segwright.data.dataset import Dataset, Frame
from segwright.data.drawing import Drawing, as_pixels, class_of, label_names, patch_of
from segwright.data.formats.format import Carried, Options
from segwright.data.formats.writing_shapes import (
    TOLERANCE,
    Lost,
    hexadecimal,
    lost,
    number_text,
    records_of,
    require_xml,
    write_text,
)
from segwright.data.rasterise import BRUSH_PX, Points
from segwright.data.shapes import Outlines, Runs, Shape, Stroke

CARRIES: frozenset[Carried] = frozenset({"void", "objects", "overlap", "crowd", "outlines", "strokes", "attributes"})
WRITE_OPTIONS = TOLERANCE
CROWD = "is_crowd"
WIDTH = "brush_px"
_VOID_COLOUR = (128, 128, 128)


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> Mapping[Carried, int]:
    """images/STEM.* and annotations.xml."""
    names = label_names(dataset.classes)

    def record(frame: Frame, name: str, drawing: Drawing) -> tuple[Element, Lost]:  # noqa: ARG001
        return _image(name, drawing, names, dataset.classes.void_id)

    images, missed = records_of(dataset, folder / "images", options, listener, record)
    root = Element("annotations")
    SubElement(root, "version").text = "1.1"
    task = SubElement(SubElement(root, "meta"), "task")
    SubElement(task, "size").text = str(len(images))
    SubElement(task, "mode").text = "annotation"
    SubElement(task, "z_order").text = "True"
    _list_labels(SubElement(task, "labels"), dataset.classes, images)
    for at, image in enumerate(images):
        image.set("id", str(at))
        root.append(image)
    indent(root)
    text = tostring(root, encoding="unicode")
    require_xml(text, folder)
    write_text(folder / "annotations.xml", f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n')
    return missed


def _list_labels(labels: Element, classes: ClassTable, images: Iterable[Element]) -> None:
    """All classes of objects with their attributes; the background and void where something is painted as them."""
    values: dict[str, dict[str, set[str]]] = {}
    for image in images:
        for shape in image:
            said = values.setdefault(shape.get("label", ""), {})
            for one in shape:
                said.setdefault(one.get("name", ""), set()).add(one.text or "")
    rare = {"void", classes.background} - values.keys()
    colours = {spec.name: classes.colour(spec.class_id) for spec in classes}
    for name in label_names(classes).values():
        if name in rare:
            continue
        label = SubElement(labels, "label")
        SubElement(label, "name").text = name
        SubElement(label, "color").text = hexadecimal(colours.get(name, _VOID_COLOUR))
        SubElement(label, "type").text = "any"
        attributes = SubElement(label, "attributes")
        for attribute, found in sorted(values.get(name, {}).items()):
            _list_attribute(attributes, attribute, found)


def _list_attribute(attributes: Element, name: str, values: set[str]) -> None:
    checkbox = values <= {"true", "false"}
    one = SubElement(attributes, "attribute")
    SubElement(one, "name").text = name
    SubElement(one, "mutable").text = "False"
    SubElement(one, "input_type").text = "checkbox" if checkbox else "text"
    SubElement(one, "default_value").text = "false" if checkbox else ""
    SubElement(one, "values").text = "false\ntrue" if checkbox else ""


def _image(name: str, drawing: Drawing, names: Mapping[int, str], void_id: int) -> tuple[Element, Lost]:
    size = drawing.size
    image = Element("image", {"name": name, "width": str(size.width), "height": str(size.height)})
    groups = _groups(drawing.shapes)
    heights = np.full((size.height, size.width), -1, np.int32)
    redrawn = painted = 0
    for shape in drawing.shapes:
        patch = patch_of(shape, size)
        under = heights[patch.box.slices][patch.painted]
        z_order = int(under.max()) + 1 if under.size else 0
        patch.paint(heights, z_order)
        drawn = list(_drawn(shape, drawing))
        group = groups.get((class_of(shape), shape.facts.object_id or ""), 0)
        if len(drawn) > 1 and not group:
            group = groups.setdefault((class_of(shape), f"shape {len(groups)}"), len(groups) + 1)
        facts = {"label": names[class_of(shape)], "source": "manual"}
        redrawn += isinstance(shape, Outlines) and any(kind == "mask" for kind, _ in drawn)
        painted += shape.facts.crowd and shape.class_id != void_id
        for kind, geometry in drawn:
            occluded = str(int(shape.facts.attributes.get("occluded") == "true"))
            said = {**facts, "occluded": occluded, **geometry, "z_order": str(z_order)}
            element = SubElement(image, kind, {**said, "group_id": str(group)} if group else said)
            _say(element, shape)
    return image, lost(outlines=redrawn, painted_crowd=painted)


def _groups(shapes: Iterable[Shape]) -> dict[tuple[int, str], int]:
    """A group number for each object of several shapes."""
    keys = Counter((class_of(one), one.facts.object_id) for one in shapes if one.facts.object_id is not None)
    return {key: at for at, key in enumerate((key for key, count in keys.items() if count > 1), start=1)}


def _say(element: Element, shape: Shape) -> None:
    """Attributes, that it is a crowd, and the width of a line."""
    said = dict(shape.facts.attributes)
    if said.get("occluded") == "true":
        del said["occluded"]
    if shape.facts.crowd:
        said[CROWD] = "true"
    if isinstance(shape, Stroke) and shape.width_px != BRUSH_PX:
        said[WIDTH] = f"{shape.width_px:g}"
    for name, value in said.items():
        SubElement(element, "attribute", {"name": name}).text = value


def _drawn(shape: Shape, drawing: Drawing) -> Iterable[tuple[str, dict[str, str]]]:
    """The element and the geometry of a shape: nothing for pixels outside the frame."""
    if isinstance(shape, Stroke):
        return [("polyline", {"points": _points(shape.points)})]
    if isinstance(shape, Outlines) and not shape.holes and all(len(ring) >= 3 for ring in shape.outlines):
        return [("polygon", {"points": _points(ring)}) for ring in shape.outlines]
    pixels = as_pixels(shape, drawing.size)
    return [] if pixels is None else [("mask", _mask(pixels))]


def _mask(pixels: Runs) -> dict[str, str]:
    box = pixels.box
    if box is None or isinstance(pixels.runs, str):
        raise ValueError("pixels of a frame have a box and plain runs")
    sides = {"left": box.left, "top": box.top, "width": box.width, "height": box.height}
    return {"rle": ", ".join(map(str, pixels.runs)), **{name: str(value) for name, value in sides.items()}}


def _points(points: Points) -> str:
    return ";".join(f"{number_text(x)},{number_text(y)}" for x, y in points.tolist())
