"""COCO panoptic: a JSON of segments, and a PNG an image whose colours are their ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from segwright.core import ClassSpec, ClassTable, ConfigError, DataError, Problem, few, raise_collected
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import ImageFinder, choose_file, image_notes, name_classes, require_images
from segwright.data.formats.coco_panoptic_writing import write
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.reading_shapes import load_json
from segwright.data.formats.signature import files_like, holds_all
from segwright.data.id_maps import ColourRaster, Labels, Meaning, MeaningTable, SegmentNumbers
from segwright.data.images import ImageFile
from segwright.data.listing import Listing, stem_of

_KEYS = (b'"annotations"', b'"categories"', b'"segments_info"')
_CROWD = ("void", "class")


def recognise(listing: Listing) -> str | None:
    """Which panoptic JSON files there are, or None; also None where no image lies with them."""
    files = _candidates(listing)
    return f"COCO panoptic segments in {few(files)}" if files and listing.images else None


def is_panoptic_json(path: Path) -> bool:
    """Whether a JSON file lists segments, by its keys."""
    return holds_all(path, _KEYS)


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the annotated images; each segment keeps its id, ids 0 are void.

    Category ids become class ids where they are 0-254 and unique, else are numbered from 0 in order. A crowd is void in
    the label map (`crowd: class` paints its class). Which segments are objects is said by `isthing`.

    Raises:
        DataError: not COCO panoptic JSON, segments that contradict themselves, or no images; every finding at once.
        ConfigError: categories outside a given class table, or an unknown option value.
    """
    name = choose_file(listing, options, _candidates(listing), "COCO panoptic JSON")
    data = _load(listing.path(name))
    table, ids = _naming(data, classes, options, name)
    reading = _Reading(name, ids, _things(data), table.void_id, _painted_void(options))
    finder = ImageFinder(listing, options.get("images"))
    masks = ImageFinder(listing, str(options.get("masks") or PurePosixPath(name).with_suffix("")))
    orientation = orientation_of(options)
    frames, used, missing = [], [], []
    for annotation, image_name in _joined(data, reading):
        found, mask = finder.find(image_name), masks.find(str(annotation["file_name"]))
        meanings = reading.meanings(annotation)
        if found is None or mask is None:
            missing.append(image_name if found is None else str(annotation["file_name"]))
            continue
        used += [found, mask]
        raster = ColourRaster(listing.path(mask), orientation)
        hint = f"list the segment under segments_info of {name}, or paint it black: void"
        labels = Labels(raster, MeaningTable(meanings, _shown(meanings)), hint)
        frames.append(
            Frame(stem_of(image_name.replace("\\", "/")), ImageFile(listing.path(found)), SegmentNumbers(labels))
        )
    raise_collected(reading.problems)
    require_images(frames, missing, listing.path(name))
    frames.sort(key=lambda frame: frame.stem)
    notes = image_notes(listing, used, missing, name)
    return Dataset(listing.root, table, tuple(frames), "coco_panoptic", tuple(notes))


def _candidates(listing: Listing) -> list[str]:
    return files_like(listing, ".json", is_panoptic_json)


def _load(path: Path) -> dict[str, Any]:
    data = load_json(path, "COCO panoptic JSON")
    wanted = {
        "images": ("id", "file_name"),
        "categories": ("id", "name"),
        "annotations": ("image_id", "file_name", "segments_info"),
    }
    fix = "export the set as COCO panoptic; instances are another format: coco_json"
    problems = [
        Problem(
            str(path), f"is not COCO panoptic JSON: '{key}'", f"a list of objects with {', '.join(names)}", "other", fix
        )
        for key, names in wanted.items()
        if not isinstance(data, dict) or not _is_table(data.get(key, [] if key == "images" else None), names)
    ]
    raise_collected(problems)
    return data


