"""COCO instances JSON: polygons and run lengths, crowds, category ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from segwright.core import ClassTable, ConfigError, DataError, Problem, Size, few, raise_collected
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import (
    ImageFinder,
    Naming,
    choose_file,
    image_notes,
    name_classes,
    require_images,
)
from segwright.data.formats.coco_json_writing import CARRIES, WRITE_OPTIONS, write
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.reading_shapes import attributes_from, is_number, load_json, rectangle, shown, size_from
from segwright.data.formats.signature import files_like, holds_all
from segwright.data.images import ImageFile
from segwright.data.listing import Listing, stem_of
from segwright.data.rasterise import Points
from segwright.data.shapes import PLAIN, ObjectFacts, Outlines, Runs, Shape, ShapeMask

_KEYS = (b'"images"', b'"annotations"', b'"categories"')
_PANOPTIC_KEY = b'"segments_info"'  # then its annotations are images of segments, not objects: coco_panoptic
_CROWD = ("void", "class", "leave_out")
_BOXES = ("refuse", "void", "class")


def recognise(listing: Listing) -> str | None:
    """Which COCO files there are, or None; also None where no image lies with them."""
    files = _candidates(listing)
    return f"COCO annotations in {few(files)}" if files and listing.images else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the images a COCO JSON lists; its objects are painted largest first, crowds before all others.

    Where every annotation of an image has a number `z_order`, as our own files do, that is the order instead. A crowd
    region is void (`crowd: class` paints its class, `leave_out` nothing). An image without annotations is
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
    finder = ImageFinder(listing, options.get("images"), str(PurePosixPath(name).parent))
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
        mask = ShapeMask(shapes, naming.classes.unpainted_id, reading.size(image), place, orientation)
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

    def size(self, image: Mapping) -> Size | None:
        """The size the file gives an image; None where it gives none, as for 0 by 0."""
        if not image.get("height") and not image.get("width"):
            return None
        try:
            return size_from(image.get("height"), image.get("width"))
        except ValueError as error:
            place, fix = f"{self.place}: {image['file_name']}", "write the size in pixels, or leave it out"
            self.problems.append(Problem(place, "has a size that is none", "whole numbers", str(error), fix))
            return None

    def notes(self) -> Iterator[str]:
        if self.crowds:
            done = {"void": "are void", "class": "are painted as their class", "leave_out": "were left out"}[self.crowd]
            yield f"{self.place}: {self.crowds} crowd regions {done} (option crowd: {', '.join(_CROWD)})"


def _candidates(listing: Listing) -> list[str]:
    return files_like(listing, ".json", _looks_like_coco)


def _looks_like_coco(path: Path) -> bool:
    return holds_all(path, _KEYS) and not holds_all(path, (_PANOPTIC_KEY,))


def _load(path: Path) -> dict[str, Any]:
    data = load_json(path, "COCO instances JSON")
    wanted = {"images": ("id", "file_name"), "categories": ("id", "name"), "annotations": ("image_id", "category_id")}
    problems = [
        Problem(
            str(path),
            f"is not COCO instances JSON: '{key}'",
            f"a list of objects with {', '.join(names)}; ids are numbers or text",
            "other",
            fix="export the task as COCO instances (object detection), not captions, panoptic or results",
        )
        for key, names in wanted.items()
        if not isinstance(data, dict) or not _is_table(data.get(key), names)
    ]
    raise_collected(problems)
    return data


def _is_table(rows: object, names: Sequence[str]) -> bool:
    if not isinstance(rows, list):
        return False
    return all(isinstance(row, dict) and all(_is_id(row.get(name)) for name in names) for row in rows)


def _is_id(value: object) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


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
    told = all(is_number(annotation.get("z_order")) for annotation in annotations)
    for annotation in sorted(annotations, key=(lambda row: row["z_order"]) if told else _painting_order):
        class_id = naming.ids[str(annotation["category_id"])]
        facts = _facts(annotation, class_id, naming, reading)
        if facts.crowd:
            reading.crowds += 1
            if reading.crowd == "leave_out":
                continue
            class_id = naming.classes.void_id if reading.crowd == "void" else class_id
        shape = _shape(annotation, class_id, facts, naming, reading)
        if shape is not None:
            yield shape


def _facts(annotation: Mapping, class_id: int, naming: Naming, reading: _Reading) -> ObjectFacts:
    """What an annotation says beyond its pixels; a crowd of a category that is void is void and no object."""
    if class_id == naming.classes.void_id:
        return PLAIN
    crowd = bool(annotation.get("iscrowd"))
    of = class_id if crowd and reading.crowd == "void" else None
    return ObjectFacts(None, crowd, of, attributes_from(annotation.get("attributes")))


def _painting_order(annotation: Mapping) -> tuple[bool, float, str]:
    area, box = annotation.get("area"), annotation.get("bbox")
    if not isinstance(area, int | float) or isinstance(area, bool) or not abs(area) < 1e15:
        area = box[2] * box[3] if isinstance(box, list) and _is_box(box) else 0
    return not annotation.get("iscrowd"), -float(area), str(annotation.get("id")).zfill(20)


def _is_box(box: object) -> bool:
    return isinstance(box, list) and len(box) == 4 and all(is_number(value) for value in box)


def _shape(annotation: Mapping, class_id: int, facts: ObjectFacts, naming: Naming, reading: _Reading) -> Shape | None:
    outline = annotation.get("segmentation")
    if isinstance(outline, dict) and "counts" in outline:
        runs = _runs(annotation, outline, reading)
        return None if runs is None else Runs(class_id, runs, facts=facts)
    if isinstance(outline, list) and outline:
        rings = outline if isinstance(outline[0], list) else [outline]
        if all(_is_ring(ring) for ring in rings):
            return Outlines(class_id, tuple(np.array(ring, np.float64).reshape(-1, 2) for ring in rings), facts=facts)
        count = min(len(ring) if isinstance(ring, list) else 0 for ring in rings)
        allowed = "x, y pairs of at least three points, finite numbers"
        reading.refuse(annotation, "has a polygon that is none", allowed, f"{count} numbers, or not numbers")
        return None
    corners = _box(annotation, reading)
    if corners is None:
        return None
    return Outlines(naming.classes.void_id if reading.boxes == "void" else class_id, (corners,), facts=facts)


def _is_ring(ring: object) -> bool:
    return isinstance(ring, list) and len(ring) >= 6 and len(ring) % 2 == 0 and all(is_number(value) for value in ring)


def _runs(annotation: Mapping, outline: Mapping, reading: _Reading) -> tuple[int, ...] | str | None:
    counts = outline["counts"]
    if isinstance(counts, str):
        return counts
    if isinstance(counts, list) and all(isinstance(run, int) and abs(run) < 2**40 for run in counts):
        return tuple(counts)
    reading.refuse(annotation, "has runs that are neither text nor numbers", "COCO counts", shown(counts))
    return None


def _box(annotation: Mapping, reading: _Reading) -> Points | None:
    box = annotation.get("bbox")
    if reading.boxes == "refuse" or not _is_box(box):
        fix = "draw its outline, or set `options: {boxes: void}` (or class) to paint the box"
        rule, found = "has no outline, so its pixels would count as background", "a box" if box else "nothing"
        reading.refuse(annotation, rule, "a segmentation", found, fix)
        return None
    left, top, width, height = (float(value) for value in box)  # type: ignore[union-attr]
    return rectangle(left, top, left + width, top + height)


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
    write=write,
    carries=CARRIES,
    write_options=WRITE_OPTIONS,
)
