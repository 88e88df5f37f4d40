"""ADE20K: the full sets of 2017 and 2020 (NAME_seg.png), and the 150 classes of SceneParsing (annotations/)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
from segwright.data.codecs.header import SUFFIXES, RefusedError
from segwright.data.codecs.labels import read_colours
from segwright.data.codecs.writing import write_values
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.ade20k_writing import write
from segwright.data.formats.annotated import name_classes
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.pairs import pair_by_folder
from segwright.data.formats.placing import place_image
from segwright.data.id_maps import ColourRaster, Labels, Meaning, ObjectNumbers
from segwright.data.images import ImageFile
from segwright.data.listing import Listing, stem_of
from segwright.data.masks import IndexMask
from segwright.data.workers import in_threads

_SEG = "_seg.png"
_PICTURES = (".jpg", *sorted(SUFFIXES - {".jpg"}))  # the set's own are JPEG; what we write keeps its kind
INFO = "objectInfo150.txt"
_OPTIONS = {
    "map": "names to rename: {wall: background}",
    "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
}


def recognise(listing: Listing) -> str | None:
    """Images NAME.jpg with NAME_seg.png and NAME_atr.txt (2017) or NAME.json (2020)."""
    found = _frames(listing)
    return f"{len(found)} images of ADE20K with _seg.png" if found else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of objects: class = R // 10 * 256 + G, object = B of NAME_seg.png; class 0 is void, object 0 none.

    Classes are numbered in the order of the set's own indices, which go beyond 255; their names are those in the text
    files. Parts of objects are not read.

    Source: loadAde20K.m of the set's starter code.

    Raises:
        DataError: no such files, or text files that cannot be read; all of them.
        ConfigError: classes that a given table does not name.
    """
    found = _required(listing)
    names = _names(listing, found)
    labels = {name: None for _, name in sorted(names.items())}
    table = classes or ClassTable(
        tuple(ClassSpec(at, name, "thing") for at, name in enumerate(labels)), 255 if len(labels) <= 255 else 65535
    )
    naming = name_classes(labels, table, options, str(listing.root))
    raise_collected(naming.problems, ConfigError)
    meanings = AdeMeanings({index: naming.ids[name] for index, name in names.items()}, table.void_id)
    orientation = orientation_of(options)
    hint = "copy the text file of the frame again: it names no object of this class"
    frames = tuple(
        Frame(
            stem,
            ImageFile(listing.path(image)),
            ObjectNumbers(Labels(ColourRaster(listing.path(seg), orientation), meanings, hint)),
        )
        for stem, (image, seg, _) in found.items()
    )
    parts = sum("_parts_" in PurePosixPath(name).name for name in listing.images)
    notes = (f"{parts} files of parts of objects were left out: only whole objects are read",) if parts else ()
    return Dataset(listing.root, table, frames, "ade20k", notes)


def _required(listing: Listing) -> dict[str, tuple[str, str, str]]:
    found = _frames(listing)
    if not found:
        raise DataError.of(
            str(listing.root),
            "has no images of ADE20K",
            allowed="NAME.jpg, NAME_seg.png and NAME_atr.txt (2017) or NAME.json (2020)",
            found=f"{len(listing.images)} image files",
            fix="unpack the set again; SceneParsing (annotations/) is the format ade20k_scenes",
        )
    return found


def _frames(listing: Listing) -> dict[str, tuple[str, str, str]]:
    """Stem -> image, seg and text file."""
    files = set(listing.files)
    found = {}
    for seg in listing.images:
        bare = seg.removesuffix(_SEG)
        text = next((name for name in (f"{bare}_atr.txt", f"{bare}.json") if name in files), None)
        image = next((f"{bare}{suffix}" for suffix in _PICTURES if f"{bare}{suffix}" in files), None)
        if bare != seg and text is not None and image is not None:
            found[stem_of(image)] = (image, seg, text)
    return found


@dataclass(frozen=True)
class AdeMeanings:
    """What R + 256 G + 65,536 B means: class and object; `class_of` by the set's index of the class."""

    class_of: Mapping[int, int]
    void_id: int

    def of(self, number: int) -> Meaning | None:
        """The class and the object of a colour."""
        index, thing = ade_index(number), number >> 16
        if not index:
            return Meaning(self.void_id)
        class_id = self.class_of.get(index)
        return None if class_id is None else Meaning(class_id, None if class_id == self.void_id else thing or None)

    def allowed(self) -> str:
        """How many classes are known."""
        return f"the {len(self.class_of)} classes that the text files name"


def ade_index(number: int) -> int:
    """The set's index of a class in a packed colour of NAME_seg.png."""
    return (number & 255) // 10 * 256 + (number >> 8 & 255)


def _names(listing: Listing, found: Mapping[str, tuple[str, str, str]]) -> dict[int, str]:
    """The set's index of a class -> its name, from all text files."""
    names: dict[int, str] = {}
    problems: list[Problem] = []
    for answer in in_threads(lambda files: _named(listing, files[1], files[2]), found.values()):
        if isinstance(answer, Problem):
            problems.append(answer)
        else:
            names.update(answer)
    raise_collected(problems)
    return names


