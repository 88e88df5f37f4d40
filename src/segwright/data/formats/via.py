"""VIA, the VGG Image Annotator: JSON projects, JSON annotations and CSV; polygons, lines, boxes, circles, ellipses.

Regions are painted in their order. Which of the region's attributes names its class is told by the option `label`, or
found: the only attribute that all regions have, else one called class, label, name, type or category.

Source: robots.ox.ac.uk/~vgg/software/via, "User guide", and the CSV that it exports.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from segwright.core import ClassTable, ConfigError, DataError, few, raise_collected
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import (
    ImageFinder,
    Naming,
    choose_file,
    image_notes,
    name_classes,
    require_images,
)
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.reading_shapes import (
    Findings,
    as_text,
    attributes_from,
    load_json,
    number,
    number_in,
    points_from,
    rectangle,
    shown,
)
from segwright.data.formats.signature import files_like, start_of
from segwright.data.formats.via_writing import CARRIES, LABEL, PARTS_OF, WIDTH, WRITE_OPTIONS, write
from segwright.data.formats.yolo_yaml import stem_without
from segwright.data.images import ImageFile
from segwright.data.listing import Listing
from segwright.data.rasterise import BRUSH_PX, Points, ellipse_outline
from segwright.data.shapes import ObjectFacts, Outlines, Shape, ShapeMask, Stroke

_UNPAINTED = ("point",)
_USUAL = ("class", "label", "name", "type", "category", "object")
_CSV_START = b"filename,file_size,file_attributes,region_count"
_LOOKED_AT = 2**20


def recognise(listing: Listing) -> str | None:
    """Which VIA files there are, or None."""
    files = _candidates(listing)
    return f"VIA annotations in {few(files)}" if files else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the images a VIA file lists; the other attributes of regions are kept, those of files become columns.

    A polyline is painted with a round brush of `brush_px` (3). Points paint nothing, and are counted.

    Raises:
        DataError: regions that cannot be read, no attribute that names classes; every finding at once.
        ConfigError: labels outside a given class table.
    """
    name = choose_file(listing, options, _candidates(listing), "VIA JSON or CSV")
    rows = _rows(listing.path(name))
    key = _label_attribute(rows, options, name)
    labels = [as_text(one["region_attributes"].get(key)) for row in rows for one in row.regions if _labelled(one, key)]
    naming = name_classes(dict.fromkeys(sorted({*labels})), classes, options, name)
    raise_collected(naming.problems, ConfigError)
    reading = _Reading(name, naming=naming, label=key, brush_px=_brush(options))
    finder, orientation = ImageFinder(listing, options.get("images")), orientation_of(options, "upright")
    frames, used, missing = [], [], []
    for row in rows:
        image = finder.find(row.image)
        if image is None:
            missing.append(row.image)
            continue
        used.append(image)
        place = f"{name}: {row.image}"
        shapes = tuple(reading.shapes(place, row.regions))
        reading.look(shapes, None)
        mask = ShapeMask(shapes, naming.classes.unpainted_id, None, place, orientation)
        frames.append(Frame(stem_without(image, "images"), ImageFile(listing.path(image)), mask, row.columns))
    raise_collected(reading.problems)
    require_images(frames, missing, listing.path(name))
    frames.sort(key=lambda frame: frame.stem)
    notes = [*image_notes(listing, used, missing, name), *reading.notes()]
    return Dataset(listing.root, naming.classes, tuple(frames), "via", tuple(notes))


@dataclass
class _Row:
    """One image of a VIA file: its name, its regions, its own attributes."""

    image: str
    regions: list[dict[str, Any]]
    columns: dict[str, str]


def _candidates(listing: Listing) -> list[str]:
    return files_like(listing, (".json", ".csv"), _looks_like_via)


