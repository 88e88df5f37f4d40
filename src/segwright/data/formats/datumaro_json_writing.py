"""Datumaro JSON written: polygons and polylines as they were drawn, other pixels as COCO's run lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from segwright.core import Listener
from segwright.data.dataset import Dataset, Frame
from segwright.data.drawing import Drawing, class_of, label_names, patch_of
from segwright.data.formats.coco_json_writing import counts_of
from segwright.data.formats.format import Carried, Options
from segwright.data.formats.writing_shapes import TOLERANCE, Lost, lost, plain, records_of, write_json
from segwright.data.shapes import Outlines, Shape, Stroke

CARRIES: frozenset[Carried] = frozenset({"void", "objects", "overlap", "crowd", "outlines", "strokes", "attributes"})
WRITE_OPTIONS = TOLERANCE
CROWD = "is_crowd"
WIDTH = "brush_px"


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> Mapping[Carried, int]:
    """images/default/STEM.* and annotations/default.json."""
    names = label_names(dataset.classes)
    positions = {class_id: at for at, class_id in enumerate(names)}
    void_id = dataset.classes.void_id

    def record(frame: Frame, name: str, drawing: Drawing) -> tuple[dict[str, Any], Lost]:
        rows, missed = _annotations(drawing, positions, void_id)
        image = {"path": name, "size": [drawing.size.height, drawing.size.width]}
        return {"id": frame.stem, "annotations": rows, "image": image}, missed

    items, missed = records_of(dataset, folder / "images" / "default", options, listener, record)
    labels = [{"name": name, "parent": "", "attributes": []} for name in names.values()]
    colours = [
        {"label_id": at, "r": colour[0], "g": colour[1], "b": colour[2]}
        for at, colour in enumerate(dataset.classes.colour(spec.class_id) for spec in dataset.classes)
    ]
    categories = {"label": {"labels": labels, "attributes": []}, "mask": {"colormap": colours}}
    write_json(folder / "annotations" / "default.json", {"info": {}, "categories": categories, "items": items})
    return missed


def _annotations(drawing: Drawing, positions: Mapping[int, int], void_id: int) -> tuple[list[dict[str, Any]], Lost]:
    keys = Counter((class_of(one), one.facts.object_id) for one in drawing.shapes)
    groups: dict[tuple[int, str], int] = {}
    rows: list[dict[str, Any]] = []
    redrawn = painted = 0
    for z_order, shape in enumerate(drawing.shapes):
        drawn = list(_drawn(shape, drawing))
        redrawn += isinstance(shape, Outlines) and any(one["type"] == "mask" for one in drawn)
        painted += shape.facts.crowd and shape.class_id != void_id
        key = (class_of(shape), shape.facts.object_id or f"shape {z_order}")
        together = len(drawn) > 1 or (shape.facts.object_id is not None and keys[key] > 1)
        group = groups.setdefault(key, len(groups) + 1) if together else 0
        said = {"attributes": _said(shape), "group": group, "label_id": positions[class_of(shape)], "z_order": z_order}
        rows += [{"id": len(rows) + more, **one, **said} for more, one in enumerate(drawn, start=1)]
    return rows, lost(outlines=redrawn, painted_crowd=painted)


def _said(shape: Shape) -> dict[str, Any]:
    said: dict[str, Any] = dict(shape.facts.attributes)
    if shape.facts.crowd:
        said[CROWD] = True
    if isinstance(shape, Stroke):
        said[WIDTH] = plain(shape.width_px)
    return said


def _drawn(shape: Shape, drawing: Drawing) -> Iterator[dict[str, Any]]:
    if isinstance(shape, Stroke):
        yield {"type": "polyline", "points": shape.points.ravel().tolist()}
    elif isinstance(shape, Outlines) and not shape.holes and all(len(ring) >= 3 for ring in shape.outlines):
        yield from ({"type": "polygon", "points": ring.ravel().tolist()} for ring in shape.outlines)
    else:
        patch, size = patch_of(shape, drawing.size), drawing.size
        if patch.painted.any():
            yield {"type": "mask", "rle": {"counts": counts_of(patch, size), "size": [size.height, size.width]}}
