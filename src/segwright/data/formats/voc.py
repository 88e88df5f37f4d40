"""PASCAL VOC: JPEGImages/, SegmentationClass/ and SegmentationObject/ of palette or colour PNG, lists in ImageSets/."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from segwright.core import ClassSpec, ClassTable, ConfigError, DataError, Problem, few, raise_collected
from segwright.data.class_files import CLASS_FILES, means_void, read_class_file
from segwright.data.codecs import FrameShape, MaskOrientation, read_header
from segwright.data.codecs.labels import packed_colour, read_colours, read_values
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import name_classes
from segwright.data.formats.colour_tables import VOC, VOC_VOID, ColourTable, read_colour_file
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.pairs import Pairing
from segwright.data.formats.voc_writing import write_colours_1_1, write_palette_voc
from segwright.data.given_parts import part_column
from segwright.data.id_maps import (
    ClassAndObject,
    ClassNumbers,
    Labels,
    Meaning,
    MeaningTable,
    Numbers,
    ObjectNumbers,
    whole_numbers,
)
from segwright.data.images import ImageFile
from segwright.data.listing import Listing, stem_of
from segwright.data.masks import MaskSource

LABEL_MAP = "labelmap.txt"
VOID_INDEX = 255
COLOUR = 1 << 24  # added to colours, so that they are never taken for palette indices
_PARTS = {
    "jpegimages": "images",
    "segmentationclass": "classes",
    "segmentationclasspng": "classes",
    "segmentationobject": "objects",
    "segmentationobjectpng": "objects",
}
_OFFICIAL_STEM = re.compile(r"(?:^|/)20\d\d_\d{6}$")


def recognise(listing: Listing) -> str | None:
    """How many images of JPEGImages have a mask of the same name in SegmentationClass."""
    layout = _Layout.of(listing)
    shared = layout.images.keys() & layout.classes.keys()
    return f"{len(shared)} images in JPEGImages with masks in SegmentationClass" if shared else None


def recognise_cvat(listing: Listing) -> str | None:
    """A VOC layout with labelmap.txt whose masks are colours: CVAT's "Segmentation mask 1.1"."""
    layout = _Layout.of(listing)
    shared = sorted(layout.images.keys() & layout.classes.keys())
    if not shared or not any(PurePosixPath(name).name == LABEL_MAP for name in listing.files):
        return None
    try:
        colour = read_header(listing.path(layout.classes[shared[0]])).colour
    except DataError:
        return None
    return f"{len(shared)} images with colour masks and {LABEL_MAP}" if colour in ("rgb", "rgba") else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames with a mask in SegmentationClass; objects where SegmentationObject has a file of the same name.

    Masks are palette or grey PNG (indices; 255 is void) or RGB PNG (colours of labelmap.txt, else of VOC). The lists of
    ImageSets/Segmentation give the column `part`.

    Raises:
        DataError: no such layout, or two files of one name.
        ConfigError: nobody says what the indices mean, or labels outside a given table.
    """
    return _read(listing, classes, options, "voc")


def read_cvat(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """As `read`: CVAT's "Segmentation mask 1.1" is VOC in colours.

    Raises:
        DataError, ConfigError: as `read`.
    """
    return _read(listing, classes, options, "cvat_masks")


def _read(listing: Listing, classes: ClassTable | None, options: Options, name: str) -> Dataset:
    layout = _Layout.of(listing)
    raise_collected(layout.problems)
    stems = sorted(layout.images.keys() & layout.classes.keys())
    if not stems:
        raise DataError.of(
            str(listing.root),
            "is not in the layout of VOC",
            allowed="JPEGImages/a.jpg, SegmentationClass/a.png",
            found=f"{len(layout.images)} images in JPEGImages, {len(layout.classes)} masks in SegmentationClass",
            fix="copy the images to JPEGImages/ (CVAT: export with `Save images`)",
        )
    table, class_of = _meaning(listing, classes, options, stems)
    orientation = orientation_of(options)
    subsets, decides = _subsets(listing), _label_map(listing) is not None
    wanted = options.get("image_set")
    frames = []
    for stem in stems:
        names = subsets.get(stem, [])
        if wanted is None or wanted in names:
            of_objects = listing.path(layout.objects[stem]) if stem in layout.objects else None
            files = listing.path(layout.classes[stem]), of_objects
            mask = _mask(files, table, class_of, orientation, colours_decide=decides)
            image = ImageFile(listing.path(layout.images[stem]))
            frames.append(Frame(stem, image, mask, part_column(_best(names)) if names else {}))
    if wanted is not None and not frames:
        known = sorted({one for names in subsets.values() for one in names})
        fix = "name one of the lists, or leave it out"
        raise ConfigError.of("options: image_set", "names no list", allowed=few(known), found=str(wanted), fix=fix)
    alone = layout.alone()
    notes = [*alone.notes(), *_list_notes(subsets, stems)]
    return Dataset(listing.root, table, tuple(frames), name, tuple(notes))


@dataclass(frozen=True)
class _Layout:
    """Stem (without the folder that says "JPEGImages") -> file, for images, class masks and object masks."""

    images: dict[str, str]
    classes: dict[str, str]
    objects: dict[str, str]
    problems: tuple[Problem, ...] = ()

    @staticmethod
    def of(listing: Listing) -> _Layout:
        problems: list[Problem] = []
        found: dict[str, dict[str, str]] = {"images": {}, "classes": {}, "objects": {}}
        for name in listing.images:
            parts = PurePosixPath(name).parts
            at = next((at for at, part in enumerate(parts[:-1]) if part.lower() in _PARTS), None)
            if at is not None:
                stem = stem_of("/".join([*parts[:at], *parts[at + 1 :]]))
                kind = found[_PARTS[parts[at].lower()]]
                if stem in kind:
                    rule = "has the same name as another file, so that pairs are ambiguous"
                    both = f"{kind[stem]} and {name}"
                    problems.append(Problem(name, rule, "one file a name", both, "rename one of them"))
                kind[stem] = name
        return _Layout(found["images"], found["classes"], found["objects"], tuple(problems))

    def alone(self) -> Pairing:
        """What has no partner, for the notes."""
        masks = tuple(name for stem, name in self.classes.items() if stem not in self.images)
        return Pairing({}, tuple(name for stem, name in self.images.items() if stem not in self.classes), masks)


def _meaning(
    listing: Listing, given: ClassTable | None, options: Options, stems: Iterable[str]
) -> tuple[ClassTable, dict[int, int]]:
    """The class table, and the class id of each index and (with `COLOUR` added) of each colour."""
    path = _label_map(listing)
    if path is not None:
        colours = read_colour_file(path)
    elif options.get("voc_classes") or _official(listing, stems):
        colours = VOC
    else:
        return _indices(listing, given, stems)
    table = given or colours.classes()
    naming = name_classes({name: None for name, _ in colours.entries}, table, options, colours.place)
    raise_collected(naming.problems, ConfigError)
    by_colour = {COLOUR | packed: class_id for packed, class_id in colours.numbers(naming.ids).items()}
    by_colour.setdefault(COLOUR | packed_colour(VOC_VOID), table.void_id)
    return table, {**_by_index(colours, naming.ids, given), **by_colour, **_void_index(table)}


def _label_map(listing: Listing) -> Path | None:
    return next((listing.path(name) for name in listing.files if PurePosixPath(name).name == LABEL_MAP), None)


def _by_index(colours: ColourTable, ids: Mapping[str, int], given: ClassTable | None) -> dict[int, int]:
    """Indices count the names in the order of the list, void left out; a given table of other ids wins."""
    names = list(dict.fromkeys(name for name, _ in colours.entries if not means_void(name)))
    if given is not None and sorted(ids[name] for name in names) != list(range(len(names))):
        return {class_id: class_id for class_id in given.ids}
    return {at: ids[name] for at, name in enumerate(names)}


def _void_index(table: ClassTable) -> dict[int, int]:
    return {VOID_INDEX: VOID_INDEX if VOID_INDEX in table.ids else table.void_id}


def _indices(listing: Listing, given: ClassTable | None, stems: Iterable[str]) -> tuple[ClassTable, dict[int, int]]:
    """Ids as they are: of a given table, else of a list of names, where void names are left out of the count."""
    table = given
    for name in listing.files if table is None else ():
        if PurePosixPath(name).name in CLASS_FILES:
            table = _named(listing.path(name))
            break
    if table is None:
        raise ConfigError.of(
            str(listing.root),
            "has no class table: nobody says what the indices in the masks mean",
            allowed=f"{LABEL_MAP} (lines `name:R,G,B::`), class_names.txt (a name a line), or `classes:`",
            found=f"none of them, and names such as {few(list(stems)[:3])} that are not VOC's own",
            fix="set `options: {voc_classes: true}` if these are the 20 classes of PASCAL VOC",
        )
    return table, {**{class_id: class_id for class_id in table.ids}, **_void_index(table)}


def _named(path: Path) -> ClassTable:
    """A class file; where no line has a number, void names (LabelMe's `__ignore__`) are 255 and not counted."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if path.suffix == ".json" or "\N{REPLACEMENT CHARACTER}" in text or re.search(r"^\s*\d", text, re.MULTILINE):
        return read_class_file(path)  # and it says what is wrong with text that is not UTF-8
    lines = [line.strip() for line in text.splitlines()]
    names = [name for name in lines if name and not means_void(name)]
    background = next((name for name in names if name.lower().strip("_") == "background"), None)
    return ClassTable(tuple(ClassSpec(at, name) for at, name in enumerate(names)), background=background)


def _official(listing: Listing, stems: Iterable[str]) -> bool:
    """Whether this is VOC's own set: its lists by class, or names such as 2007_000032."""
    lists = any(PurePosixPath(name).name.startswith("aeroplane_") for name in listing.files)
    beside = any(PurePosixPath(name).name in CLASS_FILES for name in listing.files)
    return lists or (not beside and all(_OFFICIAL_STEM.search(stem) for stem in stems))


def _mask(
    files: tuple[Path, Path | None],
    table: ClassTable,
    class_of: Mapping[int, int],
    orientation: MaskOrientation,
    *,
    colours_decide: bool,
) -> MaskSource:
    """The labels in a file of classes and, where there is one, a file of objects."""
    classes = IndexOrColour(files[0], orientation, colours_decide)
    if files[1] is None:
        known = {number: Meaning(class_id) for number, class_id in class_of.items()}
        return ClassNumbers(Labels(classes, MeaningTable(known, table.describe())))
    objects = IndexOrColour(files[1], orientation)
    none = frozenset({0, VOID_INDEX, COLOUR, COLOUR | packed_colour(VOC_VOID)})
    both = ClassAndObject(classes, objects, class_of, none)
    meanings = ClassObjectMeanings(table.describe(), frozenset(table.ids), table.background_id, table.void_id)
    return ObjectNumbers(Labels(both, meanings, "redraw the object, or its class: the two masks contradict each other"))


@dataclass(frozen=True)
class ClassObjectMeanings:
    """What the numbers of `ClassAndObject` mean; an object on background is a contradiction, on void it is void."""

    described: str
    ids: frozenset[int]
    background_id: int | None
    void_id: int

    def of(self, number: int) -> Meaning | None:
        """Class in the upper 16 bits, object in the lower."""
        class_id, thing = number >> 16, number & 0xFFFF
        if class_id == self.void_id or (class_id in self.ids and not thing):
            return Meaning(class_id)
        return Meaning(class_id, thing) if class_id in self.ids and class_id != self.background_id else None

    def allowed(self) -> str:
        """The class table."""
        return f"objects on pixels of a class: {self.described}"


@dataclass(frozen=True)
class IndexOrColour:
    """A palette or grey PNG as its indices; an RGB PNG as its colours, `COLOUR` added.

    `colours_decide` takes a palette's colours too: where a list of colours lies beside the masks, they are what counts.
    """

    path: Path
    orientation: MaskOrientation = "auto"
    colours_decide: bool = False

    def __str__(self) -> str:
        return str(self.path)

    def numbers(self, shape: FrameShape) -> Numbers:
        """Indices, or colours."""
        colour = read_header(self.path).colour
        if colour in ("rgb", "rgba") or (colour == "palette" and self.colours_decide):
            return read_colours(self.path, expected=shape, orientation=self.orientation) | np.uint32(COLOUR)
        return whole_numbers(read_values(self.path, expected=shape, orientation=self.orientation)[0])

    @property
    def files(self) -> tuple[Path, ...]:
        """The file."""
        return (self.path,)

    @property
    def digest(self) -> str:
        """How it is read."""
        return f"index or colour {self.orientation} {self.colours_decide}"


def _subsets(listing: Listing) -> dict[str, list[str]]:
    """Stem -> the lists of ImageSets/Segmentation that name it."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in listing.files:
        path = PurePosixPath(name)
        if path.suffix == ".txt" and path.parts[-3:-1] == ("ImageSets", "Segmentation"):
            above = PurePosixPath(*path.parts[:-3])
            text = listing.path(name).read_text(encoding="utf-8-sig", errors="replace")
            for line in text.splitlines():
                if line.strip():
                    found[str(above / line.strip())].append(path.stem)
    return found


def _best(names: Iterable[str]) -> str:
    """`train` or `val` rather than `trainval`."""
    return min(names, key=lambda name: (name not in ("train", "val", "test"), name))


def _list_notes(subsets: Mapping[str, object], stems: Iterable[str]) -> list[str]:
    missing = sorted(subsets.keys() - set(stems))
    rule = f"{len(missing)} names in ImageSets/Segmentation have no image with a mask and were left out"
    return [f"ImageSets/Segmentation: {rule}: {few(missing)}"] if missing else []


_OPTIONS = {
    "voc_classes": "true: the indices are the 20 classes of PASCAL VOC, where nothing beside the masks says so",
    "image_set": "only the frames of this list in ImageSets/Segmentation: train, val, trainval",
    "map": "labels of labelmap.txt to rename: [glare=void, deep scratch=scratch]",
    "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
}
VOC_FORMAT = Format(recognise, read, _OPTIONS, write_palette_voc, frozenset({"void", "objects"}))
CVAT_MASKS = Format(recognise_cvat, read_cvat, _OPTIONS, write_colours_1_1, frozenset({"void", "objects"}))
