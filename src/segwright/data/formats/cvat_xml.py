"""CVAT for images 1.1: polygons, polylines, boxes, ellipses and brush masks in one XML.

Shapes of one label and one group are one object. An attribute `is_crowd` that is true makes a crowd, as in CVAT's own
COCO import; `brush_px` on a polyline is the width of its brush.

Source: docs.cvat.ai, "XML annotation format", version 1.1; mask runs go row by row inside their box, unpainted first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from segwright.core import Box, ClassTable, ConfigError, DataError, Size, few, raise_collected
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import (
    ImageFinder,
    Naming,
    choose_file,
    image_notes,
    name_classes,
    require_images,
)
from segwright.data.formats.cvat_xml_writing import CARRIES, CROWD, WIDTH, WRITE_OPTIONS, write
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.reading_shapes import FARTHEST_PX, Findings, load_xml, number_in
from segwright.data.formats.signature import files_like, start_of
from segwright.data.images import ImageFile
from segwright.data.listing import Listing, stem_of
from segwright.data.rasterise import BRUSH_PX, Points, ellipse_outline, turned
from segwright.data.shapes import ObjectFacts, Outlines, Runs, Shape, ShapeMask, Stroke

_UNPAINTED_KINDS = ("points", "cuboid", "skeleton", "tag")
_UNPAINTED_TYPES = ("skeleton", "points", "tag", "cuboid")


def recognise(listing: Listing) -> str | None:
    """Which CVAT files there are, or None."""
    files = _candidates(listing)
    return f"CVAT annotations in {few(files)}" if files else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the images a CVAT export lists; shapes are painted by z_order, then as they stand in the file.

    A polyline is painted with a round brush of `brush_px` (3), a crowd as void. A label called void, ignore or
    unlabelled is void. An image without shapes is background all over, and counted. Points, cuboids, skeletons and tags
    paint nothing, and are counted.

    Raises:
        DataError: not CVAT for images, an XML bomb, or shapes that cannot be read; every finding at once.
        ConfigError: labels outside a given class table.
    """
    name = choose_file(listing, options, _candidates(listing), "CVAT for images 1.1 XML")
    root = _load(listing.path(name))
    naming = name_classes(_labels(root), classes, options, name)
    raise_collected(naming.problems, ConfigError)
    reading = _Reading(name, naming=naming, brush_px=_brush(options))
    finder = ImageFinder(listing, options.get("images"))
    orientation = orientation_of(options, "upright")  # CVAT shows and annotates turned images upright
    frames, used, missing = [], [], []
    for image in root.iter("image"):
        found = finder.find(image.get("name", ""))
        if found is None:
            missing.append(image.get("name", ""))
            continue
        used.append(found)
        place = f"{name}: {image.get('name')}"
        size = reading.size(image, place)
        shapes = reading.shapes(image, place)
        reading.look(shapes, size)
        mask = ShapeMask(shapes, naming.classes.unpainted_id, size, place, orientation)
        frames.append(Frame(stem_of(image.get("name", "").replace("\\", "/")), ImageFile(listing.path(found)), mask))
    raise_collected(reading.problems)
    require_images(frames, missing, listing.path(name))
    frames.sort(key=lambda frame: frame.stem)
    notes = [*image_notes(listing, used, missing, name), *reading.notes()]
    return Dataset(listing.root, naming.classes, tuple(frames), "cvat_xml", tuple(notes))


def _candidates(listing: Listing) -> list[str]:
    return files_like(listing, ".xml", _looks_like_cvat)


def _looks_like_cvat(path: Path) -> bool:
    start = start_of(path, 65536)
    return b"<annotations" in start and (b"<image" in start or b"<meta" in start)


def _load(path: Path) -> Element:
    what = "a CVAT for images 1.1 export"
    root = load_xml(path, what)
    if root is None or root.tag != "annotations":
        raise DataError.of(
            str(path),
            "is not from CVAT",
            allowed=what,
            found="nothing" if root is None else f"<{root.tag}>",
            fix="export the task as CVAT for images 1.1",
        )
    if root.find("track") is not None:
        raise DataError.of(
            str(path),
            "is CVAT for video",
            allowed=what,
            found="<track> elements",
            fix="export the task as 'CVAT for images 1.1': it writes the same shapes frame by frame",
        )
    return root


def _labels(root: Element) -> dict[str, int | None]:
    """The labels of the task in their order, or those the shapes use where the file has no list."""
    listed = [
        (label.findtext("name") or "").strip()
        for label in root.iterfind("./meta//labels/label")
        if label.find("parent") is None and label.findtext("type") not in _UNPAINTED_TYPES
    ]
    used = [shape.get("label", "") for image in root.iter("image") for shape in image if shape.tag in _PAINTERS]
    return dict.fromkeys(name for name in [*listed, *used] if name)


def _brush(options: Options) -> float:
    value = options.get("brush_px", BRUSH_PX)
    if not isinstance(value, int | float) or value <= 0:
        raise ConfigError.of(
            "options: brush_px",
            "is no brush width",
            allowed="a number of pixels above 0",
            found=str(value),
            fix="leave it out for 3 px, or give the width the line has in the frames",
        )
    return float(value)


