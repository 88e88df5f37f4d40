"""LabelMe JSON written: a file beside each image; polygons and lines as they were drawn, other pixels as masks."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from segwright.core import GREY, Image, Listener, adopt
from segwright.data.codecs import encode_image
from segwright.data.dataset import Dataset, Frame
from segwright.data.drawing import Drawing, as_pixels, label_names, patch_of
from segwright.data.formats.format import Carried, Options
from segwright.data.formats.writing_shapes import TOLERANCE, Lost, lost, pairs, plain, records_of, write_json
from segwright.data.shapes import Outlines, Shape, Stroke

CARRIES: frozenset[Carried] = frozenset({"void", "objects", "overlap", "outlines", "strokes", "attributes"})
WRITE_OPTIONS = TOLERANCE
WIDTH = "brush_px"
_VERSION = "5.5.0"


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> Mapping[Carried, int]:
    """STEM.* and STEM.json beside each other."""
    names = label_names(dataset.classes)

    def record(frame: Frame, name: str, drawing: Drawing) -> tuple[None, Lost]:
        shapes, redrawn = _shapes(drawing, names)
        data = {
            "version": _VERSION,
            "flags": {},
            "shapes": shapes,
            "imagePath": PurePosixPath(name).name,
            "imageData": None,
            "imageHeight": drawing.size.height,
            "imageWidth": drawing.size.width,
        }
        write_json(folder / f"{frame.stem}.json", data, indent=1)
        return None, lost(outlines=redrawn)

    return records_of(dataset, folder, options, listener, record)[1]


def _shapes(drawing: Drawing, names: Mapping[int, str]) -> tuple[list[dict[str, Any]], int]:
    """The shapes of one file, and how many outlines became pixels."""
    groups = _groups(drawing)
    rows: list[dict[str, Any]] = []
    redrawn = 0
    for shape in drawing.shapes:
        drawn = list(_drawn(shape, drawing))
        redrawn += isinstance(shape, Outlines) and any(one["shape_type"] == "mask" for one in drawn)
        group = groups.get((shape.class_id, shape.facts.object_id or ""))
        if len(drawn) > 1 and group is None:
            group = groups[shape.class_id, f"shape {len(groups)}"] = len(groups) + 1
        rows += [{"label": names[shape.class_id], **one, "group_id": group, **_said(shape)} for one in drawn]
    return rows, redrawn


def _groups(drawing: Drawing) -> dict[tuple[int, str], int]:
    """A group id for each object of several shapes."""
    shapes = drawing.shapes
    keys = Counter((one.class_id, one.facts.object_id) for one in shapes if one.facts.object_id is not None)
    return {key: at for at, key in enumerate((key for key, count in keys.items() if count > 1), start=1)}


def _drawn(shape: Shape, drawing: Drawing) -> Iterator[dict[str, Any]]:
    if isinstance(shape, Stroke):
        yield {"shape_type": "line" if len(shape.points) == 2 else "linestrip", "points": pairs(shape.points)}
        return
    if isinstance(shape, Outlines) and not shape.holes and all(len(ring) >= 3 for ring in shape.outlines):
        yield from ({"shape_type": "polygon", "points": pairs(ring)} for ring in shape.outlines)
        return
    pixels = as_pixels(shape, drawing.size)
    if pixels is not None and pixels.box is not None:
        box = pixels.box
        mask = patch_of(pixels, drawing.size).painted
        picture = Image(adopt(np.where(mask, np.uint8(255), np.uint8(0))[..., None]), GREY)
        yield {
            "shape_type": "mask",
            "points": [[box.left, box.top], [box.right - 1, box.bottom - 1]],
            "mask": base64.b64encode(encode_image(picture, ".png")).decode("ascii"),
        }


def _said(shape: Shape) -> dict[str, Any]:
    """Attributes that are true or false as flags, the description as such, others under a key that LabelMe keeps."""
    said = dict(shape.facts.attributes)
    description = said.pop("description", "")
    flags = {name: value == "true" for name, value in said.items() if value in ("true", "false")}
    others: dict[str, Any] = {name: value for name, value in said.items() if name not in flags}
    if isinstance(shape, Stroke):
        others[WIDTH] = plain(shape.width_px)
    return {"description": description, "flags": flags, **({"attributes": others} if others else {})}
