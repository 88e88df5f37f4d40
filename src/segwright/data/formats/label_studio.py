"""Label Studio JSON: tasks with brush masks, polygons, rectangles and ellipses in percent of the frame.

Of several annotations of a task one is read: the ground truth, else the last; the others are counted. Regions are
painted in their order. Brush masks are painted from alpha 128 up. Keypoints and what is said of whole images paint
nothing.

Source: labelstud.io, "Export annotations" and "Units of image annotations".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import numpy as np

from segwright.core import ClassTable, ConfigError, DataError, Size, few, raise_collected
from segwright.data.dataset import Dataset, Frame
from segwright.data.drawing import runs_shape
from segwright.data.formats.annotated import (
    ImageFinder,
    Naming,
    choose_file,
    image_notes,
    name_classes,
    require_images,
)
from segwright.data.formats.format import Format, Options, cut_of, orientation_of
from segwright.data.formats.label_studio_rle import unpacked_alpha
from segwright.data.formats.label_studio_writing import CARRIES, WRITE_OPTIONS, in_pixels, write
from segwright.data.formats.reading_shapes import Findings, load_json, number, points_from, shown, size_from
from segwright.data.formats.signature import files_like, start_of
from segwright.data.formats.yolo_yaml import stem_without
from segwright.data.images import ImageFile
from segwright.data.listing import Listing
from segwright.data.rasterise import Points, ellipse_outline
from segwright.data.shapes import ObjectFacts, Outlines, Shape, ShapeMask

_KEYS = (b'"data"', b'"result"')
_UPLOAD = re.compile(r"^[0-9a-f]{8}-")
_LABELS = ("brushlabels", "polygonlabels", "rectanglelabels", "ellipselabels", "labels")
_SAID = ("choices", "text", "number", "rating", "taxonomy", "datetime")
_UNPAINTED = ("keypoint", "vector", "bitmask", "video", "paragraphs")
_LOOKED_AT = 2**22


def recognise(listing: Listing) -> str | None:
    """Which Label Studio exports there are, or None."""
    files = _candidates(listing)
    return f"Label Studio tasks in {few(files)}" if files else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the tasks of a Label Studio export whose images are there.

    What is said of a region (choices, text, numbers) becomes its attributes. Tasks without an annotation, skipped ones
    among them, are left out and counted.

    Raises:
        DataError: regions that cannot be read, two tasks of one image; every finding at once.
        ConfigError: labels outside a given class table, or an unknown option value.
    """
    name = choose_file(listing, options, _candidates(listing), "Label Studio JSON")
    reading = _Reading(name, chosen=str(options.get("annotator", "")), cut=cut_of(options))
    finder = ImageFinder(listing, options.get("images"))
    chosen: dict[str, tuple[str, list[dict]]] = {}
    missing: list[str] = []
    for task in _tasks(listing.path(name)):
        place, results = f"{name}: task {task.get('id')}", reading.annotation(task)
        image = _image(task, finder)
        if image is None:
            missing.append(place)
        elif results is None:
            reading.bare.append(image)
        elif image in chosen:
            fix = "remove one of the tasks, or merge them in Label Studio"
            reading.refuse(place, "is a second task of one image", "one task an image", image, fix)
        else:
            chosen[image] = (place, results)
    regions = {image: reading.regions(results) for image, (_, results) in chosen.items()}
    labels = sorted({label for rows in regions.values() for row in rows for label in row.labels})
    reading.naming = name_classes(dict.fromkeys(labels), classes, options, name)
    raise_collected(reading.naming.problems, ConfigError)
    orientation, frames = orientation_of(options, "upright"), []
    for image, rows in regions.items():
        mask = reading.mask(chosen[image][0], rows, orientation)
        frames.append(Frame(stem_without(image, "images"), ImageFile(listing.path(image)), mask))
    raise_collected(reading.problems)
    require_images(frames, missing, listing.path(name))
    frames.sort(key=lambda frame: frame.stem)
    notes = [*image_notes(listing, [*chosen, *reading.bare], missing, name), *reading.notes()]
    return Dataset(listing.root, reading.naming.classes, tuple(frames), "label_studio", tuple(notes))


