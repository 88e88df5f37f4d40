"""VoTT JSON: a project export with assets and their regions; polygons and rectangles, painted in their order.

Source: the type `IExportAssetMetadata` of microsoft/VoTT, and its JSON exports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
from segwright.data.formats.reading_shapes import Findings, load_json, number, points_from, rectangle, shown, size_from
from segwright.data.formats.signature import files_like, start_of
from segwright.data.formats.vott_json_writing import CARRIES, WRITE_OPTIONS, write
from segwright.data.formats.yolo_yaml import stem_without
from segwright.data.images import ImageFile
from segwright.data.listing import Listing
from segwright.data.shapes import Outlines, Shape, ShapeMask

_KEYS = (b'"assets"', b'"tags"')
_LOOKED_AT = 2**20


def recognise(listing: Listing) -> str | None:
    """Which VoTT exports there are, or None."""
    files = _candidates(listing)
    return f"VoTT regions in {few(files)}" if files and listing.images else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the assets of a VoTT export whose images are there; a rectangle is painted as its box.

    Raises:
        DataError: regions that cannot be read; every finding at once.
        ConfigError: tags outside a given class table.
    """
    name = choose_file(listing, options, _candidates(listing), "VoTT JSON")
    data = _load(listing.path(name))
    rows = [row for row in data["assets"].values() if isinstance(row, dict) and isinstance(row.get("asset"), dict)]
    named = [str(tag["name"]) for tag in data["tags"] if isinstance(tag, dict) and tag.get("name")]
    used = [tag for row in rows for region in _regions(row) for tag in _tags(region)]
    labels = dict.fromkeys([*(tag for tag in named if classes is None or tag in used), *used])
    naming = name_classes(labels, classes, options, name)
    raise_collected(naming.problems, ConfigError)
    reading = _Reading(name, naming=naming)
    finder, orientation = ImageFinder(listing, options.get("images")), orientation_of(options, "upright")
    frames, found, missing = [], [], []
    for row in rows:
        image = finder.find(str(row["asset"].get("name") or row["asset"].get("path") or "?"))
        if image is None:
            missing.append(str(row["asset"].get("name")))
            continue
        found.append(image)
        mask = reading.mask(f"{name}: {row['asset'].get('name')}", row, orientation)
        frames.append(Frame(stem_without(image, "images"), ImageFile(listing.path(image)), mask))
    raise_collected(reading.problems)
    require_images(frames, missing, listing.path(name))
    frames.sort(key=lambda frame: frame.stem)
    notes = [*image_notes(listing, found, missing, name), *reading.notes()]
    return Dataset(listing.root, naming.classes, tuple(frames), "vott_json", tuple(notes))


def _candidates(listing: Listing) -> list[str]:
    return files_like(listing, ".json", _looks_like_vott)


def _looks_like_vott(path: Path) -> bool:
    start = start_of(path, _LOOKED_AT)
    return all(key in start for key in _KEYS) and b'"asset"' in start


def _load(path: Path) -> dict[str, Any]:
    data = load_json(path, "VoTT JSON")
    if isinstance(data, dict) and isinstance(data.get("assets"), dict) and isinstance(data.get("tags"), list):
        return data
    fix = "export the project again as VoTT JSON"
    raise DataError.of(str(path), "is not VoTT JSON", allowed="assets and tags", found=shown(data), fix=fix)


def _regions(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = row.get("regions")
    return [region for region in rows if isinstance(region, dict)] if isinstance(rows, list) else []


def _tags(region: Mapping[str, Any]) -> list[str]:
    tags = region.get("tags")
    return [str(tag) for tag in tags] if isinstance(tags, list) else []


@dataclass
class _Reading(Findings):
    """What was found while one export is read."""

    naming: Naming = field(kw_only=True)

    def mask(self, place: str, row: Mapping[str, Any], orientation: Any) -> ShapeMask:
        """The regions of one asset as shapes."""
        given, size = row["asset"].get("size"), None
        try:
            size = size_from(given.get("height"), given.get("width")) if isinstance(given, dict) else None
        except ValueError as error:
            self.refuse(place, "has a size that is none", "height and width in pixels", str(error))
        shapes = tuple(self._shapes(place, _regions(row)))
        self.look(shapes, size)
        return ShapeMask(shapes, self.naming.classes.unpainted_id, size, place, orientation)

    def _shapes(self, place: str, regions: list[dict[str, Any]]) -> Iterator[Shape]:
        for at, region in enumerate(regions):
            kind = str(region.get("type")).lower()
            try:
                tags = _tags(region)
                if len(tags) != 1:
                    raise ValueError(f"{len(tags)} tags: {few(tags) or 'none'}")
                yield Outlines(self.naming.ids[tags[0]], (_outline(kind, region),))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self.unreadable(f"{place}: region {at}", kind[:20], error, "POLYGON or RECTANGLE, and one tag")


def _outline(kind: str, region: Mapping[str, Any]) -> Any:
    if kind == "polygon":
        return points_from([[point["x"], point["y"]] for point in region["points"]])
    if kind not in ("rectangle", "square"):
        raise ValueError(f"a {shown(kind)}")
    left, top, width, height = (number(region["boundingBox"][side]) for side in ("left", "top", "width", "height"))
    return rectangle(left, top, left + width, top + height)


VOTT_JSON = Format(
    recognise,
    read,
    {
        "annotations": "the JSON file, relative to the root, where there are several",
        "images": "folder that the image names are relative to",
        "map": "labels to rename: [glare=void, deep scratch=scratch]",
        "mask_orientation": "upright (default), stored or auto: how EXIF-turned images were annotated",
    },
    write,
    CARRIES,
    WRITE_OPTIONS,
)
