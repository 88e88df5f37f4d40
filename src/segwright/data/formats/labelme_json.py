"""LabelMe JSON: a file an image, its shapes painted in their order, its picture beside it or inside.

Shapes of one label and one group id are one object. Lines are painted 10 px wide, as LabelMe's own `shape_to_mask`
does. LabelMe also paints the outline of polygons itself; here outlines are painted as everywhere, by COCO's rule.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from segwright.core import Box, ClassTable, ConfigError, DataError, Size, few, raise_collected
from segwright.data.codecs import SUFFIXES, decode_image
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import ImageFinder, Naming, image_notes, name_classes, require_images
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.labelme_json_writing import CARRIES, WIDTH, WRITE_OPTIONS, write
from segwright.data.formats.reading_shapes import (
    Findings,
    attributes_from,
    load_json,
    number_in,
    points_from,
    rectangle,
    shown,
    size_from,
)
from segwright.data.formats.signature import files_like, holds_all
from segwright.data.images import EmbeddedImage, ImageFile, ImageSource
from segwright.data.listing import Listing, stem_of
from segwright.data.rasterise import Points, ellipse_outline, mask_runs
from segwright.data.shapes import ObjectFacts, Outlines, Runs, Shape, ShapeMask, Stroke

BRUSH_PX = 10.0
_KEYS = (b'"shapes"', b'"imagePath"')
_UNPAINTED = ("point", "points")
_BACKGROUND = "_background_"
_RESERVED = ("__ignore__",)  # what LabelMe puts first into its lists of flags and labels


def recognise(listing: Listing) -> str | None:
    """How many LabelMe files there are, or None."""
    files = _candidates(listing)
    return f"{len(files)} LabelMe files: {few(files)}" if files else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the LabelMe files, by their names; the picture is the file they name, else the one inside.

    Flags, the description and attributes of a shape become attributes; flags of the image become columns. The label
    `_background_` is the background. Points paint nothing, and are counted.

    Raises:
        DataError: shapes that cannot be read; every finding at once.
        ConfigError: labels outside a given class table.
    """
    files = _candidates(listing)
    loaded = {name: _load(listing.path(name)) for name in files}
    labels = (_label(shape) for data in loaded.values() for shape in data["shapes"])
    naming = name_classes(dict.fromkeys(sorted({label for label in labels if label})), classes, options, "LabelMe")
    raise_collected(naming.problems, ConfigError)
    reading = _Reading("LabelMe", naming=naming, brush_px=_brush(options))
    finder = ImageFinder(listing, options.get("images"))
    frames, used, missing = [], [], []
    for name, data in loaded.items():
        image = _image(listing, name, data, finder)
        if image is None:
            missing.append(name)
            continue
        used += [image.path.relative_to(listing.root).as_posix()] if image.path else []
        mask = reading.mask(name, data, orientation_of(options, "upright"))
        said = _table(data, "flags").items()
        flags = {name: str(value).lower() for name, value in said if value or name not in _RESERVED}
        frames.append(Frame(stem_of(name), image, mask, flags))
    raise_collected(reading.problems)
    require_images(frames, missing, listing.root)
    notes = [*image_notes(listing, used, missing, "LabelMe"), *reading.notes()]
    return Dataset(listing.root, naming.classes, tuple(frames), "labelme_json", tuple(notes))


def _candidates(listing: Listing) -> list[str]:
    return files_like(listing, ".json", lambda path: holds_all(path, _KEYS))


def _load(path: Path) -> dict[str, Any]:
    data = load_json(path, "LabelMe JSON")
    if not isinstance(data, dict) or not isinstance(data.get("shapes"), list):
        fix = "open the file in LabelMe and save it again"
        raise DataError.of(str(path), "is not LabelMe JSON", allowed="a list of shapes", found=shown(data), fix=fix)
    data["shapes"] = [shape if isinstance(shape, dict) else {} for shape in data["shapes"]]
    data["imageData"] = bool(data.get("imageData"))  # read again where the picture is wanted: it may be large
    return data


def _table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _label(shape: Mapping[str, Any]) -> str:
    label = shape.get("label")
    return "background" if label == _BACKGROUND else str(label) if label is not None else ""


def _image(listing: Listing, name: str, data: Mapping[str, Any], finder: ImageFinder) -> ImageSource | None:
    """The picture that a file names, beside it or by name, else the one inside it."""
    named = str(data.get("imagePath") or "").replace("\\", "/")
    folder = PurePosixPath(name).parent
    for candidate in (str(folder / named), str(folder / PurePosixPath(named).name)):
        if candidate in listing.images:
            return ImageFile(listing.path(candidate))
    if data["imageData"]:
        place = f"{listing.path(name)}: imageData"
        inner = PurePosixPath(named or name)
        inner = inner if inner.suffix.lower() in SUFFIXES else inner.with_suffix(".png")
        return EmbeddedImage(inner.name, place, partial(_data, listing.path(name)))
    found = finder.find(named) if named else None
    return None if found is None else ImageFile(listing.path(found))


def _data(path: Path) -> bytes:
    """The bytes of the picture inside a LabelMe file.

    Raises:
        DataError: the file changed, or the text is no base64.
    """
    return _decoded(load_json(path, "LabelMe JSON").get("imageData"), f"{path}: imageData")


