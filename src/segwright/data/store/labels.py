"""Labels as bytes: class ids, shapes as they were drawn, or segments; reading gives back what was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from segwright.core import Box, ClassTable, InstanceSet, LabelMap, PanopticMap, Segment, Size, adopt
from segwright.core.conversions import painting_order
from segwright.data.codecs import FrameShape
from segwright.data.masks import InstanceSource, MaskSource, PanopticSource
from segwright.data.shapes import PLAIN, ObjectFacts, Outlines, Runs, Shape, ShapeMask, Stroke

IDS, SHAPES, SEGMENTS = "ids", "shapes", "segments"
KINDS = (IDS, SHAPES, SEGMENTS)
Stored = LabelMap | ShapeMask | PanopticMap
_LEVEL = 1  # class ids get no smaller at level 3, and large even ones take twice as long


def stored_form(source: MaskSource, shape: FrameShape, classes: ClassTable) -> Stored:
    """What is kept of a frame's labels: segments, shapes as drawn, other objects as runs, or class ids.

    Raises:
        DataError: the labels cannot be read.
    """
    if isinstance(source, ShapeMask):
        source.read(shape, classes)  # shapes that do not fit are found now, not when they are needed
        return source
    if isinstance(source, PanopticSource):
        return source.read_panoptic(shape, classes)
    if isinstance(source, InstanceSource):
        return shapes_of(source.read_instances(shape, classes))
    return source.read(shape, classes)


def shapes_of(objects: InstanceSet) -> ShapeMask:
    """Objects as shapes that paint what `label_map_from_instances` does: void and crowds first, then largest first."""
    classes, size = objects.classes, objects.size
    shapes: list[Shape] = []
    if objects.void is not None:
        shapes.append(Runs(classes.void_id, _runs(objects.void), Box.of(size), by_column=False))
    for at, one in enumerate(painting_order(objects)):
        crowd = one.crowd
        facts = ObjectFacts(str(at), crowd, one.class_id if crowd else None, one.attributes)
        painted = classes.void_id if crowd else one.class_id
        shapes.append(Runs(painted, _runs(one.mask), one.box, by_column=False, facts=facts))
    return ShapeMask(tuple(shapes), classes.unpainted_id, size, "stored objects", "upright")


def _runs(mask: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    """Alternating run lengths by row, unpainted first."""
    flat = mask.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return tuple([0, *lengths] if flat[0] else lengths)


def encode(labels: Stored) -> tuple[str, str, bytes]:
    """Kind, content hash and bytes. The hash is of the content before it is compressed: equal labels, equal hash."""
    if isinstance(labels, LabelMap):
        kind, head, body = IDS, _array_head(labels.ids), np.ascontiguousarray(labels.ids).data
    elif isinstance(labels, PanopticMap):
        segments = [[row.segment_id, row.class_id, row.crowd] for row in labels.segments]
        kind, head = SEGMENTS, {**_array_head(labels.segment_ids), "segments": segments}
        body = np.ascontiguousarray(labels.segment_ids).data
    else:
        kind, head, body = SHAPES, _shape_mask_json(labels), b""
    content = b"".join([json.dumps(head, sort_keys=True, separators=(",", ":")).encode(), b"\n", body])
    return kind, hash_of(kind, content), bytes(imagecodecs.zstd_encode(content, _LEVEL))


def decode(kind: str, data: bytes, classes: ClassTable, place: str) -> Stored:
    """The labels that `encode` gave, with the class table of the version they are read in.

    Raises:
        DataError: an id that the class table does not know.
        ValueError: damaged bytes.
    """
    head, body = content_of(data).split(b"\n", 1)
    facts = json.loads(head)
    if kind == SHAPES:
        return _shape_mask(facts, place)
    ids = np.frombuffer(body, facts["type"]).reshape(facts["size"])
    if kind == IDS:
        return LabelMap(adopt(ids), classes)
    return PanopticMap(adopt(ids), tuple(Segment(*row) for row in facts["segments"]), classes)


def content_of(data: bytes) -> bytes:
    """The content before it was compressed; ValueError where the bytes are damaged."""
    try:
        return bytes(imagecodecs.zstd_decode(data))
    except RuntimeError as error:  # imagecodecs.ZstdError
        raise ValueError(str(error)) from error


def hash_of(kind: str, content: bytes) -> str:
    """The content hash of labels of this kind."""
    total = hashlib.sha256(kind.encode() + b"\n")
    total.update(content)
    return total.hexdigest()


def renumbered(labels: Stored, ids: Mapping[int, int], classes: ClassTable) -> Stored:
    """The labels with each class id replaced by what `ids` gives for it, in another class table; void follows along."""
    if isinstance(labels, LabelMap):
        table = np.arange(65536, dtype=np.uint16)
        for old, new in ids.items():
            table[old] = new
        return LabelMap(adopt(table[labels.ids].astype(classes.id_type)), classes)
    if isinstance(labels, PanopticMap):
        kept = [row for row in labels.segments if ids.get(row.class_id, row.class_id) != classes.void_id]
        gone = [row.segment_id for row in labels.segments if row not in kept]
        values = np.where(np.isin(labels.segment_ids, gone), 0, labels.segment_ids).astype(np.uint32)
        rows = tuple(Segment(row.segment_id, ids.get(row.class_id, row.class_id), row.crowd) for row in kept)
        return PanopticMap(adopt(values), rows, classes)
    shapes = tuple(_renumbered_shape(shape, ids) for shape in labels.shapes)
    unpainted = ids.get(labels.unpainted_id, labels.unpainted_id)
    return ShapeMask(shapes, unpainted, labels.annotated, labels.place, labels.orientation)


def _renumbered_shape(shape: Shape, ids: Mapping[int, int]) -> Shape:
    facts = shape.facts
    if facts.class_id is not None:
        facts = replace(facts, class_id=ids.get(facts.class_id, facts.class_id))
    return replace(shape, class_id=ids.get(shape.class_id, shape.class_id), facts=facts)


def _array_head(ids: npt.NDArray) -> dict[str, Any]:
    return {"type": ids.dtype.str, "size": list(ids.shape)}


def _shape_mask_json(mask: ShapeMask) -> dict[str, Any]:
    return {
        "unpainted": mask.unpainted_id,
        "annotated": None if mask.annotated is None else [mask.annotated.height, mask.annotated.width],
        "orientation": mask.orientation,
        "shapes": [_shape_json(shape) for shape in mask.shapes],
    }


def _shape_json(shape: Shape) -> dict[str, Any]:
    row: dict[str, Any] = {"class": shape.class_id}
    if shape.facts != PLAIN:
        facts = shape.facts
        row["facts"] = [facts.object_id, facts.crowd, facts.class_id, dict(facts.attributes)]
    if isinstance(shape, Outlines):
        holes = {"holes": [points.tolist() for points in shape.holes]} if shape.holes else {}
        return {**row, "outlines": [points.tolist() for points in shape.outlines], **holes}
    if isinstance(shape, Stroke):
        return {**row, "stroke": shape.points.tolist(), "width_px": shape.width_px}
    box = None if shape.box is None else [shape.box.top, shape.box.left, shape.box.bottom, shape.box.right]
    runs = shape.runs if isinstance(shape.runs, str) else list(shape.runs)
    return {**row, "runs": runs, "box": box, "by_column": shape.by_column}


def _shape_mask(facts: Mapping[str, Any], place: str) -> ShapeMask:
    annotated = None if facts["annotated"] is None else Size(*facts["annotated"])
    shapes = tuple(_shape(row) for row in facts["shapes"])
    return ShapeMask(shapes, facts["unpainted"], annotated, place, facts["orientation"])


def _shape(row: Mapping[str, Any]) -> Shape:
    facts = ObjectFacts(*row["facts"]) if "facts" in row else PLAIN
    if "outlines" in row:
        outlines, holes = (tuple(_points(ring) for ring in row.get(key, ())) for key in ("outlines", "holes"))
        return Outlines(row["class"], outlines, holes, facts)
    if "stroke" in row:
        return Stroke(row["class"], _points(row["stroke"]), row["width_px"], facts)
    box = None if row["box"] is None else Box(*row["box"])
    runs = row["runs"] if isinstance(row["runs"], str) else tuple(row["runs"])
    return Runs(row["class"], runs, box, row["by_column"], facts)


def _points(rows: list) -> npt.NDArray[np.float64]:
    return np.array(rows, dtype=np.float64).reshape(-1, 2)
