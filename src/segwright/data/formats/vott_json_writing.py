"""VoTT JSON written: a polygon an object, as it was drawn; all other pixels as one polygon an object.

VoTT knows no masks, lines or holes: pixels become polygons along their edges, holes and parts joined by cuts of no
width.

Source: the types `IAssetMetadata` and `IRegion` of microsoft/VoTT.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segwright.core import Listener
from segwright.data.dataset import Dataset, Frame
from segwright.data.drawing import Drawing, label_names, one_shape_an_object, ring_of
from segwright.data.formats.format import Carried, Options
from segwright.data.formats.writing_shapes import TOLERANCE, Lost, hexadecimal, lost, plain, records_of, write_json
from segwright.data.shapes import Outlines

CARRIES: frozenset[Carried] = frozenset({"void", "objects", "overlap", "outlines"})
WRITE_OPTIONS = TOLERANCE
_VERSION = "2.2.0"
_VOID_COLOUR = (128, 128, 128)
_TAGGED, _IMAGE = 2, 1  # AssetState.Tagged, AssetType.Image


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> Mapping[Carried, int]:
    """images/STEM.* and vott.json."""
    names = label_names(dataset.classes)

    def record(frame: Frame, name: str, drawing: Drawing) -> tuple[dict[str, Any], Lost]:  # noqa: ARG001
        regions, redrawn = _regions(name, one_shape_an_object(drawing), names)
        asset = {
            "format": Path(name).suffix.removeprefix("."),
            "id": _id(name),
            "name": name,
            "path": f"file:images/{name}",
            "size": {"width": drawing.size.width, "height": drawing.size.height},
            "state": _TAGGED,
            "type": _IMAGE,
        }
        return {"asset": asset, "regions": regions, "version": _VERSION}, lost(outlines=redrawn)

    rows, missed = records_of(dataset, folder / "images", options, listener, record)
    used = {tag for row in rows for region in row["regions"] for tag in region["tags"]}
    rare = {"void", dataset.classes.background} - used
    colours = {spec.name: dataset.classes.colour(spec.class_id) for spec in dataset.classes}
    tags = [
        {"name": name, "color": hexadecimal(colours.get(name, _VOID_COLOUR))}
        for name in names.values()
        if name not in rare
    ]
    project = {
        "name": "segwright",
        "securityToken": "",
        "videoSettings": {"frameExtractionRate": 15},
        "tags": tags,
        "id": _id("segwright"),
        "version": _VERSION,
        "assets": {row["asset"]["id"]: row for row in rows},
    }
    write_json(folder / "vott.json", project)
    return missed


def _regions(image: str, drawing: Drawing, names: Mapping[int, str]) -> tuple[list[dict[str, Any]], int]:
    """The regions of one image, and how many outlines became outlines of pixels."""
    regions: list[dict[str, Any]] = []
    redrawn = 0
    for at, shape in enumerate(drawing.shapes):
        ring, as_drawn = ring_of(shape, drawing.size)
        redrawn += isinstance(shape, Outlines) and not as_drawn
        if len(ring) < 3:
            continue
        (left, top), (right, bottom) = ring.min(axis=0).tolist(), ring.max(axis=0).tolist()
        box = {"height": bottom - top, "width": right - left, "left": left, "top": top}
        points = [{"x": plain(x), "y": plain(y)} for x, y in ring.tolist()]
        tags, number = [names[shape.class_id]], _id(f"{image} {at}")[:9]
        regions.append({"id": number, "type": "POLYGON", "tags": tags, "boundingBox": box, "points": points})
    return regions, redrawn


def _id(text: str) -> str:
    """An id that is the same whenever the same frame is written: VoTT takes the MD5 of the path."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
