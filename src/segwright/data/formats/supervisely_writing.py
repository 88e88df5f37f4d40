"""A Supervisely project written: polygons, with holes, and lines as they were drawn, other pixels as bitmaps."""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from segwright.core import GREY, ClassTable, Image, Listener, adopt
from segwright.data.codecs import encode_image
from segwright.data.dataset import Dataset, Frame
from segwright.data.drawing import Drawing, as_pixels, label_names, patch_of
from segwright.data.formats.format import Carried, Options
from segwright.data.formats.writing_shapes import (
    TOLERANCE,
    Lost,
    hexadecimal,
    lost,
    pairs,
    plain,
    records_of,
    write_json,
)
from segwright.data.rasterise import Mask
from segwright.data.shapes import Outlines, Shape, Stroke

CARRIES: frozenset[Carried] = frozenset({"void", "objects", "overlap", "outlines", "holes", "strokes", "attributes"})
WRITE_OPTIONS = TOLERANCE
WIDTH = "brush_px"
_FOLDER = "ds0"


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> Mapping[Carried, int]:
    """meta.json, ds0/img/STEM.* and ds0/ann/STEM.*.json."""
    names = label_names(dataset.classes)

    def record(frame: Frame, name: str, drawing: Drawing) -> tuple[tuple[set[str], set[str]], Lost]:  # noqa: ARG001
        rows, redrawn = _objects(drawing, names)
        data = {
            "description": "",
            "tags": [],
            "size": {"height": drawing.size.height, "width": drawing.size.width},
            "objects": rows,
        }
        write_json(folder / _FOLDER / "ann" / f"{name}.json", data)
        tags = {tag["name"] for row in rows for tag in row["tags"]}
        return ({row["classTitle"] for row in rows}, tags), lost(outlines=redrawn)

    records, missed = records_of(dataset, folder / _FOLDER / "img", options, listener, record)
    used = {name for names_used, _ in records for name in names_used}
    tags = sorted({name for _, said in records for name in said})
    write_json(folder / "meta.json", _meta(dataset.classes, used, tags), indent=1)
    return missed


def _meta(classes: ClassTable, used: set[str], tags: list[str]) -> dict[str, Any]:
    colours = {spec.name: hexadecimal(classes.colour(spec.class_id)) for spec in classes}
    rare = {"void", classes.background} - used
    named = [name for name in label_names(classes).values() if name not in rare]
    rows = [{"title": name, "shape": "any", "color": colours.get(name, "#808080")} for name in named]
    return {
        "classes": rows,
        "tags": [{"name": name, "value_type": "any_string", "color": "#404040"} for name in tags],
        "projectType": "images",
    }


def _objects(drawing: Drawing, names: Mapping[int, str]) -> tuple[list[dict[str, Any]], int]:
    """The objects of one image, and how many outlines became bitmaps."""
    keys = Counter((one.class_id, one.facts.object_id) for one in drawing.shapes)
    rows: list[dict[str, Any]] = []
    redrawn = 0
    for at, shape in enumerate(drawing.shapes):
        drawn = list(_drawn(shape, drawing))
        redrawn += isinstance(shape, Outlines) and any(one["geometryType"] == "bitmap" for one in drawn)
        key = shape.facts.object_id
        instance = key if key is not None and keys[shape.class_id, key] > 1 else f"shape {at}"
        together = {"instance": instance} if len(drawn) > 1 or instance == key else {}
        said = {"classTitle": names[shape.class_id], "description": "", "tags": _tags(shape), **together}
        rows += [{"id": len(rows) + more, **said, **one} for more, one in enumerate(drawn, start=1)]
    return rows, redrawn


def _tags(shape: Shape) -> list[dict[str, Any]]:
    tags: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in shape.facts.attributes.items()]
    if isinstance(shape, Stroke):
        tags.append({"name": WIDTH, "value": str(plain(shape.width_px))})
    return tags


def _drawn(shape: Shape, drawing: Drawing) -> Iterator[dict[str, Any]]:
    if isinstance(shape, Stroke):
        yield {"geometryType": "line", "points": {"exterior": pairs(shape.points), "interior": []}}
        return
    if isinstance(shape, Outlines) and _is_simple(shape):
        holes = [pairs(hole) for hole in shape.holes]
        for ring in shape.outlines:
            yield {"geometryType": "polygon", "points": {"exterior": pairs(ring), "interior": holes}}
        return
    pixels = as_pixels(shape, drawing.size)
    if pixels is not None and pixels.box is not None:
        data = packed_bitmap(patch_of(pixels, drawing.size).painted)
        yield {"geometryType": "bitmap", "bitmap": {"data": data, "origin": [pixels.box.left, pixels.box.top]}}


def _is_simple(shape: Outlines) -> bool:
    """One outline with its holes, or several without: which hole would belong to which is not said."""
    rings = [*shape.outlines, *shape.holes]
    return all(len(ring) >= 3 for ring in rings) and (len(shape.outlines) == 1 or not shape.holes)


def packed_bitmap(mask: Mask) -> str:
    """A mask as Supervisely stores it: a PNG, packed by zlib and base64."""
    picture = Image(adopt(np.where(mask, np.uint8(255), np.uint8(0))[..., None]), GREY)
    return base64.b64encode(zlib.compress(encode_image(picture, ".png"))).decode("ascii")
