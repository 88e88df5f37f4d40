"""YOLO segmentation: a text file an image, a polygon a line, coordinates as shares of the frame's width and height.

Larger polygons are painted below smaller ones, as Ultralytics does for masks that overlap and for semantic masks made
of polygons. An image without a text file, or with an empty one, is background all over.

Source: docs.ultralytics.com/datasets/segment and /datasets/semantic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from segwright.core import ClassTable, ConfigError, SegwrightError, Size, few, raise_collected
from segwright.data.class_files import CLASS_FILES, read_class_file
from segwright.data.codecs import FrameShape
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import Naming, choose_file, name_classes, require_images
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.reading_shapes import Findings, shown
from segwright.data.formats.yolo_seg_writing import CARRIES, WRITE_OPTIONS, area_of, in_pixels, write
from segwright.data.formats.yolo_yaml import YoloSet, beside, read_yaml, settings_of, stem_without, yaml_files
from segwright.data.given_parts import PART
from segwright.data.images import ImageFile
from segwright.data.listing import Listing
from segwright.data.shapes import Outlines, Shape, ShapeMask
from segwright.data.workers import in_threads

_BOXES = ("refuse", "void", "class")
_SLACK = 0.01  # rounding carries shares a little beyond the frame; more means that they are no shares
_FEWEST = 6


def recognise(listing: Listing) -> str | None:
    """Which dataset YAML names images that have label files, or None."""
    files = _candidates(listing)
    return f"YOLO labels of {few(files)}" if files and _labels(listing) else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the images that a dataset YAML lists, with the column `part` (train, val, test).

    Without a YAML: the images in folders called images with text files in folders called labels, and names from a
    class file. A line of five numbers is a box: refused, or painted as void or as its class by the option `boxes`.

    Raises:
        DataError: lines that are no polygons, indices without a name, shares outside 0 to 1; every finding at once.
        ConfigError: labels outside a given class table.
    """
    found = _set(listing, classes, options)
    naming = name_classes({name: index for index, name in found.names.items()}, classes, options, found.place)
    raise_collected(naming.problems, ConfigError)
    reading = _Reading(found.place, naming=naming, names=found.names, boxes=_boxes(options))
    orientation = orientation_of(options, "upright")
    shapes = _shapes_of_images(listing, list(found.parts))
    labels, frames = {*_labels(listing)}, []
    for image, part in found.parts.items():
        shape = shapes[image]
        name = beside(image, "images", "labels", ".txt")
        drawn = reading.shapes(listing.path(name), name, shape.size) if name in labels else ()
        reading.look(drawn, shape.size)
        mask = ShapeMask(drawn, naming.classes.unpainted_id, shape.size, name, orientation)
        frames.append(Frame(stem_without(image, "images"), ImageFile(listing.path(image)), mask, _columns(part)))
    raise_collected(reading.problems)
    require_images(frames, [], listing.root)
    frames.sort(key=lambda frame: frame.stem)
    notes = [*found.notes, *_left_out(listing, found), *reading.notes()]
    return Dataset(listing.root, naming.classes, tuple(frames), "yolo_seg", tuple(notes))


def _columns(part: str) -> dict[str, str]:
    return {PART: part} if part else {}


def _candidates(listing: Listing) -> list[str]:
    files = yaml_files(listing)
    return [name for name in files if not {"masks_dir", "kpt_shape"} & settings_of(listing.path(name)).keys()]


def _labels(listing: Listing) -> list[str]:
    return [name for name in listing.files if name.endswith(".txt") and "labels" in name.split("/")[:-1]]


def _set(listing: Listing, classes: ClassTable | None, options: Options) -> YoloSet:
    candidates = _candidates(listing)
    if candidates or "annotations" in options:
        return read_yaml(listing, choose_file(listing, options, candidates, "YOLO dataset YAML"))
    images = [name for name in listing.images if "images" in name.split("/")[:-1]]
    beside_it = next((name for name in CLASS_FILES if name in listing.files), None)
    table = classes or (None if beside_it is None else read_class_file(listing.path(beside_it)))
    if table is None:
        raise ConfigError.of(
            str(listing.root),
            "has label files and nothing that names the classes",
            allowed="a dataset YAML with names:, or classes.txt",
            found=f"{len(images)} images",
            fix="write classes.txt, one name a line, in the order of the indices",
        )
    names = dict(enumerate(spec.name for spec in table if spec.name != table.background))
    return YoloSet("labels", names, dict.fromkeys(images, ""), {}, ())