def _decoded(text: object, place: str) -> bytes:
    try:
        return base64.b64decode(str(text).partition("base64,")[2] or str(text), validate=True)
    except (binascii.Error, ValueError) as error:
        fix = "open the file in LabelMe and save it again"
        raise DataError.of(place, "is not base64", allowed="a picture", found=str(error), fix=fix) from error


def _brush(options: Options) -> float:
    try:
        value = number_in(options.get("brush_px", BRUSH_PX))
    except ValueError:
        value = 0.0
    if value <= 0:
        raise ConfigError.of(
            "options: brush_px",
            "is no brush width",
            allowed="a number of pixels above 0",
            found=str(options.get("brush_px")),
            fix="leave it out for 10 px, LabelMe's own, or give the width the line has in the frames",
        )
    return value


@dataclass
class _Reading(Findings):
    """What was found while the files are read."""

    naming: Naming = field(kw_only=True)
    brush_px: float = field(kw_only=True)

    def mask(self, name: str, data: Mapping[str, Any], orientation: Any) -> ShapeMask:
        """The shapes of one file."""
        try:
            size = size_from(data.get("imageHeight"), data.get("imageWidth"))
        except ValueError as error:
            size = None
            self.refuse(name, "has a size that is none", "imageHeight and imageWidth in pixels", str(error))
        shapes = tuple(self._shapes(name, data["shapes"]))
        self.look(shapes, size)
        return ShapeMask(shapes, self.naming.classes.unpainted_id, size, name, orientation)

    def _shapes(self, name: str, rows: list[dict[str, Any]]) -> Iterator[Shape]:
        for at, row in enumerate(rows):
            kind = str(row.get("shape_type") or "polygon")
            if kind in _UNPAINTED:
                self.left_out[kind] += 1
            elif kind not in _PAINTERS:
                known = ", ".join((*_PAINTERS, *_UNPAINTED))
                self.refuse(f"{name}: shape {at}", "is of an unknown kind", known, shown(kind))
            else:
                try:
                    yield self._shape(kind, row)
                except (ValueError, DataError) as error:
                    self.unreadable(f"{name}: shape {at}", kind, error, "the points LabelMe writes")

    def _shape(self, kind: str, row: Mapping[str, Any]) -> Shape:
        label = _label(row)
        if label not in self.naming.ids:
            raise ValueError("no label")
        said = {
            **attributes_from(row.get("flags")),
            **({"description": str(row["description"])} if row.get("description") else {}),
            **attributes_from(row.get("attributes")),
        }
        width = number_in(said.pop(WIDTH), "a brush") if WIDTH in said else self.brush_px
        group = row.get("group_id")
        facts = ObjectFacts(None if group is None else str(group), attributes=said)
        return replace(_PAINTERS[kind](row, self.naming.ids[label], width), facts=facts)


def _polygon(row: Mapping[str, Any], class_id: int, _width: float) -> Shape:
    return Outlines(class_id, (points_from(row.get("points")),))


def _rectangle(row: Mapping[str, Any], class_id: int, _width: float) -> Shape:
    points = points_from(row.get("points"), 2)
    if len(points) not in (2, 4):
        raise ValueError(f"{len(points)} points, not two opposite corners")
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return Outlines(class_id, (rectangle(left, top, right, bottom),))


def _circle(row: Mapping[str, Any], class_id: int, _width: float) -> Shape:
    points = points_from(row.get("points"), 2)
    if len(points) != 2:
        raise ValueError(f"{len(points)} points, not the centre and one on the circle")
    radius = float(np.linalg.norm(points[1] - points[0]))
    return Outlines(class_id, (ellipse_outline((points[0, 0], points[0, 1]), (radius, radius)),))


def _line(row: Mapping[str, Any], class_id: int, width: float) -> Shape:
    return Stroke(class_id, points_from(row.get("points"), 2), width)


def _mask(row: Mapping[str, Any], class_id: int, _width: float) -> Shape:
    """A black-and-white picture in the box between two pixels, both inside."""
    points: Points = points_from(row.get("points"), 2)
    pixels = decode_image(_decoded(row.get("mask"), "mask"), "mask")[0].pixels[..., 0] > 0
    left, top = (round(value) for value in points[0].tolist())
    box = Box(top, left, top + pixels.shape[0], left + pixels.shape[1])
    right, bottom = (round(value) + 1 for value in points[1].tolist())
    if (box.bottom, box.right) != (bottom, right):
        raise ValueError(f"a mask of {Size(*pixels.shape)} for the box {shown(points.tolist())}")
    return Runs(class_id, tuple(mask_runs(pixels, by_column=False)), box, by_column=False)


_PAINTERS: dict[str, Callable[[Mapping[str, Any], int, float], Shape]] = {
    "polygon": _polygon,
    "rectangle": _rectangle,
    "circle": _circle,
    "line": _line,
    "linestrip": _line,
    "mask": _mask,
}

LABELME_JSON = Format(
    recognise,
    read,
    {
        "images": "folder that the image names are relative to, where they do not lie beside their files",
        "brush_px": "width of the brush that paints lines (10)",
        "map": "labels to rename: [glare=void, deep scratch=scratch]",
        "mask_orientation": "upright (default), stored or auto: how EXIF-turned images were annotated",
    },
    write=write,
    carries=CARRIES,
    write_options=WRITE_OPTIONS,
)