def _looks_like_via(path: Path) -> bool:
    start = start_of(path, _LOOKED_AT)
    if path.suffix.lower() == ".csv":
        return start.lstrip(b"\xef\xbb\xbf#").startswith(_CSV_START)
    known = b'"_via_img_metadata"' in start or b'"file_attributes"' in start
    return known and (b'"regions"' in start)


def _rows(path: Path) -> list[_Row]:
    if path.suffix.lower() == ".csv":
        return _csv_rows(path)
    data = load_json(path, "VIA JSON")
    data = data.get("_via_img_metadata", data) if isinstance(data, dict) else data
    if not isinstance(data, dict) or not all(isinstance(row, dict) and row.get("filename") for row in data.values()):
        fix = "save the project again, or export annotations as JSON"
        raise DataError.of(str(path), "is not VIA JSON", allowed="files with regions", found=shown(data), fix=fix)
    return [
        _Row(str(row["filename"]), _regions(row.get("regions")), attributes_from(row.get("file_attributes")))
        for row in data.values()
    ]


def _regions(value: object) -> list[dict[str, Any]]:
    """The regions of one image: a list, or in VIA 1 an object of numbered ones."""
    rows = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    regions = []
    for row in rows:
        whole = row if isinstance(row, dict) else {}
        parts = {key: whole.get(key) for key in ("shape_attributes", "region_attributes")}
        regions.append({key: part if isinstance(part, dict) else {} for key, part in parts.items()})
    return regions


