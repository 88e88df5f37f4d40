"""Open Images segmentation: a CSV of objects, and one mask PNG an object."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from segwright.core import (
    ClassSpec,
    ClassTable,
    ConfigError,
    DataError,
    Listener,
    Problem,
    few,
    raise_collected,
    tracked,
)
from segwright.data.codecs.writing import write_values
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import name_classes
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.object_numbers import objects_of
from segwright.data.formats.placing import place_image
from segwright.data.images import ImageFile
from segwright.data.listing import Listing, stem_of
from segwright.data.object_files import ObjectFile, ObjectFiles
from segwright.data.workers import in_threads

_ENDING = "annotations-object-segmentation.csv"
_DESCRIPTIONS = "class-descriptions"
_COLUMNS = ("MaskPath", "ImageID", "LabelName")


def recognise(listing: Listing) -> str | None:
    """A CSV named *-annotations-object-segmentation.csv."""
    files = _lists(listing)
    return f"objects of Open Images in {few(files)}" if files and listing.images else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the images that have masks; objects may overlap.

    Images without masks are left out and counted: Open Images does not annotate every object of an image, and such an
    image is not empty. Masks of another size than their image are refused, unless `fit_masks` is set.

    Raises:
        DataError: no list, lists that cannot be read, or no image that is there; every finding at once.
        ConfigError: classes that a given table does not name.
    """
    lists = _lists(listing)
    rows = [row for name in lists for row in _rows(listing.path(name))]
    displayed = _descriptions(listing)
    names = list(dict.fromkeys(displayed.get(row["LabelName"], row["LabelName"]) for row in rows))
    table = classes or _own(names)
    naming = name_classes(dict.fromkeys(names), table, options, few(lists))
    raise_collected(naming.problems, ConfigError)
    masks = {PurePosixPath(name).name: name for name in listing.images}
    objects: dict[str, list[ObjectFile]] = defaultdict(list)
    missing = []
    for row in rows:
        mask = masks.get(PurePosixPath(row["MaskPath"]).name)
        if mask is None:
            missing.append(row["MaskPath"])
        else:
            class_id = naming.ids[displayed.get(row["LabelName"], row["LabelName"])]
            objects[row["ImageID"]].append(ObjectFile(listing.path(mask), class_id))
    frames, gone = _frames(listing, objects, table, options, {*masks.values()})
    if not frames:
        raise DataError.of(
            str(listing.root),
            "names no image that is there with its masks",
            allowed=f"images ImageID.jpg and the files under MaskPath of *-{_ENDING}",
            found=f"{len(gone)} images and {len(missing)} masks are missing",
            fix="unpack images and masks below the folder of the CSV files",
        )
    notes = _notes(listing, frames, missing, gone)
    return Dataset(listing.root, table, tuple(frames), "open_images", tuple(notes))


def _own(names: list[str]) -> ClassTable:
    things = (ClassSpec(at, name, "thing") for at, name in enumerate(sorted(names), start=1))
    return ClassTable((ClassSpec(0, "background"), *things), 255 if len(names) < 255 else 65535, "background")


def _frames(
    listing: Listing, objects: dict[str, list[ObjectFile]], table: ClassTable, options: Options, masks: set[str]
) -> tuple[list[Frame], list[str]]:
    """A frame for each image that is there, and the ids of those that are not."""
    of_masks = {one.path for files in objects.values() for one in files}
    images: dict[str, str] = {}
    for name in masks:
        if listing.path(name) not in of_masks:
            stem = stem_of(name)
            images[stem.removeprefix("images/")] = name
            images.setdefault(PurePosixPath(stem).name, name)
    orientation, fitted = orientation_of(options), bool(options.get("fit_masks"))
    frames = [
        Frame(
            image_id,
            ImageFile(listing.path(images[image_id])),
            ObjectFiles(tuple(files), table.unpainted_id, 128, orientation, fitted),
        )
        for image_id, files in sorted(objects.items())
        if image_id in images
    ]
    return frames, sorted(objects.keys() - images.keys())


