"""YOLO segmentation written: one ring an object, holes and parts joined by cuts of no width, as Ultralytics joins them.

YOLO knows neither void nor crowds: their pixels are left unpainted. Where "larger below smaller", the order in which
polygons are painted, is not the order of the labels, objects are cut to what is seen of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml

from segwright.core import Listener, Size
from segwright.data.dataset import Dataset, Frame
from segwright.data.drawing import (
    Drawing,
    as_pixels,
    one_shape_an_object,
    ordered,
    patch_of,
    ring_of,
    without,
)
from segwright.data.formats.format import Carried, Options
from segwright.data.formats.writing_shapes import TOLERANCE, Lost, lost, records_of, write_text
from segwright.data.formats.yolo_yaml import PARTS
from segwright.data.given_parts import PART
from segwright.data.rasterise import Points, polygon_patch, same_pixels
from segwright.data.shapes import Outlines, Shape

CARRIES: frozenset[Carried] = frozenset({"objects", "overlap", "outlines"})
WRITE_OPTIONS = TOLERANCE


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> Mapping[Carried, int]:
    """images/STEM.*, labels/STEM.txt, data.yaml, and a list of images for each part where frames have that column."""
    indices = {spec.class_id: at for at, spec in enumerate(dataset.classes.foreground)}

    def record(frame: Frame, name: str, drawing: Drawing) -> tuple[str, Lost]:
        lines, missed = _lines(drawing, indices)
        write_text(folder / "labels" / f"{frame.stem}.txt", "".join(f"{line}\n" for line in lines))
        return name, missed

    names, missed = records_of(dataset, folder / "images", options, listener, record)
    frames = [frame for frame in dataset.frames if frame.mask is not None]
    named = dict(enumerate(spec.name for spec in dataset.classes.foreground))
    write_parts(folder, dict(zip(names, frames, strict=True)), named)
    return missed


def write_parts(folder: Path, frames: Mapping[str, Frame], names: Mapping[int, str], **more: object) -> None:
    """data.yaml, and PART.txt with the images of each part where frames say which they are of; else all are train."""
    by_part: dict[str, list[str]] = {}
    for name, frame in frames.items():
        by_part.setdefault(frame.columns.get(PART, "train"), []).append(name)
    parts: dict[str, str] = {}
    if {*by_part} <= {*PARTS.values()} and all(PART in frame.columns for frame in frames.values()):
        for key, part in PARTS.items():
            if part in by_part:
                parts[key] = f"{key}.txt"
                write_text(folder / f"{key}.txt", "".join(f"./images/{name}\n" for name in by_part[part]))
    settings = {"path": ".", **(parts or {"train": "images"}), **more, "names": dict(names)}
    write_text(folder / "data.yaml", yaml.safe_dump(settings, allow_unicode=True, sort_keys=False))


def area_of(ring: Points) -> float:
    """The area inside a ring, by which polygons are ordered."""
    x, y = ring[:, 0], ring[:, 1]
    return round(abs(float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())) / 2, 3)


def in_pixels(shares: Points, size: Size) -> Points:
    """Shares of a frame as pixels, to a millionth: what was drawn at 4.3 px lies there again, not beside it."""
    return np.round(shares * [size.width, size.height], 6)


def _lines(drawing: Drawing, indices: Mapping[int, int]) -> tuple[list[str], Lost]:
    """The lines of one label file, and what was lost by cutting and redrawing."""
    objects = without(one_shape_an_object(drawing), indices)
    rings = [_ring(shape, objects.size) for shape in objects.shapes]
    order = sorted(range(len(rings)), key=lambda at: -area_of(rings[at][0]))
    seen, whole = ordered(objects, order)
    cut = 0 if whole else sum(one is not other for one, other in zip(objects.shapes, seen.shapes, strict=False))
    redrawn = 0
    lines = []
    for shape in seen.shapes:
        ring, as_drawn = _ring(shape, seen.size)
        redrawn += isinstance(shape, Outlines) and not as_drawn
        if len(ring):
            shares = (ring / [seen.size.width, seen.size.height]).ravel().tolist()
            lines.append(" ".join([str(indices[shape.class_id]), *(_text(share) for share in shares)]))
    return lines, lost(outlines=redrawn, overlap=cut)


def _ring(shape: Shape, size: Size) -> tuple[Points, bool]:
    """The ring that is written of a shape, and whether it is the one that was drawn: inside the frame, and exact."""
    ring, as_drawn = ring_of(shape, size)
    if not len(ring):
        return ring, False
    span = np.array([size.width, size.height])
    inside = bool((ring >= 0).all() and (ring <= span).all())
    told = in_pixels(np.array([[float(_text(share)) for share in pair] for pair in (ring / span).tolist()]), size)
    if inside and same_pixels(polygon_patch(told, size), patch_of(shape, size)):
        return ring, as_drawn
    pixels = as_pixels(shape, size)
    return (np.zeros((0, 2)), False) if pixels is None else (ring_of(pixels, size)[0], False)


def _text(share: float) -> str:
    return f"{share:.12g}"
