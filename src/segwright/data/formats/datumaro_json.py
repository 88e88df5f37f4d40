"""Datumaro JSON: annotations/SUBSET.json beside images/SUBSET/, polygons and masks painted by `z_order`.

Annotations of one label and one group other than 0 are one object. An attribute `is_crowd` that is true makes a crowd,
which is void. Labels, boxes, points, captions, cuboids and skeletons paint nothing, and are counted.

Source: the format "datumaro" of cvat-ai/datumaro, docs/source/docs/formats/datumaro.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from segwright.core import ClassTable, ConfigError, DataError, Size, few, raise_collected
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import ImageFinder, Naming, image_notes, name_classes, require_images
from segwright.data.formats.datumaro_json_writing import CARRIES, CROWD, WIDTH, WRITE_OPTIONS, write
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.reading_shapes import (
    Findings,
    attributes_from,
    is_number,
    load_json,
    number_in,
    points_from,
    shown,
    size_from,
)
from segwright.data.formats.signature import files_like, holds_all
from segwright.data.formats.yolo_yaml import stem_without
from segwright.data.given_parts import PART_NAMES, part_column
from segwright.data.images import ImageFile
from segwright.data.listing import Listing
from segwright.data.rasterise import BRUSH_PX, Points
from segwright.data.shapes import ObjectFacts, Outlines, Runs, Shape, ShapeMask, Stroke

_KEYS = (b'"categories"', b'"items"')
_PAINTED = ("polygon", "mask", "polyline")


def recognise(listing: Listing) -> str | None:
    """Which Datumaro files there are, or None; also None where no image lies with them."""
    files = _candidates(listing)
    return f"Datumaro annotations in {few(files)}" if files and listing.images else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the items of all subsets; the column `part` says train, validation or test, by the subset's name.

    Raises:
        DataError: files whose labels differ, or shapes that cannot be read; every finding at once.
        ConfigError: labels outside a given class table.
    """
    loaded = {name: _load(listing.path(name)) for name in _candidates(listing)}
    names = _label_names(loaded, listing)
    rows = (one for data in loaded.values() for one in _annotations(data) if one.get("type") in _PAINTED)
    used = {one["label_id"] for one in rows if isinstance(one.get("label_id"), int)}
    labels = {name: at for at, name in enumerate(names) if classes is None or at in used}
    naming = name_classes(labels, classes, options, "Datumaro")
    raise_collected(naming.problems, ConfigError)
    reading = _Reading("Datumaro", naming=naming, names=names)
    finder, orientation = ImageFinder(listing, options.get("images")), orientation_of(options, "upright")
    frames, used_images, missing = [], [], []
    for name, data in loaded.items():
        subset = PurePosixPath(name).stem
        for item in data["items"]:
            image = _image(item, subset, finder)
            if image is None:
                missing.append(str(item.get("id")))
                continue
            used_images.append(image)
            mask = reading.mask(f"{name}: {item.get('id')}", item, orientation)
            stem = stem_without(image, "images").removeprefix("default/")
            columns = part_column(subset) if subset.lower() in PART_NAMES else {}
            frames.append(Frame(stem, ImageFile(listing.path(image)), mask, columns))
    raise_collected(reading.problems)
    require_images(frames, missing, listing.root)
    frames.sort(key=lambda frame: frame.stem)
    notes = [*image_notes(listing, used_images, missing, "Datumaro"), *reading.notes()]
    return Dataset(listing.root, naming.classes, tuple(frames), "datumaro_json", tuple(notes))


def _candidates(listing: Listing) -> list[str]:
    return files_like(listing, ".json", lambda path: holds_all(path, _KEYS))


def _load(path: Path) -> dict[str, Any]:
    data = load_json(path, "Datumaro JSON")
    if isinstance(data, dict) and isinstance(data.get("categories"), dict) and isinstance(data.get("items"), list):
        data["items"] = [item for item in data["items"] if isinstance(item, dict)]
        return data
    fix = "export the project again as Datumaro"
    raise DataError.of(
        str(path), "is not Datumaro JSON", allowed="categories and a list of items", found=shown(data), fix=fix
    )


