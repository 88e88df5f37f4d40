"""LabelMe XML written: a file beside each image; polygons as they were drawn, all other pixels as mask files.

Source: the annotations of the LabelMe web tool, and of exports as LabelMe 3.0 for masks and attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np

from segwright.core import Listener, Size
from segwright.data.codecs.writing import write_values
from segwright.data.dataset import Dataset, Frame
from segwright.data.drawing import Drawing, label_names, one_shape_an_object, patch_of
from segwright.data.formats.format import Carried, Options
from segwright.data.formats.labelme_attributes import text_of
from segwright.data.formats.writing_shapes import (
    TOLERANCE,
    Lost,
    lost,
    number_text,
    records_of,
    require_xml,
    write_text,
)
from segwright.data.shapes import Outlines, Shape

CARRIES: frozenset[Carried] = frozenset({"void", "objects", "overlap", "outlines", "attributes"})
WRITE_OPTIONS = TOLERANCE


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> Mapping[Carried, int]:
    """STEM.* and STEM.xml beside each other, and Masks/NAME_mask_N.png for what is no polygon."""
    names = label_names(dataset.classes)

    def record(frame: Frame, name: str, drawing: Drawing) -> tuple[None, Lost]:
        root, redrawn = _annotation(folder, name, one_shape_an_object(drawing), names)
        indent(root)
        text = tostring(root, encoding="unicode")
        require_xml(text, folder)
        write_text(folder / f"{frame.stem}.xml", text + "\n")
        return None, lost(outlines=redrawn)

    return records_of(dataset, folder, options, listener, record)[1]


def _annotation(folder: Path, name: str, drawing: Drawing, names: Mapping[int, str]) -> tuple[Element, int]:
    """The file of one image, and how many outlines became pixels."""
    path = PurePosixPath(name)
    root = Element("annotation")
    SubElement(root, "filename").text = path.name
    SubElement(root, "folder").text = str(path.parent) if path.parent.parts else ""
    SubElement(SubElement(root, "source"), "sourceImage").text = ""
    redrawn = 0
    for at, shape in enumerate(drawing.shapes):
        one = _object(at, shape, names)
        if isinstance(shape, Outlines) and len(shape.outlines) == 1 and not shape.holes and len(shape.outlines[0]) >= 3:
            _add_polygon(one, shape)
        else:
            mask = f"{path.stem}_mask_{at}.png"
            if not _write_mask(folder / path.parent / "Masks" / mask, shape, drawing.size):
                continue
            redrawn += isinstance(shape, Outlines)
            segment = SubElement(one, "segm")
            SubElement(segment, "username").text = "segwright"
            SubElement(segment, "mask").text = mask
        root.append(one)
    size = SubElement(root, "imagesize")
    SubElement(size, "nrows").text, SubElement(size, "ncols").text = str(drawing.size.height), str(drawing.size.width)
    return root, redrawn


def _object(at: int, shape: Shape, names: Mapping[int, str]) -> Element:
    """Everything about a shape but where it lies."""
    one = Element("object")
    said = dict(shape.facts.attributes)
    occluded = said.get("occluded") == "true"
    if occluded:
        del said["occluded"]
    facts = {"name": names[shape.class_id], "deleted": "0", "verified": "0", "occluded": "yes" if occluded else "no"}
    for key, value in {**facts, "attributes": text_of(said), "id": str(at)}.items():
        SubElement(one, key).text = value
    return one


def _add_polygon(one: Element, shape: Outlines) -> None:
    polygon = SubElement(one, "polygon")
    SubElement(polygon, "username").text = "segwright"
    for x, y in shape.outlines[0].tolist():
        point = SubElement(polygon, "pt")
        SubElement(point, "x").text, SubElement(point, "y").text = number_text(x), number_text(y)


def _write_mask(target: Path, shape: Shape, size: Size) -> bool:
    """The pixels of a shape as white on black; False, and no file, where none lies in the frame."""
    pixels = np.zeros((size.height, size.width), np.uint8)
    patch_of(shape, size).paint(pixels, 255)
    if not pixels.any():
        return False
    write_values(target, pixels)
    return True
