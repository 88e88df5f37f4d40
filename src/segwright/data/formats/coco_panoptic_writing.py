"""Writing COCO panoptic: images/, panoptic/ and panoptic.json."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, Listener, PanopticMap, Segment, adopt, tracked
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.format import Options
from segwright.data.formats.object_numbers import numbered, objects_of
from segwright.data.formats.placing import place_image
from segwright.data.masks import PanopticSource
from segwright.data.segments import segments_info, write_segment_ids
from segwright.data.workers import in_threads

NAME = "panoptic"


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """images/, panoptic/STEM.png of segment ids, panoptic.json with the categories and every segment's box and area.

    Labels of objects become a segment each, what is left of a class one segment; labels of class ids one segment a
    class. A class is a thing where the table says so, or where some frame has an object of it.
    """
    rows: list[PanopticRow] = []
    things = {spec.class_id for spec in dataset.classes if spec.kind == "thing"}
    placed = in_threads(lambda frame: _placed(dataset, frame, folder), dataset.frames)
    for row in tracked(placed, listener, "writing", len(dataset)):
        things.update(row.of_objects)
        rows.append(row)
    write_document(folder, rows, dataset.classes, things)


def write_document(folder: Path, rows: Iterable[PanopticRow], classes: ClassTable, things: Collection[int]) -> None:
    """panoptic.json under `folder`: the images in order, their segments, and the classes, `things` marked."""
    numbered_rows = list(enumerate(rows, start=1))
    data = {
        "images": [
            {"id": at, "file_name": row.image, "height": row.height, "width": row.width} for at, row in numbered_rows
        ],
        "annotations": [
            {"image_id": at, "file_name": row.mask, "segments_info": row.segments}
            for at, row in numbered_rows
            if row.mask
        ],
        "categories": [
            {
                "id": spec.class_id,
                "name": spec.name,
                "isthing": int(spec.class_id in things),
                "color": list(classes.colour(spec.class_id)),
            }
            for spec in classes
        ],
    }
    (folder / f"{NAME}.json").write_text(json.dumps(data, ensure_ascii=False) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class PanopticRow:
    """What the JSON says of one frame; `of_objects` are the classes of which it has objects."""

    image: str
    height: int
    width: int
    mask: str | None
    segments: list[dict[str, Any]]
    of_objects: Collection[int]


def _placed(dataset: Dataset, frame: Frame, folder: Path) -> PanopticRow:
    image = place_image(frame, folder / "images")
    size = frame.image.shape().size
    if frame.mask is None:
        return PanopticRow(image, size.height, size.width, None, [], ())
    panoptic, of_objects = panoptic_of(dataset, frame)
    name = f"{frame.stem}.png"
    write_segment_ids(folder / NAME / name, panoptic)
    return PanopticRow(image, size.height, size.width, name, segments_info(panoptic), of_objects)


def panoptic_of(dataset: Dataset, frame: Frame) -> tuple[PanopticMap, set[int]]:
    """The segments of a frame whatever its labels hold, painted as its label map is, and the classes of its objects.

    Segment ids are below 2**24. Crowds are kept where the label map has void.
    """
    if isinstance(frame.mask, PanopticSource):
        panoptic = dataset.read_panoptic(frame)
        fits = all(segment.segment_id < 2**24 for segment in panoptic.segments)
        return (panoptic if fits else _renumbered(panoptic)), set()
    labels, objects = dataset.read_labels(frame), objects_of(dataset, frame)
    ids = np.zeros(labels.ids.shape, np.uint32)
    segments: list[Segment] = []
    if objects is not None:
        ids, found = numbered(labels, objects)
        segments += [Segment(at, one.class_id) for at, one in enumerate(found, start=1)]
        for one in objects:
            region = one.over(objects.size) & (ids == 0) & (labels.ids == dataset.classes.void_id)
            if one.crowd and region.any():
                segments.append(_added(ids, region, len(segments) + 1, one.class_id, crowd=True))
    left = ids == 0
    for class_id in dataset.classes.ids:
        region = left & (labels.ids == class_id)
        if region.any():
            segments.append(_added(ids, region, len(segments) + 1, class_id, crowd=False))
    of_objects = set() if objects is None else {one.class_id for one in objects}
    return PanopticMap(adopt(ids), tuple(segments), dataset.classes), of_objects


def _added(ids: npt.NDArray[np.uint32], region: npt.NDArray, number: int, class_id: int, *, crowd: bool) -> Segment:
    ids[region] = number
    return Segment(number, class_id, crowd)


def _renumbered(panoptic: PanopticMap) -> PanopticMap:
    ids = np.zeros_like(panoptic.segment_ids)
    segments = []
    for at, segment in enumerate(panoptic.segments, start=1):
        segments.append(
            _added(ids, panoptic.segment_ids == segment.segment_id, at, segment.class_id, crowd=segment.crowd)
        )
    return PanopticMap(adopt(ids), tuple(segments), panoptic.classes)