def _annotations(item_or_file: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The annotations of an item, or of all items of a file."""
    for item in item_or_file.get("items", [item_or_file]):
        rows = item.get("annotations")
        yield from (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def _label_names(loaded: Mapping[str, dict[str, Any]], listing: Listing) -> list[str]:
    """The labels, which all files must share: annotations name them by their position."""
    lists: dict[str, list[str]] = {}
    for name, data in loaded.items():
        label = data["categories"].get("label")
        rows = label.get("labels") if isinstance(label, dict) else []
        lists[name] = [str(row.get("name")) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    longest = max(lists.values(), key=len, default=[])
    other = [name for name, rows in lists.items() if rows and rows != longest]
    if other or len(set(longest)) < len(longest):
        raise DataError.of(
            str(listing.root),
            "has files whose labels differ, or two labels of one name",
            allowed=few(longest),
            found=few(other) or few(longest),
            fix="merge the files in Datumaro first",
        )
    return longest


def _image(item: Mapping[str, Any], subset: str, finder: ImageFinder) -> str | None:
    media = item.get("image") or item.get("media")
    named = str(media.get("path") or "") if isinstance(media, dict) else ""
    for name in (named, str(item.get("id") or "")):
        for candidate in (f"images/{subset}/{name}", f"{subset}/{name}", name):
            found = finder.find(candidate) if name else None
            if found is not None:
                return found
    return None


@dataclass
class _Reading(Findings):
    """What was found while the files are read."""

    naming: Naming = field(kw_only=True)
    names: list[str] = field(kw_only=True)
    crowds: int = 0

    def mask(self, place: str, item: Mapping[str, Any], orientation: Any) -> ShapeMask:
        """The annotations of one item as shapes, in painting order."""
        media = item.get("image") or item.get("media")
        sides = media.get("size") if isinstance(media, dict) else None
        size: Size | None = None
        try:
            size = size_from(*sides) if isinstance(sides, list) and len(sides) == 2 else None
        except ValueError as error:
            self.refuse(place, "has a size that is none", "[height, width] in pixels", str(error))
        drawn: list[tuple[float, Shape]] = []
        for at, row in enumerate(_annotations(item)):
            kind = str(row.get("type"))
            if kind not in _PAINTED:
                self.left_out[kind] += 1
                continue
            try:
                order = row.get("z_order", 0)
                drawn.append((float(order) if is_number(order) else 0.0, self._shape(kind, row)))
            except (ValueError, KeyError, TypeError) as error:
                self.unreadable(f"{place}: annotation {at}", kind, error, "the numbers Datumaro writes, and a label")
        shapes = tuple(shape for _, shape in sorted(drawn, key=lambda pair: pair[0]))
        self.look(shapes, size)
        return ShapeMask(shapes, self.naming.classes.unpainted_id, size, place, orientation)

    def _shape(self, kind: str, row: Mapping[str, Any]) -> Shape:
        label = row.get("label_id")
        if not isinstance(label, int) or not 0 <= label < len(self.names):
            raise ValueError(f"label_id {shown(label)}, not one of {len(self.names)} labels")
        class_id = self.naming.ids[self.names[label]]
        said = attributes_from(row.get("attributes"))
        crowd = said.pop(CROWD, "").lower() == "true" and class_id != self.naming.classes.void_id
        width = number_in(said.pop(WIDTH), "a brush") if WIDTH in said else BRUSH_PX
        group = row.get("group") or None
        facts = ObjectFacts(None if group is None else str(group), crowd, class_id if crowd else None, said)
        painted = self.naming.classes.void_id if crowd else class_id
        self.crowds += crowd
        if kind == "mask":
            return _mask(row["rle"], painted, facts)
        points = _points(row["points"], 3 if kind == "polygon" else 2)
        return Outlines(painted, (points,), facts=facts) if kind == "polygon" else Stroke(painted, points, width, facts)

    def notes(self) -> Iterator[str]:
        yield from super().notes()
        if self.crowds:
            yield f"{self.place}: {self.crowds} crowd regions are void (attribute {CROWD})"


def _points(values: object, at_least: int) -> Points:
    if not isinstance(values, list) or len(values) % 2:
        raise ValueError(f"points are {shown(values)}, not pairs x, y in one list")
    return points_from([list(pair) for pair in zip(values[::2], values[1::2], strict=True)], at_least)


def _mask(rle: Mapping[str, Any], class_id: int, facts: ObjectFacts) -> Shape:
    """COCO's compressed run lengths; that they fit the image is checked when they are painted."""
    counts = rle["counts"]
    if isinstance(counts, str):
        return Runs(class_id, counts, facts=facts)
    if isinstance(counts, list) and all(isinstance(run, int) and abs(run) < 2**40 for run in counts):
        return Runs(class_id, tuple(counts), facts=facts)
    raise ValueError(f"counts are {shown(counts)}")


DATUMARO_JSON = Format(
    recognise,
    read,
    {
        "images": "folder that the image names are relative to",
        "map": "labels to rename: [glare=void, deep scratch=scratch]",
        "mask_orientation": "upright (default), stored or auto: how EXIF-turned images were annotated",
    },
    write=write,
    carries=CARRIES,
    write_options=WRITE_OPTIONS,
)
