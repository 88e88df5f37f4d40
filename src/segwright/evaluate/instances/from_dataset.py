"""The objects of a dataset, in whatever format it lies there, as the COCO content that the scores are counted from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from segwright.core import ClassTable, DataError, InstanceSet, Listener, Problem, silent, tracked
from segwright.data import Dataset
from segwright.data.object_runs import frame_runs
from segwright.data.rasterise import mask_runs, packed_runs
from segwright.data.workers import in_threads


def coco_content(
    frames: Iterable[tuple[str, InstanceSet]], classes: ClassTable, *, total: int = 0, listener: Listener = silent
) -> dict[str, Any]:
    """COCO instances content of (stem, objects) frames: image ids are stems, category ids class ids.

    Void becomes a crowd of every class: what is found there is neither right nor wrong. COCO has no other word for it.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for stem, objects in tracked(frames, listener, "reading objects", total):
        size = objects.size
        images.append({"id": stem, "file_name": stem, "height": size.height, "width": size.width})
        for row in _rows(objects):
            annotations.append({"id": len(annotations) + 1, "image_id": stem, **row})
    categories = [{"id": spec.class_id, "name": spec.name} for spec in classes.foreground]
    return {"images": images, "annotations": annotations, "categories": categories}


def dataset_content(dataset: Dataset, listener: Listener = silent) -> dict[str, Any]:
    """`coco_content` of every labelled frame of a dataset.

    Raises:
        DataError: frames that cannot be read, or whose labels say which class a pixel is but not which object; all.
    """
    problems: list[Problem] = []

    def read(frame: Any) -> tuple[str, InstanceSet] | DataError:
        try:
            return frame.stem, dataset.read_instances(frame)
        except DataError as error:
            return error

    def readable() -> Iterator[tuple[str, InstanceSet]]:
        for answer in in_threads(read, [frame for frame in dataset.frames if frame.mask is not None]):
            if isinstance(answer, DataError):
                problems.extend(answer.problems)
            else:
                yield answer

    content = coco_content(readable(), dataset.classes, total=len(dataset), listener=listener)
    if problems:
        raise DataError(*problems)
    return content


def _rows(objects: InstanceSet) -> Iterator[dict[str, Any]]:
    size = [objects.size.height, objects.size.width]
    for one in objects:
        box = [one.box.left, one.box.top, one.box.width, one.box.height]
        counts = packed_runs(frame_runs(one, objects.size))
        yield {
            "category_id": one.class_id,
            "bbox": box,
            "area": one.area_px,
            "iscrowd": int(one.crowd),
            "segmentation": {"size": size, "counts": counts},
        }
    if objects.void is not None:
        rows, columns = np.flatnonzero(objects.void.any(axis=1)), np.flatnonzero(objects.void.any(axis=0))
        box = [int(columns[0]), int(rows[0]), int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1]
        counts = packed_runs(mask_runs(objects.void, by_column=True))
        for spec in objects.classes.foreground:
            yield {
                "category_id": spec.class_id,
                "bbox": box,
                "area": int(np.count_nonzero(objects.void)),
                "iscrowd": 1,
                "segmentation": {"size": size, "counts": counts},
            }