def _notes(listing: Listing, frames: list[Frame], missing: list[str], gone: list[str]) -> list[str]:
    notes = [f"{len(missing)} mask files are not there and were left out: {few(missing)}"] if missing else []
    notes += [f"{len(gone)} images with masks are not there and were left out: {few(gone)}"] if gone else []
    surplus = _unused(listing, frames)
    notes += [f"{len(surplus)} images have no masks and were left out: {few(surplus)}"] if surplus else []
    return notes


def _unused(listing: Listing, frames: list[Frame]) -> list[str]:
    """The pictures that are no frame's image or mask."""
    used = {frame.image.path for frame in frames}
    used |= {path for frame in frames if frame.mask is not None for path in frame.mask.files}
    return [name for name in listing.images if listing.path(name) not in used]


def _lists(listing: Listing) -> list[str]:
    return [name for name in listing.files if name.endswith(_ENDING)]


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        found, fix = str(error), "copy it again from the set"
        raise DataError.of(str(path), "is not a readable CSV", allowed="UTF-8", found=found, fix=fix) from error
    problems = [
        Problem(f"{path}:{at}", "is no row of an object", ", ".join(_COLUMNS), str(row)[:80], "copy the file again")
        for at, row in enumerate(rows, start=2)
        if not all(row.get(name) for name in _COLUMNS)
    ]
    raise_collected(problems)
    return rows


def _descriptions(listing: Listing) -> dict[str, str]:
    """Label names (/m/01g317) -> the names people read."""
    found: dict[str, str] = {}
    for name in listing.files:
        if _DESCRIPTIONS in PurePosixPath(name).name and name.endswith(".csv"):
            with listing.path(name).open(newline="", encoding="utf-8-sig", errors="replace") as file:
                found |= {row[0]: row[1] for row in csv.reader(file) if len(row) > 1}
    names = list(found.values())
    return {label: name if names.count(name) == 1 else f"{name} ({label})" for label, name in found.items()}


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """images/, masks/STEM_NNNNN.png, annotations-object-segmentation.csv and class-descriptions.csv.

    Raises:
        DataError: frames whose labels do not say which pixel is which object.
    """
    rows = [[*_COLUMNS, "BoxID", "BoxXMin", "BoxXMax", "BoxYMin", "BoxYMax", "PredictedIoU", "Clicks"]]
    placed = in_threads(lambda frame: list(_placed(dataset, frame, folder)), dataset.frames)
    for found in tracked(placed, listener, "writing", len(dataset)):
        rows += found
    for name, lines in (
        (_ENDING, rows),
        (
            f"{_DESCRIPTIONS}.csv",
            [["LabelName", "DisplayName"], *([_label(spec), spec.name] for spec in dataset.classes)],
        ),
    ):
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(lines)


def _label(spec: ClassSpec) -> str:
    return f"/m/{spec.class_id}"


def _placed(dataset: Dataset, frame: Frame, folder: Path) -> Iterator[list[str]]:
    place_image(frame, folder / "images")
    objects = None if frame.mask is None else objects_of(dataset, frame)
    if frame.mask is not None and objects is None:
        rule = "has labels that say which class a pixel is, and no objects"
        fix = "write the format index_png, or make objects with instances_from_label_map"
        raise DataError.of(str(frame.image), rule, allowed="a frame with objects", found="class ids", fix=fix)
    labels = {spec.class_id: _label(spec) for spec in dataset.classes}
    size = frame.image.shape().size
    for at, one in enumerate((one for one in objects or () if not one.crowd), start=1):
        name = f"{frame.stem.replace('/', '_')}_{at:05d}.png"
        write_values(folder / "masks" / name, one.over(size).astype(np.uint8) * 255)
        box = (
            one.box.left / size.width,
            one.box.right / size.width,
            one.box.top / size.height,
            one.box.bottom / size.height,
        )
        yield [name, frame.stem, labels[one.class_id], f"{at:08x}", *(f"{part:.6f}" for part in box), "", ""]


OPEN_IMAGES = Format(
    recognise,
    read,
    {
        "fit_masks": "true: masks of another size than their image are brought to it, nearest pixel",
        "map": "names to rename: [Person=person]",
        "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
    },
    write,
    frozenset({"objects", "overlap"}),
)
