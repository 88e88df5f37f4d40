"""Maps of object numbers: one file an image whose values are objects, 0 background, of 8 or 16 bits."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

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
from segwright.data.class_files import CLASS_FILES, means_void, read_class_file
from segwright.data.codecs.writing import write_values
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import name_classes
from segwright.data.formats.format import Format, Options, id_of, orientation_of, renamings
from segwright.data.formats.object_numbers import numbered, objects_of
from segwright.data.formats.pairs import Pairing, pair_by_folder
from segwright.data.formats.placing import place_image
from segwright.data.id_maps import Labels, Meaning, Meanings, MeaningTable, ObjectNumbers, ValueRaster
from segwright.data.images import ImageFile
from segwright.data.listing import Listing, stem_of
from segwright.data.workers import in_threads

FOLDER = "instance_maps"
LIST = "instances.csv"
_FOLDERS = {FOLDER: "images", "instances": "images", "instance": "image_2"}  # our own; MOTS; KITTI
_HEADER = ["number", "image", "class", "object"]
_YES = {"1": True, "0": False, "yes": True, "no": False, "true": True, "false": False}


def recognise(listing: Listing) -> str | None:
    """Images with a folder instance_maps/, instances/ (MOTS) or instance/ (KITTI) beside theirs."""
    pairs = len(_beside(listing).pairs)
    return f"{pairs} images with maps of object numbers beside them" if pairs else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of objects that cannot overlap; 0 is background, or void where the class table has none.

    The class of a number is said, in this order, by `divisor` (class = number // divisor; no object where nothing
    remains), by `ranges`, by a list instances.csv in the folder of the maps (number, image, class, object), or is
    `class_name` for all.

    Raises:
        DataError: no pairs, two files of one name, or a list that contradicts itself.
        ConfigError: a class that a given table does not name, or settings that contradict each other.
    """
    named = options.get("images"), options.get("masks")
    pairing = pair_by_folder(listing, *named) if all(named) else _beside(listing)
    raise_collected(pairing.problems)
    if not pairing.pairs:
        raise DataError.of(
            str(listing.root),
            "has no image with a map of object numbers",
            allowed=f"images/ beside {FOLDER}/ or instances/",
            found=f"{len(listing.images)} image files in {', '.join(list(listing.by_folder)[:8]) or 'no folder'}",
            fix="name the folders: `options: {images: FOLDER, masks: FOLDER}`",
        )
    table, meanings = _meanings(listing, pairing, classes, options)
    orientation = orientation_of(options)
    hint = "list the number, or rename it: `options: {map: [10000=void]}`"
    frames = tuple(
        Frame(
            stem,
            ImageFile(listing.path(image)),
            ObjectNumbers(Labels(ValueRaster(listing.path(mask), orientation), meanings[stem], hint)),
        )
        for stem, (image, mask) in pairing.pairs.items()
    )
    return Dataset(listing.root, table, frames, "instance_maps", tuple(pairing.notes()))


def _beside(listing: Listing) -> Pairing:
    for masks, images in _FOLDERS.items():
        for folder in listing.by_folder:
            parts = PurePosixPath(folder).parts
            at = next((at for at, part in enumerate(parts) if part == masks), None)
            if at is not None:
                above = parts[:at]
                pairing = pair_by_folder(listing, "/".join([*above, images]), "/".join([*above, masks]))
                if pairing.pairs:
                    return pairing if not above else _prefixed(listing, masks, images)
    return Pairing({})


def _prefixed(listing: Listing, masks: str, images: str) -> Pairing:
    """Pairs of every folder that has both, their stems told apart by what stands before."""
    pairs: dict[str, tuple[str, str]] = {}
    alone: tuple[list[str], list[str]] = ([], [])
    problems: list[Problem] = []
    above = sorted({PurePosixPath(*path[: path.index(masks)]) for path in _paths(listing) if masks in path})
    for folder in above:
        one = pair_by_folder(listing, str(folder / images), str(folder / masks))
        pairs |= {str(folder / stem): pair for stem, pair in one.pairs.items()}
        alone[0].extend(one.images_alone)
        alone[1].extend(one.masks_alone)
        problems += one.problems
    return Pairing(pairs, tuple(alone[0]), tuple(alone[1]), tuple(problems))


def _paths(listing: Listing) -> list[tuple[str, ...]]:
    return [PurePosixPath(folder).parts for folder in listing.by_folder]


