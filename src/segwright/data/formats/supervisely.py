"""Supervisely: meta.json, and DATASET/ann/NAME.json beside DATASET/img/NAME; polygons with holes, bitmaps, rectangles.

Objects are painted in their order. A bitmap is a PNG, packed by zlib and base64, that lies with its top left pixel at
`origin`. Coordinates are read as everywhere: continuous, by COCO's rule.

Source: docs.supervisely.com, "Supervisely annotation format", and developer.supervisely.com, "Bitmap".
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from segwright.core import Box, ClassSpec, ClassTable, ConfigError, DataError, few, raise_collected
from segwright.data.codecs.header import RefusedError, check_limit
from segwright.data.codecs.reading import decoded_values, header_of
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import Naming, image_notes, name_classes, require_images
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.reading_shapes import (
    Findings,
    as_text,
    load_json,
    number,
    points_from,
    rectangle,
    shown,
    size_from,
)
from segwright.data.formats.supervisely_writing import CARRIES, WIDTH, WRITE_OPTIONS, write
from segwright.data.formats.yolo_yaml import stem_without
from segwright.data.images import ImageFile
from segwright.data.listing import Listing
from segwright.data.rasterise import BRUSH_PX, Mask, mask_runs
from segwright.data.shapes import ObjectFacts, Outlines, Runs, Shape, ShapeMask, Stroke

META = "meta.json"
_UNPAINTED = ("point", "graph", "cuboid", "cuboid_3d", "any")
_LARGEST_BITMAP = 2**29


def recognise(listing: Listing) -> str | None:
    """Whether there is a meta.json of classes, and an annotation of an image in a folder ann."""
    images = {*listing.images}
    files = [name for name in _annotations(listing) if _image_of(name, images)] if META in listing.files else []
    return f"{META}, and {len(files)} annotations in folders ann" if files else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the annotations; colours come from meta.json, tags of objects become attributes, of images columns.

    Points, graphs and cuboids paint nothing, and are counted.

    Raises:
        DataError: not a Supervisely project, or shapes that cannot be read; every finding at once.
        ConfigError: labels outside a given class table.
    """
    colours = _classes(listing.path(META))
    loaded = {name: _load(listing.path(name)) for name in _annotations(listing)}
    used = {str(one.get("classTitle")) for data in loaded.values() for one in data["objects"]}
    labels = dict.fromkeys([*(name for name in colours if classes is None or name in used), *sorted(used)])
    naming = name_classes(labels, classes, options, META)
    raise_collected(naming.problems, ConfigError)
    table = naming.classes if classes is not None else _coloured(naming.classes, colours)
    reading = _Reading("Supervisely", naming=replace(naming, classes=table))
    orientation, images = orientation_of(options, "upright"), {*listing.images}
    frames, found, missing = [], [], []
    for name, data in loaded.items():
        image = _image_of(name, images)
        if image is None:
            missing.append(name)
            continue
        found.append(image)
        mask = reading.mask(name, data, orientation)
        stem = stem_without(image, "img").removeprefix("ds0/")
        frames.append(Frame(stem, ImageFile(listing.path(image)), mask, _tags(data.get("tags"))))
    raise_collected(reading.problems)
    require_images(frames, missing, listing.root)
    frames.sort(key=lambda frame: frame.stem)
    notes = [*image_notes(listing, found, missing, "Supervisely"), *reading.notes()]
    return Dataset(listing.root, table, tuple(frames), "supervisely", tuple(notes))


def _annotations(listing: Listing) -> list[str]:
    return [name for name in listing.files if name.endswith(".json") and "ann" in PurePosixPath(name).parts[:-1]]


def _image_of(name: str, images: set[str]) -> str | None:
    """The image of an annotation: NAME.json beside NAME, or in older projects STEM.json beside STEM.*."""
    parts = list(PurePosixPath(name).with_suffix("").parts)
    parts[len(parts) - 1 - parts[::-1].index("ann")] = "img"
    wanted = "/".join(parts)
    if wanted in images:
        return wanted
    return next((image for image in sorted(images) if str(PurePosixPath(image).with_suffix("")) == wanted), None)


def _classes(path: Path) -> dict[str, tuple[int, int, int] | None]:
    """The names of the classes in meta.json, in their order, and their colours."""
    data = load_json(path, "Supervisely meta.json")
    rows = data.get("classes") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("title") for row in rows):
        fix = "export the project again: meta.json and DATASET/ann, DATASET/img"
        allowed = "a list of classes with titles"
        raise DataError.of(str(path), "is no Supervisely meta.json", allowed=allowed, found=shown(data), fix=fix)
    return {str(row["title"]): _colour(row.get("color")) for row in rows if row.get("shape") not in _UNPAINTED[:4]}


def _colour(text: object) -> tuple[int, int, int] | None:
    try:
        value = bytes.fromhex(str(text).removeprefix("#"))
    except ValueError:
        return None
    return (value[0], value[1], value[2]) if len(value) == 3 else None


def _coloured(table: ClassTable, colours: Mapping[str, tuple[int, int, int] | None]) -> ClassTable:
    specs = tuple(ClassSpec(spec.class_id, spec.name, spec.kind, colours.get(spec.name)) for spec in table)
    return ClassTable(specs, table.void_id, table.background)


