"""Colour masks: one picture an image whose colours are classes, and a list that says which."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np

from segwright.core import ClassTable, ConfigError, DataError, Listener, raise_collected, tracked
from segwright.data.codecs import read_header
from segwright.data.codecs.header import RefusedError
from segwright.data.codecs.labels import packed_colour, read_colours
from segwright.data.codecs.writing import write_colours
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import name_classes
from segwright.data.formats.colour_tables import (
    COLOUR_FILES,
    KNOWN,
    ColourTable,
    chosen_table,
    colours_of,
    read_colour_file,
)
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.pairs import Pairing, pair_by_folder, pair_by_name
from segwright.data.formats.placing import place_image
from segwright.data.id_maps import ClassNumbers, ColourRaster, Labels, Meaning, MeaningTable
from segwright.data.images import ImageFile
from segwright.data.listing import Listing
from segwright.data.workers import in_threads

_LOOKED_AT = 40
_SNIFFED = 8
_INDENT = " " * 11


def recognise(listing: Listing) -> str | None:
    """Image-mask pairs whose masks are colour pictures, by the first few."""
    pairing = _pairing(listing, {})
    masks = [listing.path(mask) for _, mask in pairing.pairs.values()]
    some = masks[:: max(1, len(masks) // _SNIFFED)]
    if not some or not all(_rgb(path) for path in some) or not any(_coloured(path) for path in some):
        return None
    return f"{len(pairing.pairs)} images with colour masks"


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames whose masks hold the colours of a list: label_colors.txt, class_dict.csv, labelmap.txt or `colours`.

    The order of the list numbers the classes from 0; a name that contains void, ignore or unlabelled is void. Where a
    class table is given, the list's names must be in it; without a list, its own colours are taken.

    Raises:
        DataError: no pairs at all, two files of one name, or a list that contradicts itself.
        ConfigError: no list; the message shows the colours in the masks.
    """
    pairing = _pairing(listing, options)
    raise_collected(pairing.problems)
    if not pairing.pairs:
        raise DataError.of(
            str(listing.root),
            "has no image with a mask",
            allowed="images/ beside masks/ or labels/, X/ beside Xannot/, a.jpg beside a_L.png",
            found=f"{len(listing.images)} image files in {len(listing.by_folder)} folders",
            fix="name the folders: `options: {images: FOLDER, masks: FOLDER}`",
        )
    colours = _colours(listing, options, classes, pairing)
    table = classes or colours.classes()
    naming = name_classes({name: None for name, _ in colours.entries}, table, options, colours.place)
    raise_collected(naming.problems, ConfigError)
    meanings = {packed: Meaning(class_id) for packed, class_id in colours.numbers(naming.ids).items()}
    known = MeaningTable(
        meanings, ", ".join(f"{name} {_hex(packed_colour(rgb))}" for name, rgb in colours.entries[:24])
    )
    orientation = orientation_of(options)
    hint = f"add the colour to {colours.place}, or redraw: colours between two classes are smoothed edges"
    frames = tuple(
        Frame(
            stem,
            ImageFile(listing.path(image)),
            ClassNumbers(Labels(ColourRaster(listing.path(mask), orientation), known, hint)),
        )
        for stem, (image, mask) in pairing.pairs.items()
    )
    return Dataset(listing.root, table, frames, "colour_png", tuple(pairing.notes()))


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """images/, masks/ of RGB PNG and label_colors.txt: each class in its own colour, void in (224, 224, 192)."""
    colours = colours_of(dataset.classes)
    by_id = np.zeros((65536, 3), np.uint8)
    for class_id, colour in colours.items():
        by_id[class_id] = colour

    def placed(frame: Frame) -> None:
        place_image(frame, folder / "images")
        if frame.mask is not None:
            write_colours(folder / "masks" / f"{frame.stem}.png", by_id[dataset.read_labels(frame).ids])

    for _ in tracked(in_threads(placed, dataset.frames), listener, "writing", len(dataset)):
        pass
    named = [(spec.name, spec.class_id) for spec in dataset.classes] + [("void", dataset.classes.void_id)]
    lines = (" ".join(str(part) for part in (*colours[class_id], name)) for name, class_id in named)
    (folder / COLOUR_FILES[0]).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _pairing(listing: Listing, options: Options) -> Pairing:
    pairing = pair_by_folder(listing, options.get("images"), options.get("masks"))
    return pairing if pairing.pairs or "masks" in options else pair_by_name(listing)


def _rgb(path: Path) -> bool:
    try:
        return read_header(path).colour in ("rgb", "rgba")
    except DataError:
        return False


def _coloured(path: Path) -> bool:
    """Whether some pixel is not grey."""
    try:
        numbers = np.unique(read_colours(path))
    except RefusedError:
        return False
    return bool(np.any((numbers & 0xFF) != (numbers >> 8 & 0xFF)))


def _colours(listing: Listing, options: Options, classes: ClassTable | None, pairing: Pairing) -> ColourTable:
    if "colours" in options:
        return chosen_table(options["colours"])
    path = next((listing.path(name) for name in listing.files if PurePosixPath(name).name in COLOUR_FILES), None)
    if path is not None:
        return read_colour_file(path)
    if classes is not None and any(spec.colour is not None for spec in classes):
        known = [(spec.name, classes.colour(spec.class_id)) for spec in classes]
        return ColourTable(tuple(known), "the class table")
    masks = [listing.path(mask) for _, mask in pairing.pairs.values()]
    found = _present(masks[:: max(1, len(masks) // _LOOKED_AT)])
    raise ConfigError.of(
        str(listing.root),
        "has no list of colours: nobody says what the colours in the masks mean",
        allowed=f"a file {COLOUR_FILES[0]} with lines `128 64 128 road`, or `options: {{colours: {{...}}}}`",
        found=f"{len(found)} colours: {', '.join(_hex(packed) for packed in found[:12])}",
        fix=_to_paste(found),
    )


def _present(masks: Iterable[Path]) -> list[int]:
    """The packed colours in some masks; a mask that cannot be read is left to `check`."""
    found: set[int] = set()
    for path in masks:
        try:
            found.update(int(number) for number in np.unique(read_colours(path)))
        except RefusedError:
            continue
    return sorted(found)


def _to_paste(found: list[int]) -> str:
    fits = [name for name, table in KNOWN.items() if {*found} <= {packed_colour(colour) for _, colour in table.entries}]
    if fits:
        return f"all of them are in the list of {fits[0]}: if this is that set, set `options: {{colours: {fits[0]}}}`"
    lines = [f"{n & 255} {n >> 8 & 255} {n >> 16} class_{at}" for at, n in enumerate(found[:24])]
    return f"write {COLOUR_FILES[0]} and rename:\n{_INDENT}" + f"\n{_INDENT}".join(lines)


def _hex(packed: int) -> str:
    return f"#{packed & 255:02x}{packed >> 8 & 255:02x}{packed >> 16:02x}"


COLOUR_PNG = Format(
    recognise,
    read,
    {
        "colours": "camvid, voc, or {road: [128, 64, 128], void: [0, 0, 0]}, where no list lies beside the masks",
        "images": "folder of the images, where its name does not tell",
        "masks": "folder of the masks, where its name does not tell",
        "map": "names of the list to rename: [Void=void, Truck_Bus=vehicle]",
        "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
    },
    write,
    frozenset({"void"}),
)