def _is_table(rows: object, names: tuple[str, ...]) -> bool:
    """Whether these are objects with all of `names`, whose ids are numbers or text."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) and {*names} <= row.keys() for row in rows):
        return False
    return all(isinstance(row[name], int | str) for row in rows for name in names if name.endswith("id"))


def _naming(
    data: Mapping[str, Any], given: ClassTable | None, options: Options, place: str
) -> tuple[ClassTable, dict[Any, int]]:
    """The class table, and the class id of each category id."""
    categories = data["categories"]
    numbers, names = [row["id"] for row in categories], [str(row["name"]) for row in categories]
    for what, values in (("id", [str(number) for number in numbers]), ("name", names)):
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            rule, fix = f"gives one {what} to two categories", "rename or renumber one of them"
            raise DataError.of(place, rule, allowed=f"each {what} once", found=few(twice), fix=fix)
    fits = all(isinstance(number, int) and 0 <= number <= 254 for number in numbers)
    table = given or ClassTable(
        tuple(
            ClassSpec(
                row["id"] if fits else at, str(row["name"]), "thing" if row.get("isthing") else "stuff", _colour(row)
            )
            for at, row in enumerate(categories)
        ),
        255 if fits or len(categories) <= 255 else 65535,
    )
    used = {segment["category_id"] for row in data["annotations"] for segment in _segments(row)}
    wanted = {str(row["name"]): None for row in categories if given is None or row["id"] in used}
    naming = name_classes(wanted, table, options, place)
    raise_collected(naming.problems, ConfigError)
    return table, {row["id"]: naming.ids[str(row["name"])] for row in categories if str(row["name"]) in naming.ids}


def _colour(row: Mapping) -> tuple[int, int, int] | None:
    parts = row.get("color")
    if not isinstance(parts, list) or len(parts) != 3:
        return None
    return (parts[0], parts[1], parts[2]) if all(isinstance(part, int) and 0 <= part < 256 for part in parts) else None


def _segments(annotation: Mapping) -> list[dict]:
    """The segments that have an id and a category; others are told by `_Reading.meanings`."""
    rows = annotation["segments_info"]
    usable = rows if isinstance(rows, list) else []
    return [
        row for row in usable if isinstance(row, dict) and "id" in row and isinstance(row.get("category_id"), int | str)
    ]


def _things(data: Mapping[str, Any]) -> frozenset:
    return frozenset(row["id"] for row in data["categories"] if row.get("isthing"))


def _painted_void(options: Options) -> bool:
    value = options.get("crowd", "void")
    if value not in _CROWD:
        fix = "set `options: {crowd: void}`, or leave it out"
        raise ConfigError.of(
            "options: crowd", "has an unknown value", allowed=", ".join(_CROWD), found=str(value), fix=fix
        )
    return value == "void"


def _joined(data: Mapping[str, Any], reading: _Reading) -> Iterator[tuple[dict, str]]:
    """Each annotation with its image's file name; without a list of images, the PNG's name with any suffix."""
    images = {row["id"]: str(row["file_name"]) for row in data.get("images") or ()}
    seen: set[str] = set()
    for annotation in data["annotations"]:
        place = f"{reading.place}: {annotation['file_name']}"
        name = images.get(annotation["image_id"])
        if images and name is None:
            found = f"image_id {annotation['image_id']}"
            fix = "add the image, or remove the annotation"
            reading.problems.append(
                Problem(place, "belongs to an image that is not listed", "an id in images", found, fix)
            )
        elif (name or place) in seen:
            reading.problems.append(
                Problem(place, "annotates an image a second time", "one an image", name or "", "remove one")
            )
        else:
            seen.add(name or place)
            yield annotation, name or f"{PurePosixPath(str(annotation['file_name'])).stem}.jpg"


@dataclass
class _Reading:
    """Settings and problems while one file is read."""

    place: str
    ids: Mapping[Any, int]
    things: frozenset
    void_id: int
    crowd_is_void: bool
    problems: list[Problem] = field(default_factory=list)

    def meanings(self, annotation: Mapping) -> dict[int, Meaning]:
        """What each segment id of an image means; contradictions are problems."""
        found: dict[int, Meaning] = {0: Meaning(self.void_id)}
        place = f"{self.place}: {annotation['file_name']}"
        rows = annotation["segments_info"]
        usable = _segments(annotation)
        if not isinstance(rows, list) or len(usable) < len(rows):
            self._refuse(place, "has segments without id or category_id", "a list of objects with both", "other")
        for row in usable:
            number = row["id"]
            if not isinstance(number, int) or not 0 < number < 2**24 or number in found:
                self._refuse(
                    place, "has a segment id that is none, or twice", "1-16777215, each once", str(number)[:40]
                )
            elif row["category_id"] not in self.ids:
                self._refuse(
                    place, "has a category that is not listed", "an id in categories", str(row["category_id"])[:40]
                )
            else:
                found[number] = self._meaning(row, number)
        return found

    def _meaning(self, row: Mapping, number: int) -> Meaning:
        class_id, crowd = self.ids[row["category_id"]], bool(row.get("iscrowd"))
        thing = number if row["category_id"] in self.things else None
        painted = self.void_id if crowd and self.crowd_is_void else None
        return Meaning(class_id, thing, crowd, painted, number)

    def _refuse(self, place: str, rule: str, allowed: str, found: str) -> None:
        self.problems.append(Problem(place, rule, allowed, found, "correct the JSON, or export the set again"))


def _shown(meanings: Mapping[int, Meaning]) -> str:
    return f"0 for void, {len(meanings) - 1} segments: {few([str(number) for number in sorted(meanings)[1:]])}"


COCO_PANOPTIC = Format(
    recognise,
    read,
    {
        "annotations": "the JSON file, relative to the root, where there are several",
        "images": "folder that the image names are relative to",
        "masks": "folder of the PNG files, where it is not named as the JSON is",
        "crowd": "void (default) or class: what a crowd is in the label map",
        "map": "categories to rename: [glare=void, deep scratch=scratch]",
        "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
    },
    write,
    frozenset({"void", "objects", "crowd", "segments"}),
)
