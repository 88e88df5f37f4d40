"""Colours that stand for classes: the files that list them, well-known lists, and colours for a class table."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from segwright.core import ClassSpec, ClassTable, ConfigError, DataError, Problem, raise_collected
from segwright.data.class_files import means_void
from segwright.data.codecs.labels import packed_colour

Colour = tuple[int, int, int]
COLOUR_FILES = ("label_colors.txt", "class_dict.csv", "labelmap.txt", "label_colours.txt")
VOC_VOID: Colour = (224, 224, 192)
_SHOWN = 8

VOC_NAMES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
    "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip

# Brostow, Fauqueur and Cipolla (2009), "Semantic object classes in video": label_colors.txt of the set.
CAMVID: dict[str, Colour] = {
    "Animal": (64, 128, 64), "Archway": (192, 0, 128), "Bicyclist": (0, 128, 192), "Bridge": (0, 128, 64),
    "Building": (128, 0, 0), "Car": (64, 0, 128), "CartLuggagePram": (64, 0, 192), "Child": (192, 128, 64),
    "Column_Pole": (192, 192, 128), "Fence": (64, 64, 128), "LaneMkgsDriv": (128, 0, 192),
    "LaneMkgsNonDriv": (192, 0, 64), "Misc_Text": (128, 128, 64), "MotorcycleScooter": (192, 0, 192),
    "OtherMoving": (128, 64, 64), "ParkingBlock": (64, 192, 128), "Pedestrian": (64, 64, 0), "Road": (128, 64, 128),
    "RoadShoulder": (128, 128, 192), "Sidewalk": (0, 0, 192), "SignSymbol": (192, 128, 128), "Sky": (128, 128, 128),
    "SUVPickupTruck": (64, 128, 192), "TrafficCone": (0, 0, 64), "TrafficLight": (0, 64, 64), "Train": (192, 64, 128),
    "Tree": (128, 128, 0), "Truck_Bus": (192, 128, 192), "Tunnel": (64, 0, 64), "VegetationMisc": (192, 192, 0),
    "Void": (0, 0, 0), "Wall": (64, 192, 0),
}  # fmt: skip


@dataclass(frozen=True)
class ColourTable:
    """Names and their colours in the order of the list; several colours may have one name."""

    entries: tuple[tuple[str, Colour], ...]
    place: str

    def classes(self) -> ClassTable:
        """The names numbered 0, 1, 2, ...; a name that contains void, ignore or unlabelled is void, id 255."""
        names = dict.fromkeys(name for name, _ in self.entries if not means_void(name))
        colours = dict(reversed(self.entries))
        specs = tuple(ClassSpec(at, name, "stuff", colours[name]) for at, name in enumerate(names))
        background = next((name for name in names if name.lower().strip("_") == "background"), None)
        return ClassTable(specs, 255 if len(specs) <= 255 else 65535, background)

    def numbers(self, ids: Mapping[str, int]) -> dict[int, int]:
        """Packed colour -> class id, for the ids that `annotated.name_classes` gave the names."""
        return {packed_colour(colour): ids[name] for name, colour in self.entries}


def voc_colour(index: int) -> Colour:
    """The colour of an index in the palette of PASCAL VOC: its bits, three by three, from the top bit of R, G, B down.

    Source: the development kit of PASCAL VOC 2012, `VOCcode/VOClabelcolormap.m`. Index 255 is (224, 224, 192).
    """
    parts = [0, 0, 0]
    for shift in range(8):
        for band in range(3):
            parts[band] |= (index >> (3 * shift + band) & 1) << (7 - shift)
    return parts[0], parts[1], parts[2]


VOC = ColourTable(tuple((name, voc_colour(at)) for at, name in enumerate(VOC_NAMES)), "the colours of PASCAL VOC")
KNOWN: dict[str, ColourTable] = {
    "camvid": ColourTable(tuple(CAMVID.items()), "the colours of CamVid"),
    "voc": VOC,
}


def colours_of(classes: ClassTable) -> dict[int, Colour]:
    """A colour of its own for each class id and for void: the class's own where no other has it, else VOC's for the id.

    The background is black where no class says otherwise; void has VOC's (224, 224, 192).
    """
    taken: dict[Colour, int] = {}
    wanted = {spec.class_id: spec.colour for spec in classes if spec.colour is not None}
    for class_id, colour in wanted.items():
        taken.setdefault(colour, class_id)
    found = {class_id: colour for colour, class_id in taken.items()}
    free = (voc_colour(index) for index in range(2**24))
    if classes.void_id not in found and VOC_VOID not in taken:
        taken[VOC_VOID], found[classes.void_id] = classes.void_id, VOC_VOID
    for class_id in (classes.background_id, *classes.ids, classes.void_id):
        if class_id is None or class_id in found:
            continue
        own = (0, 0, 0) if class_id == classes.background_id else voc_colour(class_id)
        colour = own if own not in taken else next(one for one in free if one not in taken and any(one))
        taken[colour], found[class_id] = class_id, colour
    return found


def read_colour_file(path: Path) -> ColourTable:
    """Lines `R G B name` (label_colors.txt), `name:R,G,B:parts:actions` (labelmap.txt), or a CSV name,r,g,b.

    Raises:
        DataError: not readable, no colour, lines that are none, or one colour for two classes; all at once.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError.of(
            str(path),
            "cannot be read",
            allowed="lines such as `128 0 0 Building`",
            found=str(error),
            fix="save as UTF-8",
        ) from error
    entries: list[tuple[str, Colour]] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        entry = _from_csv(line) if path.suffix.lower() == ".csv" else _entry(line)
        if entry is not None:
            entries.append(entry)
        elif number > 1 or path.suffix.lower() != ".csv":  # the first line of a CSV is its header
            allowed = "`128 0 0 Building`, `Building:128,0,0::`, numbers 0-255"
            problems.append(
                Problem(f"{path}:{number}", "is no colour and name", allowed, line[:60], "correct the line")
            )
    raise_collected([*problems, *_contradictions(entries, path)])
    return ColourTable(tuple(entries), str(path))