def _load(path: Path) -> dict[str, Any]:
    data = load_json(path, "Supervisely annotation")
    if isinstance(data, dict) and isinstance(data.get("annotation"), dict):
        data = data["annotation"]  # as the interface returns it
    rows = data.get("objects") if isinstance(data, dict) else None
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        return data
    fix = "export the project again"
    raise DataError.of(
        str(path), "is no Supervisely annotation", allowed="a list of objects", found=shown(data), fix=fix
    )


def _tags(rows: object) -> dict[str, str]:
    tags = [row for row in rows if isinstance(row, dict) and row.get("name")] if isinstance(rows, list) else []
    return {str(row["name"]): "true" if row.get("value") is None else as_text(row["value"]) for row in tags}


@dataclass
class _Reading(Findings):
    """What was found while the annotations are read."""

    naming: Naming = field(kw_only=True)

    def mask(self, name: str, data: Mapping[str, Any], orientation: Any) -> ShapeMask:
        """The objects of one image as shapes."""
        size, given = None, data.get("size")
        try:
            size = size_from(given.get("height"), given.get("width")) if isinstance(given, dict) else None
        except ValueError as error:
            self.refuse(name, "has a size that is none", "height and width in pixels", str(error))
        shapes = tuple(self._shapes(name, data["objects"]))
        self.look(shapes, size)
        return ShapeMask(shapes, self.naming.classes.unpainted_id, size, name, orientation)

    def _shapes(self, name: str, rows: list[dict[str, Any]]) -> Iterator[Shape]:
        for at, row in enumerate(rows):
            kind = str(row.get("geometryType") or "polygon")
            place = f"{name}: object {at}"
            if kind in _UNPAINTED:
                self.left_out[kind] += 1
            elif kind not in _PAINTERS:
                known = few([*_PAINTERS, *_UNPAINTED])
                self.refuse(place, "is of an unknown kind", known, shown(kind))
            else:
                try:
                    yield self._shape(kind, row)
                except RefusedError as refusal:
                    self.problems += refusal.at(place).problems
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    self.unreadable(place, kind, error, "the geometry Supervisely writes")

    def _shape(self, kind: str, row: Mapping[str, Any]) -> Shape:
        said = _tags(row.get("tags"))
        width = number(float(said.pop(WIDTH)), "a brush") if WIDTH in said else BRUSH_PX
        key = row.get("instance")
        facts = ObjectFacts(None if key is None else str(key), attributes=said)
        return replace(_PAINTERS[kind](row, self.naming.ids[str(row.get("classTitle"))], width), facts=facts)


def _polygon(row: Mapping[str, Any], class_id: int, _width: float) -> Shape:
    holes = row["points"].get("interior") or []
    if not isinstance(holes, list):
        raise ValueError(f"the interior is {shown(holes)}, not a list of rings")
    return Outlines(class_id, (points_from(row["points"]["exterior"]),), tuple(points_from(hole) for hole in holes))


def _rectangle(row: Mapping[str, Any], class_id: int, _width: float) -> Shape:
    (left, top), (right, bottom) = points_from(row["points"]["exterior"], 2)[:2].tolist()
    return Outlines(class_id, (rectangle(left, top, right, bottom),))


def _line(row: Mapping[str, Any], class_id: int, width: float) -> Shape:
    return Stroke(class_id, points_from(row["points"]["exterior"], 2), width)


def _bitmap(row: Mapping[str, Any], class_id: int, _width: float) -> Shape:
    left, top = (round(number(value)) for value in row["bitmap"]["origin"])
    mask = unpacked_bitmap(str(row["bitmap"]["data"]))
    box = Box(top, left, top + mask.shape[0], left + mask.shape[1])
    return Runs(class_id, tuple(mask_runs(mask, by_column=False)), box, by_column=False)


def unpacked_bitmap(text: str) -> Mask:
    """The painted pixels (height, width) of a bitmap: its alpha where it has one, else what is not 0.

    Raises:
        ValueError: not base64 of a zlib stream, or larger than half a gibibyte unpacked.
        RefusedError: not a PNG.
    """
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(base64.b64decode(text, validate=True), _LARGEST_BITMAP)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise ValueError(f"data are no base64 of a zlib stream: {error}") from error
    if stream.unconsumed_tail:
        raise ValueError("data are larger than half a gibibyte unpacked")
    header = header_of(data)
    check_limit(header)
    values = decoded_values(data, header)
    return (values[..., -1] if values.ndim == 3 else values) > 0


_PAINTERS: dict[str, Callable[[Mapping[str, Any], int, float], Shape]] = {
    "polygon": _polygon,
    "bitmap": _bitmap,
    "rectangle": _rectangle,
    "line": _line,
}

SUPERVISELY = Format(
    recognise,
    read,
    {
        "map": "labels to rename: [glare=void, deep scratch=scratch]",
        "mask_orientation": "upright (default), stored or auto: how EXIF-turned images were annotated",
    },
    write=write,
    carries=CARRIES,
    write_options=WRITE_OPTIONS,
)
