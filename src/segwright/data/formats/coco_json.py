"""COCO instances JSON: polygons and run lengths, crowds, category ids."""

from __future__ import annotations

import json
import math
import mmap
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from segwright.core import ClassTable, ConfigError, DataError, Problem, Size, raise_collected
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import (
    ImageFinder,
    Naming,
    choose_file,
    few,
    image_notes,
    name_classes,
    require_images,
)
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.images import ImageFile
from segwright.data.listing import Listing, stem_of
from segwright.data.shapes import Outlines, Runs, Shape, ShapeMask

_KEYS = (b'"images"', b'"annotations"', b'"categories"')
_CROWD = ("void", "class", "leave_out")
_BOXES = ("refuse", "void", "class")


def recognise(listing: Listing) -> str | None:
    """Which COCO files there are, or None; also None where no image lies with them."""
    files = _candidates(listing)
    return f"COCO annotations in {few(files)}" if files and listing.images else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the images a COCO JSON lists; its objects are painted largest first, crowds before all others.

    A crowd region is void (`crowd: class` paints its class, `leave_out` nothing). An image without annotations is
    background all over. An object with a box and no outline is refused (`boxes: void` or `class` paints its box).

    Raises:
        DataError: not COCO JSON, or annotations that contradict themselves; every finding at once.
        ConfigError: labels outside a given class table, or an unknown option value.
    """
    name = choose_file(listing, options, _candidates(listing), "COCO instances JSON")
    data = _load(listing.path(name))
    reading = _Reading(name, str(options.get("crowd", "void")), str(options.get("boxes", "refuse")))
    objects = _by_image(data, reading)
    naming = _naming(data, classes, options, name)
    raise_collected(naming.problems, ConfigError)
    finder = ImageFinder(listing, options.get("images"))
    orientation = orientation_of(options)
    frames, used, missing = [], [], []
    for image in data["images"]:
        found = finder.find(str(image["file_name"]))
        if found is None:
            missing.append(str(image["file_name"]))
            continue
        used.append(found)
        shapes = tuple(_shapes(objects.get(image["id"], ()), naming, reading))
        place = f"{name}: {image['file_name']}"
        mask = ShapeMask(shapes, naming.classes.unpainted_id, _size(image), place, orientation)
        frames.append(Frame(stem_of(str(image["file_name"]).replace("\\", "/")), ImageFile(listing.path(found)), mask))
    raise_collected(reading.problems)
    require_images(frames, missing, listing.path(name))
    frames.sort(key=lambda frame: frame.stem)
    notes = [*image_notes(listing, used, missing, name), *reading.notes()]
    return Dataset(listing.root, naming.classes, tuple(frames), "coco_json", tuple(notes))


@dataclass
class _Reading:
    """What was found while one file is read: settings, problems, and counts of what was not painted."""

    place: str
    crowd: str
    boxes: str
    problems: list[Problem] = field(default_factory=list)
    crowds: int = 0

    def __post_init__(self) -> None:
        for option, value, allowed in (("crowd", self.crowd, _CROWD), ("boxes", self.boxes, _BOXES)):
            if value not in allowed:
                raise ConfigError.of(
                    f"options: {option}",
                    "has an unknown value",
                    allowed=", ".join(allowed),
                    found=value,
                    fix=f"set `options: {{{option}: {allowed[0]}}}`, or leave it out",
                )

    def refuse(
        self, annotation: Mapping, rule: str, allowed: str, found: str, fix: str = "correct or remove it"
    ) -> None:
        self.problems.append(Problem(f"{self.place}: annotation {annotation.get('id')}", rule, allowed, found, fix))

    def notes(self) -> Iterator[str]:
        if self.crowds:
            done = {"void": "are void", "class": "are painted as their class", "leave_out": "were left out"}[self.crowd]
            yield f"{self.place}: {self.crowds} crowd regions {done} (option crowd: {', '.join(_CROWD)})"


def _candidates(listing: Listing) -> list[str]:
    return [name for name in listing.files if name.lower().endswith(".json") and _looks_like_coco(listing.path(name))]


def _looks_like_coco(path: Path) -> bool:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return all(data.find(key) >= 0 for key in _KEYS)
    except (OSError, ValueError):
        return False


def _load(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError.of(
            str(path),
            "is not readable JSON",
            allowed="COCO instances JSON",
            found=str(error),
            fix="export it again, or copy it again from its source",
        ) from error
    wanted = {"images": ("id", "file_name"), "categories": ("id", "name"), "annotations": ("image_id", "category_id")}
    problems = [
        Problem(
            str(path),
            f"is not COCO instances JSON: '{key}'",
            f"a list of objects with {', '.join(names)}",
            "other",
            fix="export the task as COCO instances (object detection), not captions, panoptic or results",
        )
        for key, names in wanted.items()
        if not isinstance(data, dict) or not _is_table(data.get(key), names)
    ]
    raise_collected(problems)
    return data


def _is_table(rows: object, names: Sequence[str]) -> bool:
    return isinstance(rows, list) and all(isinstance(row, dict) and all(name in row for name in names) for row in rows)


def _by_image(data: Mapping[str, Any], reading: _Reading) -> dict[Any, list[dict]]:
    """Image id -> its annotations; ids used twice and ids of nothing are problems."""
    images = [image["id"] for image in data["images"]]
    categories = {category["id"] for category in data["categories"]}
    twice = (
        sorted({str(value) for value in images if images.count(value) > 1}) if len(set(images)) < len(images) else []
    )
    if twice:
        reading.problems.append(
            Problem(
                reading.place,
                "gives one id to two images",
                "each id once",
                few(twice),
                fix="export it again, or number the images anew",
            )
        )
    known = set(images)
    objects: dict[Any, list[dict]] = defaultdict(list)
    for annotation in data["annotations"]:
        if annotation["image_id"] not in known:
            reading.refuse(
                annotation,
                "belongs to an image that is not listed",
                "an id under 'images'",
                f"image_id {annotation['image_id']}",
            )
        elif annotation["category_id"] not in categories:
            reading.refuse(
                annotation,
                "has a category that is not listed",
                "an id under 'categories'",
                f"category_id {annotation['category_id']}",
            )
        else:
            objects[annotation["image_id"]].append(annotation)
    return objects


def _naming(data: Mapping[str, Any], given: ClassTable | None, options: Options, place: str) -> Naming:
    """Category names to class ids, keyed by category id in text; only categories in use must be known."""
    used = {annotation["category_id"] for annotation in data["annotations"]}
    categories = [row for row in data["categories"] if given is None or row["id"] in used]
    labels = {str(row["name"]): row["id"] if isinstance(row["id"], int) else None for row in categories}
    if len(labels) < len(categories):
        names = [str(row["name"]) for row in categories]
        raise DataError.of(
            place,
            "gives one name to two categories",
            allowed="each name once",
            found=few(sorted({name for name in names if names.count(name) > 1})),
            fix="rename one of them in the tool that wrote the file",
        )
    naming = name_classes(labels, given, options, place)
    ids = {str(row["id"]): naming.ids[str(row["name"])] for row in categories if str(row["name"]) in naming.ids}
    return Naming(naming.classes, ids, naming.problems)


def _shapes(annotations: Sequence[dict], naming: Naming, reading: _Reading) -> Iterator[Shape]:
    """An image's objects in painting order: crowds first, then larger before smaller, so that nothing is hidden."""
    for annotation in sorted(annotations, key=_painting_order):
        class_id = naming.ids[str(annotation["category_id"])]
        if annotation.get("iscrowd"):
            reading.crowds += 1
            if reading.crowd == "leave_out":
                continue
            class_id = naming.classes.void_id if reading.crowd == "void" else class_id
        shape = _shape(annotation, class_id, naming, reading)
        if shape is not None:
            yield shape


