"""ADE20K written as its sets of 2020 are: NAME_seg.png with class and object in its colours, NAME.json with the names.

Parts of objects (NAME_parts_1.png, ...) are not held by a dataset, and not written.

Source: the set's own description of R, G and B, and its JSON of 2020.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import DataError, Instance, LabelMap, Listener, tracked
from segwright.data.codecs.writing import write_colours
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.format import Options
from segwright.data.formats.object_numbers import numbered, objects_of
from segwright.data.formats.placing import place_image
from segwright.data.formats.writing_shapes import write_json
from segwright.data.workers import in_threads

_PER_RED = 256  # classes for each step of ten in the red band
_MOST_CLASSES = 26 * _PER_RED - 1
_MOST_OBJECTS = 255


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """STEM.*, STEM_seg.png and STEM.json beside each other; the classes are numbered from 1 in their order, 0 is void.

    Raises:
        DataError: more than 6,655 classes, or more than 255 objects in a frame.
    """
    table = dataset.classes
    if len(table) > _MOST_CLASSES:
        fix, allowed = "write the format index_png, which holds 16 bits", f"up to {_MOST_CLASSES}"
        raise DataError.of("class table", "is too long", allowed=allowed, found=str(len(table)), fix=fix)
    index_of = np.zeros(65536, np.uint16)
    index_of[list(table.ids)] = np.arange(1, len(table) + 1)
    for _ in tracked(
        in_threads(lambda frame: _placed(dataset, frame, folder, index_of), dataset.frames),
        listener,
        "writing",
        len(dataset),
    ):
        pass


def _placed(dataset: Dataset, frame: Frame, folder: Path, index_of: npt.NDArray[np.uint16]) -> None:
    name = place_image(frame, folder)
    if frame.mask is None:
        return
    labels, objects = dataset.read_labels(frame), objects_of(dataset, frame)
    numbers, found = np.zeros(labels.ids.shape, np.uint32), []
    if objects is not None:
        numbers, found = numbered(labels, objects)
    if len(found) > _MOST_OBJECTS:
        rule, fix = "has more objects than the blue band counts", "write the format coco_panoptic"
        raise DataError.of(str(frame.image), rule, allowed="up to 255", found=str(len(found)), fix=fix)
    indices = index_of[labels.ids]
    red, green = indices // _PER_RED * 10, indices % _PER_RED
    write_colours(folder / f"{frame.stem}_seg.png", np.stack([red, green, numbers], axis=-1).astype(np.uint8))
    path = PurePosixPath(name)
    annotation = {
        "filename": path.name,
        "folder": str(path.parent) if path.parent.parts else "",
        "imsize": [labels.size.height, labels.size.width, 3],
        "object": list(_objects(labels, numbers, found, index_of)),
    }
    write_json(folder / f"{frame.stem}.json", {"annotation": annotation}, indent=1)


def _objects(
    labels: LabelMap, numbers: npt.NDArray, found: list[Instance], index_of: npt.NDArray[np.uint16]
) -> Iterator[Mapping[str, Any]]:
    """A row for each object, then one for each class of which some pixels are of no object."""
    rest = np.unique(labels.ids[numbers == 0]).tolist()
    loose = [class_id for class_id in rest if class_id != labels.classes.void_id]
    names = {spec.class_id: spec.name for spec in labels.classes}
    for at, class_id in enumerate([*(one.class_id for one in found), *loose]):
        said = found[at].attributes if at < len(found) else {}
        yield {
            "id": at,
            "name": names[class_id],
            "name_ndx": int(index_of[class_id]),
            "raw_name": names[class_id],
            "occluded": said.get("occluded", ""),
            "parts": {"hasparts": [], "ispartof": [], "part_level": 0},
        }
