"""Objects as YOLO segmentation labels: one line an object, one ring, in shares of the frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

from segwright.core import ClassTable, Instance, InstanceSet
from segwright.data.drawing import joined_ring
from segwright.data.outlines import regions_of, single_ring


def yolo_lines(objects: InstanceSet) -> list[str]:
    """`CLASS x y x y ...` of each object, in their order; x and y in 0..1 of the frame, along pixel edges.

    CLASS counts the classes but the background from 0 (`yolo_names`). The ring, painted even-odd, gives the mask back
    pixel for pixel: parts and holes are joined by cuts of no width. Lost: scores, crowds (left out), void.
    """
    channels = {spec.class_id: at for at, spec in enumerate(objects.classes.foreground)}
    return [_line(one, channels[one.class_id], objects) for one in objects if not one.crowd]


def yolo_names(classes: ClassTable) -> dict[int, str]:
    """What CLASS stands for."""
    return {at: spec.name for at, spec in enumerate(classes.foreground)}


def write_yolo(path: Path, objects: InstanceSet) -> None:
    """`yolo_lines` as a text file; one without objects is empty, which says that the frame was looked at."""
    path.write_text("".join(f"{line}\n" for line in yolo_lines(objects)), encoding="utf-8")


def write_yolo_names(path: Path, classes: ClassTable) -> None:
    """`yolo_names` as the data.yaml of a YOLO data set whose pictures are to be put into `images`."""
    settings = {"path": ".", "train": "images", "names": yolo_names(classes)}
    path.write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _line(one: Instance, channel: int, objects: InstanceSet) -> str:
    ring = joined_ring([single_ring(region) for region in regions_of(one.mask)])
    corner, span = np.array([one.box.left, one.box.top]), np.array([objects.size.width, objects.size.height])
    shares = (ring + corner) / span
    return " ".join([str(channel), *(f"{share:.9g}" for share in shares.ravel().tolist())])