def _boxes(options: Options) -> str:
    value = str(options.get("boxes", "refuse"))
    if value in _BOXES:
        return value
    fix = "set `options: {boxes: refuse}`, or leave it out"
    raise ConfigError.of("options: boxes", "has an unknown value", allowed=", ".join(_BOXES), found=value, fix=fix)


def _shapes_of_images(listing: Listing, images: list[str]) -> dict[str, FrameShape]:
    """The shape of each image: shares become pixels by it.

    Raises:
        DataError: images that cannot be read; all of them.
    """

    def shape(name: str) -> FrameShape | SegwrightError:
        try:
            return ImageFile(listing.path(name)).shape()
        except SegwrightError as error:
            return error

    answers = list(in_threads(shape, images))
    raise_collected([problem for one in answers if isinstance(one, SegwrightError) for problem in one.problems])
    return {name: one for name, one in zip(images, answers, strict=True) if isinstance(one, FrameShape)}


def _left_out(listing: Listing, found: YoloSet) -> Iterator[str]:
    surplus = sorted({*listing.images} - found.parts.keys())
    if surplus:
        yield f"{found.place}: {len(surplus)} image files are of no part and were left out: {few(surplus)}"
    owned = {beside(image, "images", "labels", ".txt") for image in found.parts}
    orphans = sorted({*_labels(listing)} - owned)
    if orphans:
        yield f"{found.place}: {len(orphans)} label files have no image and were left out: {few(orphans)}"


@dataclass
class _Reading(Findings):
    """What was found while the label files are read."""

    naming: Naming = field(kw_only=True)
    names: Mapping[int, str] = field(kw_only=True)
    boxes: str = field(kw_only=True)

    def shapes(self, path: Path, place: str, size: Size) -> tuple[Shape, ...]:
        """The polygons of a file, larger ones first."""
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            self.refuse(place, "is no text file", "UTF-8, a polygon a line", str(error), "export it again")
            return ()
        drawn: list[Outlines] = []
        for at, line in enumerate(text.splitlines(), start=1):
            words = line.split()
            if words:
                try:
                    drawn.append(self._polygon(words, size))
                except ValueError as error:
                    allowed = "an index and at least three pairs x y, each 0 to 1"
                    self.refuse(f"{place}:{at}", "is a line that cannot be read", allowed, str(error), _fix(words))
        drawn.sort(key=lambda polygon: -area_of(polygon.outlines[0]))
        return tuple(drawn)

    def _polygon(self, words: list[str], size: Size) -> Outlines:
        class_id = self._class_id(words[0])
        shares = np.array([_share(word) for word in words[1:]])
        if len(shares) == 4:
            if self.boxes == "refuse":
                raise ValueError("five numbers: a box and no outline")
            (x, y), half = shares[:2], shares[2:] / 2
            ring = np.array([[x, y]]) + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
            class_id = self.naming.classes.void_id if self.boxes == "void" else class_id
        elif len(shares) < _FEWEST or len(shares) % 2:
            raise ValueError(f"{len(shares)} numbers after the index")
        else:
            ring = shares.reshape(-1, 2)
        return Outlines(class_id, (in_pixels(ring, size),))

    def _class_id(self, word: str) -> int:
        index = float(word)
        if index not in self.names:
            raise ValueError(f"class index {shown(word)}, not one of {len(self.names)} names")
        return self.naming.ids[self.names[int(index)]]


def _share(word: str) -> float:
    value = float(word)
    if not -_SLACK <= value <= 1 + _SLACK:
        raise ValueError(f"{shown(word)} is no share of the frame")
    return value


def _fix(words: list[str]) -> str:
    if len(words) == 5:
        return "draw outlines, or set `options: {boxes: void}` (or class) to paint boxes"
    return "divide x by the width and y by the height, or export it again"


YOLO_SEG = Format(
    recognise,
    read,
    {
        "annotations": "the dataset YAML, relative to the root, where there are several",
        "boxes": "refuse (default), void or class: what becomes of a line with a box and no outline",
        "map": "labels to rename: [glare=void, deep scratch=scratch]",
        "mask_orientation": "upright (default), stored or auto: how EXIF-turned images were annotated",
    },
    write=write,
    carries=CARRIES,
    write_options=WRITE_OPTIONS,
)