def _csv_rows(path: Path) -> list[_Row]:
    """One line a region; lines without a region name images without one."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    images: dict[str, _Row] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for line in csv.DictReader(file):
                named = line.get("filename", line.get("#filename"))
                region = {key: json.loads(line[f"{key}"] or "{}") for key in _JSON_CELLS}
                row = images.setdefault(str(named), _Row(str(named), [], attributes_from(region["file_attributes"])))
                if region["region_shape_attributes"]:
                    parts = {"shape_attributes": region["region_shape_attributes"], **region}
                    row.regions += _regions([parts])
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        found = f"no column {error}" if isinstance(error, KeyError) else str(error)
        fix = "export the annotations again as CSV, and do not save them from a spreadsheet"
        raise DataError.of(
            str(path), "is not a VIA CSV", allowed="the columns VIA writes", found=found, fix=fix
        ) from error
    return list(images.values())


_JSON_CELLS = ("file_attributes", "region_shape_attributes", "region_attributes")


def _labelled(region: Mapping[str, Any], key: str) -> bool:
    return region["region_attributes"].get(key) not in (None, "")


def _label_attribute(rows: list[_Row], options: Options, place: str) -> str:
    """The attribute that names the classes: the one asked for, the only one of all regions, or a usual name."""
    said = [one["region_attributes"] for row in rows for one in row.regions]
    counts = Counter(name for one in said for name in one)
    asked = options.get("label")
    if asked is not None:
        if said and str(asked) not in counts:
            raise ConfigError.of(
                "options: label",
                "is an attribute that no region has",
                allowed=few(sorted(counts)) or "none",
                found=str(asked),
                fix="name one of them",
            )
        return str(asked)
    everywhere = [name for name, count in counts.items() if count == len(said)]
    usual = [name for name in _USUAL for found in counts if found.lower() == name for name in [found]]
    if len(everywhere) == 1:
        return everywhere[0]
    if usual:
        return usual[0]
    if not said:
        return LABEL
    raise ConfigError.of(
        place,
        "does not tell which attribute of a region is its class",
        allowed="one attribute that all regions have, or the option label",
        found=few(sorted(counts)) or "regions without attributes",
        fix=f"set `options: {{label: {min(counts, default='class')}}}`",
    )


def _brush(options: Options) -> float:
    value = options.get("brush_px", BRUSH_PX)
    if isinstance(value, int | float) and value > 0:
        return float(value)
    fix = "leave it out for 3 px, or give the width the line has in the frames"
    raise ConfigError.of("options: brush_px", "is no brush width", allowed="above 0", found=str(value), fix=fix)


@dataclass
class _Reading(Findings):
    """What was found while one file is read."""

    naming: Naming = field(kw_only=True)
    label: str = field(kw_only=True)
    brush_px: float = field(kw_only=True)

    def shapes(self, place: str, regions: list[dict[str, Any]]) -> Iterator[Shape]:
        """The regions of one image as shapes."""
        for at, region in enumerate(regions):
            geometry = region["shape_attributes"]
            kind = str(geometry.get("name"))
            where = f"{place}: region {at}"
            if kind in _UNPAINTED:
                self.left_out[kind] += 1
            elif kind not in _PAINTERS:
                self.refuse(where, "is of an unknown kind", ", ".join((*_PAINTERS, *_UNPAINTED)), shown(kind))
            else:
                try:
                    yield self._shape(kind, geometry, region["region_attributes"])
                except (ValueError, KeyError) as error:
                    self.unreadable(where, kind, error, "the numbers VIA writes, and a class")

    def _shape(self, kind: str, geometry: Mapping[str, Any], values: Mapping[str, Any]) -> Shape:
        said = attributes_from(values)
        label = said.pop(self.label, "")
        if label not in self.naming.ids:
            raise ValueError(f"no {self.label}")
        width = number_in(said.pop(WIDTH), "a brush") if WIDTH in said else self.brush_px
        facts = ObjectFacts(said.pop(PARTS_OF, None), attributes=said)
        return replace(_PAINTERS[kind](geometry, self.naming.ids[label], width), facts=facts)


def _all_points(geometry: Mapping[str, Any], at_least: int) -> Points:
    x, y = geometry["all_points_x"], geometry["all_points_y"]
    if not isinstance(x, list) or not isinstance(y, list) or len(x) != len(y):
        raise ValueError("not as many x as y")
    return points_from([list(pair) for pair in zip(x, y, strict=True)], at_least)


def _polygon(geometry: Mapping[str, Any], class_id: int, _width: float) -> Shape:
    return Outlines(class_id, (_all_points(geometry, 3),))


def _polyline(geometry: Mapping[str, Any], class_id: int, width: float) -> Shape:
    return Stroke(class_id, _all_points(geometry, 2), width)


def _rectangle(geometry: Mapping[str, Any], class_id: int, _width: float) -> Shape:
    x, y, width, height = (number(geometry[key]) for key in ("x", "y", "width", "height"))
    return Outlines(class_id, (rectangle(x, y, x + width, y + height),))


def _ellipse(geometry: Mapping[str, Any], class_id: int, _width: float) -> Shape:
    x, y = number(geometry["cx"]), number(geometry["cy"])
    radii = abs(number(geometry.get("rx", geometry.get("r")))), abs(number(geometry.get("ry", geometry.get("r"))))
    turn, centre = number(geometry.get("theta", 0)), np.array([x, y])
    cosine, sine = np.cos(turn), np.sin(turn)  # theta is in radians, clockwise
    outline = ellipse_outline((0.0, 0.0), radii) @ np.array([[cosine, sine], [-sine, cosine]]) + centre
    return Outlines(class_id, (outline,))


_PAINTERS: dict[str, Callable[[Mapping[str, Any], int, float], Shape]] = {
    "polygon": _polygon,
    "polyline": _polyline,
    "rect": _rectangle,
    "circle": _ellipse,
    "ellipse": _ellipse,
}

VIA = Format(
    recognise,
    read,
    {
        "annotations": "the JSON or CSV file, relative to the root, where there are several",
        "images": "folder that the image names are relative to",
        "label": "the attribute of a region that names its class",
        "brush_px": "width of the brush that paints lines (3)",
        "map": "labels to rename: [glare=void, deep scratch=scratch]",
        "mask_orientation": "upright (default), stored or auto: how EXIF-turned images were annotated",
    },
    write=write,
    carries=CARRIES,
    write_options=WRITE_OPTIONS,
)