def _painting_order(annotation: Mapping) -> tuple[bool, float, str]:
    box = annotation.get("bbox") or (0, 0, 0, 0)
    area = annotation.get("area")
    area = area if isinstance(area, int | float) else box[2] * box[3]
    return not annotation.get("iscrowd"), -float(area), str(annotation.get("id")).zfill(20)


def _shape(annotation: Mapping, class_id: int, naming: Naming, reading: _Reading) -> Shape | None:
    outline = annotation.get("segmentation")
    if isinstance(outline, dict) and "counts" in outline:
        return _runs(annotation, outline, class_id, reading)
    if isinstance(outline, list) and outline:
        rings = outline if isinstance(outline[0], list) else [outline]
        if all(_is_ring(ring) for ring in rings):
            return Outlines(class_id, tuple(np.array(ring, dtype=np.float64).reshape(-1, 2) for ring in rings))
        reading.refuse(
            annotation,
            "has a polygon that is none",
            "x, y pairs of at least three points, finite numbers",
            f"{min(len(ring) if isinstance(ring, list) else 0 for ring in rings)} numbers, or not numbers",
        )
        return None
    return _box(annotation, class_id, naming, reading)


def _is_ring(ring: object) -> bool:
    if not isinstance(ring, list) or len(ring) < 6 or len(ring) % 2:
        return False
    return all(isinstance(value, int | float) and math.isfinite(value) and abs(value) < 1e6 for value in ring)


def _runs(annotation: Mapping, outline: Mapping, class_id: int, reading: _Reading) -> Shape | None:
    counts = outline["counts"]
    if isinstance(counts, str):
        return Runs(class_id, counts)
    if isinstance(counts, list) and all(isinstance(run, int) for run in counts):
        return Runs(class_id, tuple(counts))
    reading.refuse(annotation, "has runs that are neither text nor numbers", "COCO counts", type(counts).__name__)
    return None


def _box(annotation: Mapping, class_id: int, naming: Naming, reading: _Reading) -> Shape | None:
    box = annotation.get("bbox")
    if reading.boxes == "refuse" or not isinstance(box, list) or len(box) != 4:
        fix = "draw its outline, or set `options: {boxes: void}` (or class) to paint the box"
        reading.refuse(
            annotation,
            "has no outline, so its pixels would count as background",
            "a segmentation",
            "a box" if box else "nothing",
            fix,
        )
        return None
    left, top, width, height = (float(value) for value in box)
    corners = [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
    return Outlines(naming.classes.void_id if reading.boxes == "void" else class_id, (np.array(corners),))


def _size(image: Mapping) -> Size | None:
    height, width = image.get("height"), image.get("width")
    given = isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0
    return Size(height, width) if given else None  # type: ignore[arg-type]


COCO_JSON = Format(
    recognise,
    read,
    {
        "annotations": "the JSON file, relative to the root, where there are several",
        "images": "folder that the image names are relative to",
        "crowd": "void (default), class or leave_out: what a crowd region becomes",
        "boxes": "refuse (default), void or class: what becomes of an object with a box and no outline",
        "map": "labels to rename: [glare=void, deep scratch=scratch]",
        "mask_orientation": "auto, upright or stored: how EXIF-turned images of ambiguous size were annotated",
    },
)