def _candidates(listing: Listing) -> list[str]:
    return files_like(listing, ".json", _looks_right)


def _looks_right(path: Path) -> bool:
    start = start_of(path, _LOOKED_AT)
    return start.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"[" and all(key in start for key in _KEYS)


def _tasks(path: Path) -> list[dict[str, Any]]:
    data = load_json(path, "Label Studio JSON")
    if isinstance(data, list) and all(isinstance(task, dict) and isinstance(task.get("data"), dict) for task in data):
        return data
    raise DataError.of(
        str(path),
        "is not a Label Studio export of tasks",
        allowed="a list of tasks, each with data and annotations",
        found=shown(data),
        fix="export the project as JSON, not as JSON-MIN",
    )


def _image(task: Mapping[str, Any], finder: ImageFinder) -> str | None:
    """The listed image of a task, whose data name an upload, a local file, a bucket or an address."""
    for value in [task.get("file_upload"), *task["data"].values()]:
        if not isinstance(value, str):
            continue
        path = unquote(value.partition("?d=")[2] or value.partition("?")[0]).partition("://")
        named = (path[2] or path[0]).replace("\\", "/").lstrip("/")
        upload = _UPLOAD.sub("", PurePosixPath(named).name)
        for candidate in (named, upload):
            found = finder.find(candidate) if candidate else None
            if found is not None:
                return found
    return None


@dataclass
class _Region:
    """The results of one region: its geometry, its labels, and what is said of it."""

    row: dict[str, Any]
    kind: str = ""
    value: dict[str, Any] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)


@dataclass
class _Reading(Findings):
    """What was found while one export is read."""

    chosen: str = ""
    cut: int = 128
    naming: Naming = field(init=False)
    others: int = 0
    unlabelled: int = 0
    predictions: int = 0
    bare: list[str] = field(default_factory=list)

    def annotation(self, task: Mapping[str, Any]) -> list[dict] | None:
        """The results of the annotation that is read; None where there is none."""
        rows = task.get("annotations", task.get("completions"))
        rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        done = [row for row in rows if not row.get("was_cancelled") and isinstance(row.get("result"), list)]
        mine = [row for row in done if not self.chosen or self.chosen in _annotators(row)]
        truth = [row for row in mine if row.get("ground_truth")]
        self.predictions += bool(task.get("predictions"))
        if not mine:
            self.unlabelled += 1
            return None
        self.others += len(done) - 1
        return [row for row in (truth or mine)[-1]["result"] if isinstance(row, dict)]

    def regions(self, results: list[dict]) -> list[_Region]:
        """The results by region, in the order of their first mention."""
        regions: dict[str, _Region] = {}
        for at, row in enumerate(results):
            value = row.get("value")
            if not isinstance(value, dict):
                continue
            region = regions.setdefault(str(row.get("id", f"result {at}")), _Region(row))
            kind = _kind(value)
            if kind:
                region.kind, region.value, region.row = kind, value, row
            region.labels += [str(label) for key in _LABELS for label in _listed(value.get(key))]
            for key in _SAID:
                if key in value and not kind:
                    words = ", ".join(str(word) for word in _listed(value[key]))
                    region.said[str(row.get("from_name", key))] = words
        for region in regions.values():
            region.labels = list(dict.fromkeys(region.labels))
        return list(regions.values())

    def mask(self, place: str, regions: list[_Region], orientation: Any) -> ShapeMask:
        """The regions of one image as shapes."""
        sizes: list[Size] = []
        shapes = tuple(self._shapes(place, regions, sizes))
        if len({*sizes}) > 1:
            found = few([str(size) for size in dict.fromkeys(sizes)])
            self.refuse(place, "has regions of images of several sizes", "one original size", found)
        size = sizes[0] if sizes else None
        self.look(shapes, size)
        return ShapeMask(shapes, self.naming.classes.unpainted_id, size, place, orientation)

    def _shapes(self, place: str, regions: list[_Region], sizes: list[Size]) -> Iterator[Shape]:
        for region in regions:
            if not region.kind:
                self.left_out["what is said of the whole image"] += 1
                continue
            if region.kind in _UNPAINTED:
                self.left_out[region.kind] += 1
                continue
            try:
                size = size_from(region.row.get("original_height"), region.row.get("original_width"))
                if size is None or region.row.get("image_rotation"):
                    raise ValueError("no original size, or an image that was turned by hand")
                sizes.append(size)
                shape = self._shape(region, size)
            except ValueError as error:
                where = f"{place}: region {region.row.get('id')}"
                self.unreadable(where, region.kind, error, "the values Label Studio writes, and one label")
                continue
            if shape is None:
                self.left_out["empty brush mask"] += 1
            else:
                yield shape

    def _shape(self, region: _Region, size: Size) -> Shape | None:
        if len(region.labels) != 1:
            raise ValueError(f"{len(region.labels)} labels: {few(region.labels) or 'none'}")
        class_id, facts = self.naming.ids[region.labels[0]], ObjectFacts(attributes=region.said)
        if region.kind == "brush":
            painted = unpacked_alpha(_stream(region.value["rle"]), size) >= self.cut
            return runs_shape(painted, class_id, facts=facts)
        return Outlines(class_id, (_outline(region.kind, region.value, size),), facts=facts)

    def notes(self) -> Iterator[str]:
        yield from super().notes()
        if self.unlabelled:
            yield f"{self.place}: {self.unlabelled} tasks have no annotation and were left out"
        if self.others:
            yield f"{self.place}: {self.others} further annotations were not read (option annotator)"
        if self.predictions:
            yield f"{self.place}: predictions of {self.predictions} tasks were not read"


