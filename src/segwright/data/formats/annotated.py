"""What annotation files have in common: finding their images, and turning their label names into class ids."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from segwright.core import ClassSpec, ClassTable, DataError, Problem, few
from segwright.data.class_files import means_void
from segwright.data.dataset import Frame
from segwright.data.formats.format import Options, id_of, renamings
from segwright.data.listing import Listing


@dataclass(frozen=True)
class Naming:
    """A class table, and the class id (or void id) that each label name of an annotation file stands for."""

    classes: ClassTable
    ids: Mapping[str, int]
    problems: tuple[Problem, ...] = ()


def name_classes(labels: Mapping[str, int | None], given: ClassTable | None, options: Options, place: str) -> Naming:
    """Class ids for label names, which come with the id the file gives them, or None.

    With a table given, every label must be one of its classes, void, or renamed by the option `map`. Without one: a
    label called void, ignore or unlabelled becomes void, one called background the background (else id 0 is added for
    it), and the others keep their ids where these are 1-254 and unique, else are numbered in order.
    """
    renamed = renamings(options.get("map"))
    if given is None:
        table = _own_table({name: number for name, number in labels.items() if name not in renamed})
    else:
        table = given
    ids: dict[str, int] = {}
    unknown: list[str] = []
    for name in labels:
        target = renamed.get(name, name)
        if target in table.names or target == "void" or name in renamed:
            ids[name] = id_of(target, table)
        elif means_void(name):
            ids[name] = table.void_id
        elif _is_background(name) and table.background is not None:
            ids[name] = id_of(table.background, table)
        else:
            unknown.append(name)
    if not unknown:
        return Naming(table, ids)
    rule = f"uses {len(unknown)} labels that are not in the class table"
    fix = f"add them under `classes:` in segwright.yaml, or set `options: {{map: [{unknown[0]}=void]}}`"
    return Naming(table, ids, (Problem(place, rule, table.describe(), few(unknown), fix),))


def _own_table(labels: Mapping[str, int | None]) -> ClassTable:
    named = {name: number for name, number in labels.items() if not means_void(name)}
    background = next((name for name in named if _is_background(name)), None)
    numbers = list(named.values())
    taken = 0 in numbers and named.get(background or "") != 0
    usable = all(number is not None and 0 <= number <= 254 for number in numbers)
    if taken or not usable or len(set(numbers)) < len(numbers):
        others = [name for name in named if name != background]
        named = {background or "background": 0, **{name: at for at, name in enumerate(others, start=1)}}
    elif background is None:
        named = {"background": 0, **named}
    void_id = 255 if len(named) <= 255 else 65535
    specs = tuple(ClassSpec(int(number or 0), name, "stuff") for name, number in named.items())
    return ClassTable(specs, void_id, background or "background")


def _is_background(name: str) -> bool:
    """Whether a label is what is not painted; LabelMe's own converters write `_background_`."""
    return name.strip("_").lower() == "background"


class ImageFinder:
    """Where the image files lie that an annotation file names: only files of the listing, so no path leads out.

    `beside` is the folder of the annotation file, below the root: names may be meant from there.
    """

    def __init__(self, listing: Listing, folder: str | None, beside: str = "") -> None:
        self._folders = [folder] if folder else ["", "images", beside, f"{beside}/images"]
        self._files = {unicodedata.normalize("NFC", name): name for name in listing.images}
        by_name: dict[str, list[str]] = defaultdict(list)
        for name in listing.images:
            by_name[unicodedata.normalize("NFC", PurePosixPath(name).name)].append(name)
        self._by_name = by_name

    def find(self, name: str) -> str | None:
        """The listed file for a name in the annotation file; by file name alone where only one file has it."""
        wanted = unicodedata.normalize("NFC", name.replace("\\", "/"))
        for folder in self._folders:
            found = self._files.get(str(PurePosixPath(folder) / wanted))
            if found is not None:
                return found
        alike = self._by_name.get(PurePosixPath(wanted).name, [])
        return alike[0] if len(alike) == 1 else None


def choose_file(listing: Listing, options: Options, candidates: Sequence[str], what: str) -> str:
    """The annotation file to read: the one named by the option `annotations`, or the only candidate.

    Raises:
        DataError: none, several, or no such file.
    """
    named = options.get("annotations")
    if named is not None:
        if named in listing.files:
            return str(named)
        raise DataError.of(
            str(listing.path(str(named))),
            "does not exist",
            allowed=few(candidates) or what,
            fix="correct `options: {annotations: FILE}`: the path below the root of the frames",
        )
    if len(candidates) == 1:
        return candidates[0]
    raise DataError.of(
        str(listing.root),
        f"has {len(candidates)} annotation files",
        allowed=f"one {what}",
        found=few(candidates) or "none",
        fix="open the file itself, or set `options: {annotations: FILE}`",
    )


def require_images(frames: Sequence[Frame], missing: Sequence[str], place: Path) -> None:
    """Raise DataError where none of the images that the annotation file at `place` names was found."""
    if not frames:
        raise DataError.of(
            str(place),
            "names no image that is there",
            allowed="image files below the root",
            found=few(missing) or "no images",
            fix="export with images, or set `options: {images: FOLDER}`",
        )


def image_notes(listing: Listing, used: Iterable[str], missing: Sequence[str], place: str) -> list[str]:
    """What was left out: images the annotation file does not name, and names without an image file."""
    notes = []
    if missing:
        rule = f"{len(missing)} annotated images are not there and were left out"
        notes.append(str(Problem(place, rule, "image files below the root", few(missing), "copy them there")))
    surplus = sorted(set(listing.images) - set(used))
    if surplus:
        rule = f"{len(surplus)} image files are not in the annotation file and were left out"
        notes.append(str(Problem(place, rule, "annotated images", few(surplus), "annotate them, or move them away")))
    return notes