_SPACED = re.compile(r"^\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\S.*?)\s*$")
_COLONS = re.compile(r"^(.*?):\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*(?::.*)?$")


def _entry(line: str) -> tuple[str, Colour] | None:
    spaced, colons = _SPACED.match(line), _COLONS.match(line)
    if spaced:
        return _named(spaced[4], spaced.groups()[:3])
    return _named(colons[1], colons.groups()[1:]) if colons else None


def _from_csv(line: str) -> tuple[str, Colour] | None:
    cells = next(csv.reader([line]))
    return _named(cells[0], cells[1:4]) if len(cells) >= 4 else None


def _named(name: str, parts: Sequence[str]) -> tuple[str, Colour] | None:
    texts = [part.strip() for part in parts]
    if not name.strip() or not all(re.fullmatch(r"\d{1,3}", text) and int(text) <= 255 for text in texts):
        return None
    return name.strip(), (int(texts[0]), int(texts[1]), int(texts[2]))


def _contradictions(entries: Sequence[tuple[str, Colour]], path: Path) -> Iterator[Problem]:
    if not entries:
        fix = "write one class a line: `128 0 0 Building`"
        yield Problem(str(path), "lists no colour", "at least one", "none", fix)
    names: dict[Colour, set[str]] = {}
    for name, colour in entries:
        names.setdefault(colour, set()).add(name)
    for colour, claimed in names.items():
        if len(claimed) > 1:
            found = f"{colour}: {', '.join(sorted(claimed))}"
            yield Problem(str(path), "gives one colour to two classes", "a colour of its own each", found, "remove one")


def chosen_table(value: object) -> ColourTable:
    """The option `colours`: camvid, voc, or a mapping of names to [R, G, B].

    Raises:
        ConfigError: something else.
    """
    if isinstance(value, str) and value in KNOWN:
        return KNOWN[value]
    if isinstance(value, Mapping) and value:
        named = [_named(str(name), [str(part) for part in colour]) for name, colour in value.items() if _three(colour)]
        entries = tuple(entry for entry in named if entry is not None)
        if len(entries) == len(value):
            return ColourTable(entries, "options: colours")
    raise ConfigError.of(
        "options: colours",
        "is no list of colours",
        allowed=f"{', '.join(KNOWN)}, or {{road: [128, 64, 128], void: [0, 0, 0]}}",
        found=str(value)[:80],
        fix=f"put a file {COLOUR_FILES[0]} with lines `128 64 128 road` beside the frames",
    )


def _three(colour: object) -> bool:
    return isinstance(colour, Sequence) and not isinstance(colour, str) and len(colour) == 3
