"""COCO instances JSON written: polygons as they were drawn, all other pixels as compressed run lengths.

COCO knows no void: a void region is written as a crowd of a category called void, which reading turns to void again and
COCO's own evaluation ignores. COCO knows no painting order either; where ours is not "larger below smaller", the
annotations of the image carry it as `z_order`, which other tools pass over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from segwright.core import ClassTable, Listener, Size
from segwright.data.dataset import Dataset, Frame
from segwright.data.drawing import Drawing, class_of, joined_ring, label_names, one_shape_an_object, patch_of
from segwright.data.formats.format import Carried, Options
from segwright.data.formats.writing_shapes import TOLERANCE, Lost, lost, records_of, write_json
from segwright.data.rasterise import Patch, mask_runs, packed_runs, polygon_patch, same_pixels
from segwright.data.shapes import Outlines, Shape

CARRIES: frozenset[Carried] = frozenset({"void", "objects", "overlap", "crowd", "outlines", "attributes"})
WRITE_OPTIONS = TOLERANCE


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> Mapping[Carried, int]:
    """images/STEM.* and annotations/instances.json."""
    void_id = dataset.classes.void_id

    def record(frame: Frame, name: str, drawing: Drawing) -> tuple[tuple[dict, list[dict]], Lost]:  # noqa: ARG001
        image = {"file_name": name, "height": drawing.size.height, "width": drawing.size.width}
        objects, missed = _annotations(one_shape_an_object(drawing), void_id)
        return (image, objects), missed

    records, missed = records_of(dataset, folder / "images", options, listener, record)
    images, annotations = [], []
    for at, (image, objects) in enumerate(records, start=1):
        images.append({"id": at, **image})
        for one in objects:
            annotations.append({"id": len(annotations) + 1, "image_id": at, **one})
    categories = _categories(dataset.classes, {one["category_id"] for one in annotations})
    data = {"images": images, "annotations": annotations, "categories": categories}
    write_json(folder / "annotations" / "instances.json", data)
    return missed


def _categories(classes: ClassTable, used: Iterable[int]) -> list[dict[str, Any]]:
    """All classes of objects; the background and void where something is painted as them."""
    names, kinds = label_names(classes), {spec.class_id: spec.kind for spec in classes}
    rare = {classes.void_id, classes.background_id} - {*used}
    ids = sorted(names.keys() - rare)
    return [{"id": one, "name": names[one], "supercategory": kinds.get(one, "void")} for one in ids]


def _annotations(drawing: Drawing, void_id: int) -> tuple[list[dict[str, Any]], Lost]:
    """The annotations of one image but for their numbers, in painting order."""
    rows: list[dict[str, Any]] = []
    redrawn = painted = 0
    size = [drawing.size.height, drawing.size.width]
    for shape in drawing.shapes:
        patch, drawn = patch_of(shape, drawing.size), isinstance(shape, Outlines)
        if not patch.painted.any():
            redrawn += drawn
            continue
        crowd = shape.facts.crowd or class_of(shape) == void_id
        polygons = None if crowd or not isinstance(shape, Outlines) else polygons_of(shape, patch, drawing.size)
        redrawn += drawn and polygons is None
        painted += shape.facts.crowd and shape.class_id != void_id
        outline = polygons or {"size": size, "counts": counts_of(patch, drawing.size)}
        rows.append(_row(shape, patch, outline, crowd=crowd))
    order = sorted(range(len(rows)), key=lambda at: (not rows[at]["iscrowd"], -rows[at]["area"], at))
    if order != list(range(len(rows))):
        rows = [{**row, "z_order": at} for at, row in enumerate(rows)]
    return rows, lost(outlines=redrawn, painted_crowd=painted)


def _row(shape: Shape, patch: Patch, outline: Any, *, crowd: bool) -> dict[str, Any]:
    rows, columns = np.flatnonzero(patch.painted.any(axis=1)), np.flatnonzero(patch.painted.any(axis=0))
    left, top = int(columns[0]) + patch.box.left, int(rows[0]) + patch.box.top
    row = {
        "category_id": class_of(shape),
        "iscrowd": int(crowd),
        "area": int(np.count_nonzero(patch.painted)),
        "bbox": [left, top, int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1],
        "segmentation": outline,
    }
    return {**row, "attributes": dict(shape.facts.attributes)} if shape.facts.attributes else row


def polygons_of(shape: Outlines, patch: Patch, size: Size) -> list[list[float]] | None:
    """COCO's polygons of a shape whose pixels are `patch`; holes are joined to the outline by a cut of no width.

    None where no polygons paint these pixels.
    """
    rings = shape.outlines
    if shape.holes:
        ring = joined_ring([*shape.outlines, *shape.holes])
        if not same_pixels(polygon_patch(ring, size), patch):
            return None
        rings = (ring,)
    return [ring.ravel().tolist() for ring in rings] if all(len(ring) >= 3 for ring in rings) else None


def counts_of(patch: Patch, size: Size) -> str:
    """COCO's compressed run lengths of a patch in a frame of `size`, as pycocotools writes them."""
    box = patch.box
    strip = np.zeros((size.height, box.width), dtype=bool)
    strip[box.top : box.bottom] = patch.painted
    runs = mask_runs(strip, by_column=True)
    before, after = box.left * size.height, (size.width - box.right) * size.height
    runs[0] += before
    if len(runs) % 2:  # ends unpainted
        runs[-1] += after
    elif after:
        runs.append(after)
    return packed_runs(runs)