@dataclass
class _Reading(Findings):
    """What was found while one file is read."""

    naming: Naming = field(kw_only=True)
    brush_px: float = field(kw_only=True)
    crowds: int = 0

    def shapes(self, image: Element, place: str) -> tuple[Shape, ...]:
        """The shapes of an image in painting order."""
        drawn: list[tuple[int, Shape]] = []
        for element in image:
            if element.tag in _UNPAINTED_KINDS:
                self.left_out[element.tag] += 1
            elif element.tag in _PAINTERS:
                try:
                    drawn.append((int(element.get("z_order") or 0), self._shape(element)))
                except (KeyError, ValueError) as error:
                    self.unreadable(place, element.tag, error, "the attributes CVAT writes")
        return tuple(shape for _, shape in sorted(drawn, key=lambda pair: pair[0]))

    def _shape(self, element: Element) -> Shape:
        class_id = self.naming.ids[element.attrib["label"]]
        said = {one.get("name", ""): one.text or "" for one in element.iterfind("attribute")}
        width = number_in(said.pop(WIDTH), "a brush") if element.tag == "polyline" and WIDTH in said else self.brush_px
        crowd = said.pop(CROWD, "").lower() == "true"
        if element.get("occluded") == "1":
            said["occluded"] = "true"
        group = element.get("group_id") or "0"
        painted = self.naming.classes.void_id if crowd else class_id
        facts = ObjectFacts(None if group == "0" else group, crowd, class_id if crowd else None, said)
        self.crowds += crowd
        return replace(_PAINTERS[element.tag](element.attrib, painted, width), facts=facts)

    def size(self, image: Element, place: str) -> Size | None:
        try:
            return Size(int(image.attrib["height"]), int(image.attrib["width"]))
        except (KeyError, ValueError) as error:
            self.refuse(place, "has no size", 'width="W" height="H"', str(error), "export it again")
            return None

    def notes(self) -> Iterator[str]:
        yield from super().notes()
        if self.crowds:
            yield f"{self.place}: {self.crowds} crowd regions are void (attribute {CROWD})"


def _points(text: str) -> Points:
    pairs = [[float(part) for part in pair.split(",")] for pair in text.split(";") if pair]
    if not pairs or any(len(pair) != 2 or not all(abs(part) < FARTHEST_PX for part in pair) for pair in pairs):
        raise ValueError(f"points are 'x,y;x,y;...', got {text[:60]!r}")
    return np.array(pairs)


def _polygon(attributes: Mapping[str, str], class_id: int, _brush_px: float) -> Shape:
    points = _points(attributes["points"])
    if len(points) < 3:
        raise ValueError(f"{len(points)} points, not at least 3")
    return Outlines(class_id, (points,))


def _polyline(attributes: Mapping[str, str], class_id: int, brush_px: float) -> Shape:
    return Stroke(class_id, _points(attributes["points"]), brush_px)


def _box(attributes: Mapping[str, str], class_id: int, _brush_px: float) -> Shape:
    left, top, right, bottom = (attributes[name] for name in ("xtl", "ytl", "xbr", "ybr"))
    corners = _points(f"{left},{top};{right},{top};{right},{bottom};{left},{bottom}")
    return Outlines(class_id, (turned(corners, float(attributes.get("rotation", 0))),))


def _ellipse(attributes: Mapping[str, str], class_id: int, _brush_px: float) -> Shape:
    (centre, radii) = _points("{cx},{cy};{rx},{ry}".format(**attributes))
    outline = ellipse_outline((centre[0], centre[1]), (radii[0], radii[1]))
    return Outlines(class_id, (turned(outline, float(attributes.get("rotation", 0))),))


def _mask(attributes: Mapping[str, str], class_id: int, _brush_px: float) -> Shape:
    left, top, width, height = (int(float(attributes[name])) for name in ("left", "top", "width", "height"))
    runs = tuple(int(run) for run in attributes["rle"].split(","))
    if width < 1 or height < 1 or min(runs) < 0 or sum(runs) != width * height:
        raise ValueError(f"runs cover {sum(runs)} pixels of a box of {width}x{height}")
    return Runs(class_id, runs, Box(top, left, top + height, left + width), by_column=False)


_PAINTERS: dict[str, Callable[[Mapping[str, str], int, float], Shape]] = {
    "box": _box,
    "ellipse": _ellipse,
    "mask": _mask,
    "polygon": _polygon,
    "polyline": _polyline,
}

CVAT_XML = Format(
    recognise,
    read,
    {
        "annotations": "the XML file, relative to the root, where there are several",
        "images": "folder that the image names are relative to",
        "brush_px": "width of the brush that paints polylines (3)",
        "map": "labels to rename: [glare=void, deep scratch=scratch]",
        "mask_orientation": "upright (default), stored or auto: how EXIF-turned images were annotated",
    },
    write=write,
    carries=CARRIES,
    write_options=WRITE_OPTIONS,
)