def _named(listing: Listing, seg: str, text: str) -> dict[int, str] | Problem:
    """The names that one frame's text file gives; in 2017 through the objects, which the picture numbers by rank."""
    path = listing.path(text)
    try:
        if path.suffix == ".json":
            rows = json.loads(path.read_text(encoding="utf-8", errors="replace"))["annotation"]["object"]
            return {int(row["name_ndx"]): str(row["name"]) for row in rows if not row["parts"]["part_level"]}
        numbers = np.unique(read_colours(listing.path(seg))).tolist()
        objects = sorted({number >> 16 for number in numbers if number >> 16})
        of_rank = dict(_atr(path.read_text(encoding="utf-8", errors="replace")))
        ranks = {value: rank for rank, value in enumerate(objects, start=1)}
        linked = ((ade_index(number), ranks.get(number >> 16, 0)) for number in numbers if ade_index(number))
        return {index: of_rank[rank] for index, rank in linked if rank in of_rank}
    except (OSError, ValueError, KeyError, TypeError, RefusedError) as error:
        found = f"{type(error).__name__}: {error}"[:120]
        allowed = 'lines `001 # 0 # 0 # wall # wall # ""`, or the JSON of 2020'
        return Problem(str(path), "cannot be read as objects of ADE20K", allowed, found, "copy the file again")


def _atr(text: str) -> Iterator[tuple[int, str]]:
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("#")]
        if len(cells) >= 4 and cells[1] == "0":  # part level: whole objects
            yield int(cells[0]), cells[3]


def recognise_scenes(listing: Listing) -> str | None:
    """objectInfo150.txt beside annotations/."""
    pairs = len(pair_by_folder(listing, "images", "annotations").pairs) if INFO in listing.files else 0
    return f"{pairs} images of SceneParsing with {INFO}" if pairs else None


def read_scenes(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of images/ and annotations/, 1-150 as objectInfo150.txt names them; 0 is void.

    Raises:
        DataError: no pairs, or a list that cannot be read.
        ConfigError: classes that a given table does not name.
    """
    pairing = pair_by_folder(listing, "images", "annotations")
    raise_collected(pairing.problems)
    if not pairing.pairs or INFO not in listing.files:
        raise DataError.of(
            str(listing.root),
            "is not SceneParsing as ADE20K ships it",
            allowed=f"images/, annotations/ and {INFO}",
            found=f"{len(pairing.pairs)} pairs, {INFO}: {INFO in listing.files}",
            fix="unpack ADEChallengeData2016.zip again",
        )
    named = _info(listing.path(INFO))
    table = classes or ClassTable(tuple(ClassSpec(number, name) for number, name in named.items()), 0)
    naming = name_classes(dict.fromkeys(named.values()), table, options, INFO)
    raise_collected(naming.problems, ConfigError)
    mapping = {0: table.void_id, **{number: naming.ids[name] for number, name in named.items()}}
    orientation = orientation_of(options)
    frames = tuple(
        Frame(stem, ImageFile(listing.path(image)), IndexMask(listing.path(mask), mapping, orientation))
        for stem, (image, mask) in pairing.pairs.items()
    )
    return Dataset(listing.root, table, frames, "ade20k_scenes", tuple(pairing.notes()))


def _info(path: Path) -> dict[int, str]:
    """Number -> name, from the tab-separated columns Idx and Name."""
    found: dict[int, str] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) >= 2 and cells[0].isdigit():
            found[int(cells[0])] = cells[-1]
    if found and len({*found.values()}) == len(found) and 0 not in found and max(found) <= 255:
        return found
    rule, fix = "names no classes", "copy the file again from the set"
    allowed = "lines of tab-separated cells: a number 1-255 first, a name of its own last"
    raise DataError.of(str(path), rule, allowed=allowed, found=few([str(name) for name in found]) or "none", fix=fix)


def write_scenes(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """images/, annotations/STEM.png with 0 for void and 1, 2, ... for the classes in order, and objectInfo150.txt.

    Raises:
        DataError: more than 255 classes.
    """
    table = dataset.classes
    if len(table) > 255:
        fix = "write the format index_png, which holds 16 bits"
        raise DataError.of("class table", "is too long", allowed="up to 255", found=str(len(table)), fix=fix)
    numbers = np.zeros(65536, np.uint8)
    for at, class_id in enumerate(table.ids, start=1):
        numbers[class_id] = at

    def placed(frame: Frame) -> None:
        place_image(frame, folder / "images")
        if frame.mask is not None:
            write_values(folder / "annotations" / f"{frame.stem}.png", numbers[dataset.read_labels(frame).ids])

    for _ in tracked(in_threads(placed, dataset.frames), listener, "writing", len(dataset)):
        pass
    lines = [f"{at}\t{int(spec.kind == 'stuff')}\t{spec.name}" for at, spec in enumerate(table, start=1)]
    (folder / INFO).write_text("\n".join(["Idx\tStuff\tName", *lines]) + "\n", encoding="utf-8")


ADE20K = Format(recognise, read, _OPTIONS, write, frozenset({"void", "objects"}))
ADE20K_SCENES = Format(recognise_scenes, read_scenes, _OPTIONS, write_scenes, frozenset({"void"}))