def _annotators(row: Mapping[str, Any]) -> list[str]:
    by = row.get("completed_by")
    return [str(value) for value in by.values()] if isinstance(by, dict) else [str(by)]


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _kind(value: Mapping[str, Any]) -> str:
    """What a value draws; "" where it only says something."""
    if "rle" in value:
        return "brush"
    if "points" in value:
        return "polygon"
    if "radiusX" in value:
        return "ellipse"
    if {"x", "y", "width", "height"} <= value.keys():
        return "keypoint" if "keypointlabels" in value else "rectangle"
    return next((kind for kind in _UNPAINTED if kind in value or f"{kind}labels" in value), "")


def _stream(rle: object) -> bytes:
    if not isinstance(rle, list):
        raise ValueError(f"run lengths are {shown(rle)}, not a list of bytes")
    try:
        return bytes(rle)
    except (TypeError, ValueError):
        raise ValueError("run lengths are not numbers 0-255") from None


def _outline(kind: str, value: Mapping[str, Any], size: Size) -> Points:
    if kind == "polygon":
        if value.get("closed") is False:
            raise ValueError("a polygon that was not closed")
        return in_pixels(points_from(value["points"]), size)
    x, y, turn = (number(value.get(key, 0)) for key in ("x", "y", "rotation"))
    if kind == "ellipse":
        radii = in_pixels(np.array([[number(value["radiusX"]), number(value.get("radiusY"))]]), size)[0]
        centre = in_pixels(np.array([[x, y]]), size)[0]
        outline = ellipse_outline((centre[0], centre[1]), (abs(radii[0]), abs(radii[1])))
        return _turned(outline, centre, turn)
    width, height = number(value["width"]), number(value["height"])
    corners = in_pixels(np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]]), size)
    return _turned(corners, corners[0], turn)


def _turned(points: Points, about: Points, degrees: float) -> Points:
    """Points turned clockwise about a point, in pixels: Label Studio turns a rectangle about its first corner."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (points - about) @ np.array([[cosine, sine], [-sine, cosine]]) + about


LABEL_STUDIO = Format(
    recognise,
    read,
    {
        "annotations": "the JSON file, relative to the root, where there are several",
        "images": "folder that the image names are relative to",
        "annotator": "e-mail address or id of the annotator whose annotation is read",
        "cut": "alpha from which a brush mask is painted (128)",
        "map": "labels to rename: [glare=void, deep scratch=scratch]",
        "mask_orientation": "upright (default), stored or auto: how EXIF-turned images were annotated",
    },
    write=write,
    carries=CARRIES,
    write_options=WRITE_OPTIONS,
)