@dataclass(frozen=True)
class NumberRanges:
    """What numbers mean: those renamed one by one, then by ranges, or by division."""

    known: Mapping[int, Meaning]
    ranges: tuple[tuple[int, int, int], ...] = ()
    divisor: int = 0
    class_of: Mapping[int, int] | None = None

    def of(self, number: int) -> Meaning | None:
        """The meaning of a number."""
        if number in self.known:
            return self.known[number]
        if self.divisor:
            class_id = (self.class_of or {}).get(number // self.divisor)
            return None if class_id is None else Meaning(class_id, number % self.divisor or None)
        return next((Meaning(one, number) for low, high, one in self.ranges if low <= number <= high), None)

    def allowed(self) -> str:
        """The ranges."""
        if self.divisor:
            return f"{self.divisor} x class + object, of the classes {few([str(one) for one in self.class_of or {}])}"
        return ", ".join([*(f"{low}-{high}" for low, high, _ in self.ranges), *(str(number) for number in self.known)])


def _meanings(
    listing: Listing, pairing: Pairing, given: ClassTable | None, options: Options
) -> tuple[ClassTable, Mapping[str, Meanings]]:
    """The class table, and for each frame what its numbers mean."""
    if "divisor" in options:
        table = given or _named_beside(listing)
        known = _renamed(options, table)
        class_of = {class_id: class_id for class_id in table.ids}
        meanings = NumberRanges(known, (), _divisor(options["divisor"]), class_of)
        return table, dict.fromkeys(pairing.pairs, meanings)
    path = next((listing.path(name) for name in listing.files if PurePosixPath(name).name == LIST), None)
    if path is not None and "ranges" not in options:
        return _listed(path, pairing, given, options)
    _check_said(listing, pairing, options)
    ranges = _ranges(options.get("ranges") or {str(options.get("class_name", "object")): "1-4294967295"})
    table = given or _own([name for name, _, _ in ranges])
    naming = name_classes(dict.fromkeys(name for name, _, _ in ranges), table, {}, "options: ranges")
    raise_collected(naming.problems, ConfigError)
    by_id = tuple((low, high, naming.ids[name]) for name, low, high in ranges)
    return table, dict.fromkeys(pairing.pairs, NumberRanges(_renamed(options, table), by_id))


def _check_said(listing: Listing, pairing: Pairing, options: Options) -> None:
    """Refuse to take numbers for plain objects where MOTS and KITTI put classes into them and nobody says how."""
    folders = {part for _, mask in pairing.pairs.values() for part in PurePosixPath(mask).parts[:-1]}
    if {"ranges", "class_name"} & options.keys() or not folders & {"instances", "instance"}:
        return
    raise ConfigError.of(
        str(listing.root),
        "has maps of object numbers, and nobody says which class a number is",
        allowed=f"the option class_name, divisor or ranges, or a list {FOLDER}/{LIST}",
        found="none of them",
        fix="set `options: {class_name: nucleus}` for objects of one class, `options: {divisor: 1000}` for MOTS, 256 "
        "for KITTI",
    )


def _own(names: list[str]) -> ClassTable:
    things = [ClassSpec(at, name, "thing") for at, name in enumerate(dict.fromkeys(names), start=1)]
    return ClassTable((ClassSpec(0, "background"), *things), background="background")


def _named_beside(listing: Listing) -> ClassTable:
    path = next((listing.path(name) for name in listing.files if PurePosixPath(name).name in CLASS_FILES), None)
    if path is not None:
        return read_class_file(path)
    raise ConfigError.of(
        str(listing.root),
        "has no class table: nobody says what the classes of the numbers are",
        allowed="`classes:` in segwright.yaml, or a file classes.txt with lines such as `24 person`",
        found="the option divisor alone",
        fix="write classes.txt, a line `NUMBER NAME` for each class",
    )


def _renamed(options: Options, table: ClassTable) -> dict[int, Meaning]:
    """0 is what nobody painted; then the option `map`."""
    known = {0: Meaning(table.unpainted_id)} if "divisor" not in options or 0 not in table.ids else {}
    for found, becomes in renamings(options.get("map")).items():
        if not found.isdigit():
            fix = "write the number that stands in the maps first: map: [10000=void]"
            raise ConfigError.of("options: map", "renames no number", allowed="[10000=void]", found=found, fix=fix)
        known[int(found)] = Meaning(id_of(becomes, table))
    return known


def _divisor(value: object) -> int:
    if isinstance(value, int) and value > 1:
        return value
    fix = "MOTS and Cityscapes: 1000; KITTI and Mapillary: 256"
    raise ConfigError.of("options: divisor", "is none", allowed="a whole number from 2", found=str(value), fix=fix)


def _ranges(value: object) -> list[tuple[str, int, int]]:
    """`{nucleus: 1-999, cell: 1000-1999}` as (name, first, last)."""
    found: list[tuple[str, int, int]] = []
    for name, text in value.items() if isinstance(value, Mapping) else ():
        low, _, high = str(text).partition("-")
        if low.strip().isdigit() and (high.strip() or low.strip()).isdigit():
            found.append((str(name), int(low), int(high.strip() or low)))
    ordered = sorted(found, key=lambda one: one[1])
    apart = all(before[2] < after[1] for before, after in pairwise(ordered))
    if isinstance(value, Mapping) and len(found) == len(value) and apart and all(low <= high for _, low, high in found):
        return found
    fix = "write each class with its first and last number"
    allowed = "{nucleus: 1-999, cell: 1000-1999}, apart from each other"
    raise ConfigError.of("options: ranges", "are no ranges of numbers", allowed=allowed, found=str(value)[:80], fix=fix)


def _listed(
    path: Path, pairing: Pairing, given: ClassTable | None, options: Options
) -> tuple[ClassTable, Mapping[str, Meanings]]:
    """Meanings from a CSV with the columns number, image, class and (optional) object."""
    rows = _rows(path)
    names = list(dict.fromkeys(row["class"] for row in rows))
    table = given or _own([name for name in names if not means_void(name) and name.lower() != "background"])
    naming = name_classes(dict.fromkeys(names), table, options, str(path))
    raise_collected(naming.problems, ConfigError)
    unpainted = {0: Meaning(table.unpainted_id)}
    by_stem: dict[str, dict[int, Meaning]] = defaultdict(lambda: dict(unpainted))
    problems: list[Problem] = []
    for at, row in enumerate(rows, start=2):
        stem, number, class_id = _of_pairing(row["image"], pairing), int(row["number"]), naming.ids[row["class"]]
        if number in by_stem[stem] and number:
            problems.append(Problem(f"{path}:{at}", "lists a number a second time", "once", str(number), "remove one"))
        thing = _YES[row.get("object", "yes").lower()] and class_id not in (table.background_id, table.void_id)
        by_stem[stem][number] = Meaning(class_id, number if thing else None)
    raise_collected(problems)
    found = ((stem, by_stem[stem]) for stem in pairing.pairs)
    return table, {stem: MeaningTable(known, f"the {len(known)} numbers of {path.name}") for stem, known in found}


def _of_pairing(image: str, pairing: Pairing) -> str:
    return image if image in pairing.pairs else stem_of(image)


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        found, fix = str(error), "save it again as UTF-8, comma separated"
        raise DataError.of(str(path), "is not a readable CSV", allowed="UTF-8", found=found, fix=fix) from error
    problems = [
        Problem(
            f"{path}:{at}",
            "is no row of a list of objects",
            "a number, an image, a class; object: yes or no",
            ",".join(str(value) for value in row.values())[:80],
            f"write the columns {', '.join(_HEADER)}",
        )
        for at, row in enumerate(rows, start=2)
        if not (str(row.get("number", "")).isdigit() and row.get("image") and row.get("class"))
        or str(row.get("object", "yes")).lower() not in _YES
    ]
    raise_collected(problems)
    return rows


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """images/STEM.*, instance_maps/STEM.png of 16 bits and instance_maps/instances.csv with each number's class.

    Void and pixels of a class that belong to no object have numbers too, marked in the list as no object.

    Raises:
        DataError: more than 65,534 objects in a frame.
    """
    rows: list[list[str]] = []
    placed = in_threads(lambda frame: _placed(dataset, frame, folder), dataset.frames)
    for found in tracked(placed, listener, "writing", len(dataset)):
        rows += found
    (folder / FOLDER).mkdir(exist_ok=True)
    with (folder / FOLDER / LIST).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([_HEADER, *rows])


def _placed(dataset: Dataset, frame: Frame, folder: Path) -> list[list[str]]:
    place_image(frame, folder / "images")
    if frame.mask is None:
        return []
    labels, objects = dataset.read_labels(frame), objects_of(dataset, frame)
    names = {**{spec.class_id: spec.name for spec in dataset.classes}, dataset.classes.void_id: "void"}
    numbers, rows = np.zeros(labels.ids.shape, np.uint32), []
    if objects is not None:
        numbers, found = numbered(labels, objects)
        rows = [[str(at), frame.stem, names[one.class_id], "yes"] for at, one in enumerate(found, start=1)]
    left = (numbers == 0) & (labels.ids != dataset.classes.unpainted_id)
    for class_id in np.unique(labels.ids[left]).tolist():
        rows.append([str(len(rows) + 1), frame.stem, names[class_id], "no"])
        numbers[left & (labels.ids == class_id)] = len(rows)
    if len(rows) > 65535:
        fix = "write the format coco_panoptic, which numbers objects with 24 bits"
        rule, found = "has more objects than 16 bits hold", str(len(rows))
        raise DataError.of(str(frame.image), rule, allowed="up to 65,535 a frame", found=found, fix=fix)
    write_values(folder / FOLDER / f"{frame.stem}.png", numbers.astype(np.uint16))
    return rows


INSTANCE_MAPS = Format(
    recognise,
    read,
    {
        "class_name": "name of the class of all objects (object), where nothing else says it",
        "ranges": "classes by number: {nucleus: 1-999, cell: 1000-1999}",
        "divisor": "class = number // divisor: 1000 for MOTS, 256 for KITTI",
        "map": "numbers, or classes of the list, to rename: [10000=void]",
        "images": "folder of the images, where its name does not tell",
        "masks": "folder of the maps, where its name does not tell",
        "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
    },
    write,
    frozenset({"void", "objects"}),
)
