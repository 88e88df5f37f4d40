"""MATLAB masks: groundTruth structs (CrackForest, BSDS), SBD's cls/ and inst/, or one plain array a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.io

from segwright.core import ClassSpec, ClassTable, ConfigError, DataError, Listener, few, tracked
from segwright.data.class_files import CLASS_FILES, read_class_file
from segwright.data.codecs import FrameShape
from segwright.data.codecs.header import REPLACE, RefusedError
from segwright.data.codecs.labels import MaskOrientation, follow_image
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.colour_tables import VOC
from segwright.data.formats.format import Format, Options, id_of, orientation_of, renamings
from segwright.data.formats.placing import place_image
from segwright.data.formats.voc import ClassObjectMeanings
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
from segwright.data.workers import in_threads

MAT_TEXT_BYTES = 116  # of the header of a MATLAB 5 file: free text, which scipy dates
_IMAGES = {"image", "images", "img", "imgs", "jpegimages"}
_KINDS = {"groundtruth": "truth", "gt": "truth", "masks": "truth", "labels": "truth", "cls": "cls", "inst": "inst"}
_TURNS = {"left": 1, "right": 3}  # quarter turns anticlockwise, as np.rot90 counts
SETS: dict[str, ClassTable] = {
    # cuilimeng/CrackForest-dataset: Segmentation holds 1 for background, 2 for cracks; 3 and 4 are other marks
    "crackforest": ClassTable((ClassSpec(1, "background"), ClassSpec(2, "crack")), background="background"),
    # GTcls.Segmentation of SBD holds VOC's indices
    "sbd": VOC.classes(),
    # BSDS divides images into regions that have no class
    "bsds": ClassTable((ClassSpec(0, "background"), ClassSpec(1, "region", "thing")), background="background"),
}


def recognise(listing: Listing) -> str | None:
    """Images with a .mat of the same name in groundTruth/, cls/, masks/ or labels/."""
    found = _frames(listing)
    return f"{len(found)} images with a .mat of the same name" if found else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of class ids, or of objects: with SBD's inst/, and for the regions of BSDS.

    The values are ids of the class table. `set` says which published set it is: crackforest (3 and 4 are void), sbd,
    bsds; SBD is known by its folders cls/ and inst/.

    Raises:
        DataError: no such files.
        ConfigError: nobody says what the values mean.
    """
    found = _frames(listing)
    if not found:
        raise DataError.of(
            str(listing.root),
            "has no images with .mat masks",
            allowed="image/001.jpg with groundTruth/001.mat, img/a.jpg with cls/a.mat",
            found=f"{len(listing.images)} images, {sum(name.endswith('.mat') for name in listing.files)} .mat files",
            fix="rename the folders so",
        )
    chosen = _set(found, options)
    table = classes or (SETS[chosen] if chosen else _beside(listing, found))
    reading = _Reading(listing, table, _known(table, chosen, options), options, orientation_of(options))
    frames = []
    for stem, (image, kinds) in sorted(found.items()):
        mask = reading.regions(kinds) if chosen == "bsds" else reading.mask(kinds)
        frames.append(Frame(stem, ImageFile(listing.path(image)), mask))
    used = {name for _, kinds in found.values() for name in kinds.values()}
    alone = [name for name in listing.files if name.endswith(".mat") and name not in used]
    notes = [f"{len(alone)} .mat files have no image and were left out: {few(alone)}"] if alone else []
    bare = sorted(set(listing.images) - {image for image, _ in found.values()})
    notes += [f"{len(bare)} images have no .mat and were left out: {few(bare)}"] if bare else []
    return Dataset(listing.root, table, tuple(frames), "mat_masks", tuple(notes))


def _frames(listing: Listing) -> dict[str, tuple[str, dict[str, str]]]:
    """Stem -> image, and kind of mask -> file."""
    mats: dict[str, dict[str, str]] = defaultdict(dict)
    for name in listing.files:
        parts = PurePosixPath(stem_of(name)).parts
        at = next((at for at, part in enumerate(parts[:-1]) if part.lower() in _KINDS), None)
        if name.lower().endswith(".mat"):
            kind = "truth" if at is None else _KINDS[parts[at].lower()]
            mats["/".join(part for nth, part in enumerate(parts) if nth != at)][kind] = name
    found = {}
    for name in listing.images if mats else ():
        parts = PurePosixPath(stem_of(name)).parts
        stem = "/".join(part for nth, part in enumerate(parts) if nth == len(parts) - 1 or part.lower() not in _IMAGES)
        if {"truth", "cls"} & mats.get(stem, {}).keys():
            found[stem] = (name, mats[stem])
    return found


def _set(found: Mapping[str, tuple[str, dict[str, str]]], options: Options) -> str | None:
    chosen = options.get("set", "sbd" if all("cls" in kinds for _, kinds in found.values()) else None)
    if chosen is None or chosen in SETS:
        return chosen
    fix = "leave it out, and name the classes in segwright.yaml"
    raise ConfigError.of("options: set", "is not known", allowed=", ".join(SETS), found=str(chosen), fix=fix)


def _beside(listing: Listing, found: Mapping[str, tuple[str, dict[str, str]]]) -> ClassTable:
    path = next((listing.path(name) for name in CLASS_FILES if name in listing.files), None)
    if path is not None:
        return read_class_file(path)
    mats = [kinds.get("truth") or kinds["cls"] for _, kinds in found.values()]
    values: set[int] = set()
    for name in mats[:: max(1, len(mats) // 20)]:
        try:
            values.update(np.unique(load_mask(listing.path(name), None, 0)).tolist())
        except RefusedError as refusal:
            raise refusal.at(str(listing.path(name))) from refusal
    raise ConfigError.of(
        str(listing.root),
        "has no class table: nobody says what the values in the masks mean",
        allowed=f"`classes:` in segwright.yaml, {CLASS_FILES[1]}, or the option set: {', '.join(SETS)}",
        found=f"values {few([str(value) for value in sorted(values)])}",
        fix="set `options: {set: crackforest}` if it is that set, or write classes.txt: a line `2 crack` each",
    )


def _known(table: ClassTable, chosen: str | None, options: Options) -> dict[int, Meaning]:
    known = {class_id: Meaning(class_id) for class_id in (*table.ids, table.void_id)}
    if chosen == "crackforest":
        known |= {number: Meaning(table.void_id) for number in (3, 4) if number not in table.ids}
    for text, becomes in renamings(options.get("map")).items():
        if not text.isdigit():
            fix = "write the number that stands in the masks first"
            raise ConfigError.of("options: map", "renames no number", allowed="[3=void]", found=text, fix=fix)
        known[int(text)] = Meaning(id_of(becomes, table))
    return known


@dataclass(frozen=True)
class _Reading:
    listing: Listing
    table: ClassTable
    known: Mapping[int, Meaning]
    options: Options
    orientation: MaskOrientation

    def raster(self, name: str) -> MatRaster:
        """The array in a file."""
        turn, person = self.options.get("turn"), self.options.get("annotator", 0)
        if turn is not None and turn not in _TURNS:
            fix = "set it to the turn that brings the masks upright"
            raise ConfigError.of("options: turn", "is unknown", allowed="left, right", found=str(turn), fix=fix)
        if not isinstance(person, int) or person < 0:
            fix = "0 is the first"
            raise ConfigError.of("options: annotator", "is no number", allowed="0, 1, ...", found=str(person), fix=fix)
        variable = self.options.get("variable")
        return MatRaster(self.listing.path(name), variable, person, turn, self.orientation)

    def mask(self, kinds: Mapping[str, str]) -> MaskSource:
        """Class ids; with SBD's inst/, objects too."""
        hint = "name the class in segwright.yaml, or set `options: {map: [3=void]}`"
        classes = self.raster(kinds.get("truth") or kinds["cls"])
        if "inst" not in kinds:
            return ClassNumbers(Labels(classes, MeaningTable(self.known, self.table.describe()), hint))
        class_of = {number: meaning.class_id for number, meaning in self.known.items()}
        both = ClassAndObject(classes, self.raster(kinds["inst"]), class_of)
        ids = frozenset(self.table.ids)
        meanings = ClassObjectMeanings(self.table.describe(), ids, self.table.background_id, self.table.void_id)
        return ObjectNumbers(Labels(both, meanings, "copy both .mat files again: they contradict each other"))

    def regions(self, kinds: Mapping[str, str]) -> MaskSource:
        """Every value a region of the only class besides the background."""
        class_id = self.table.foreground[0].class_id
        return ObjectNumbers(Labels(self.raster(kinds["truth"]), AllRegions(class_id)))


@dataclass(frozen=True)
class AllRegions:
    """Each number is an object of one class."""

    class_id: int

    def of(self, number: int) -> Meaning:
        """The number as an object."""
        return Meaning(self.class_id, number)

    def allowed(self) -> str:
        """Every number."""
        return "any number"


@dataclass(frozen=True)
class MatRaster:
    """The whole-number array in a .mat file; masks that lie on their side are turned by `turn`, else refused."""

    path: Path
    variable: str | None = None
    annotator: int = 0
    turn: str | None = None
    orientation: MaskOrientation = "auto"

    def __str__(self) -> str:
        return str(self.path)

    def numbers(self, shape: FrameShape) -> Numbers:
        """The array; values must be whole numbers from 0."""
        values = whole_numbers(load_mask(self.path, self.variable, self.annotator))
        size = (shape.size.height, shape.size.width)
        if values.shape == size[::-1] != size and shape.orientation == 1:
            if self.turn is None:
                raise RefusedError(
                    "lies on its side: it has its image's size turned by a quarter",
                    allowed=str(shape.size),
                    found=f"{values.shape[1]}x{values.shape[0]}",
                    fix="look at it, then set `options: {turn: left}` or right; it is never turned silently",
                )
            values = np.rot90(values, _TURNS[self.turn])
        return follow_image(values, shape, self.orientation)

    @property
    def files(self) -> tuple[Path, ...]:
        """The file."""
        return (self.path,)

    @property
    def digest(self) -> str:
        """How it is read."""
        return repr(("mat", self.variable, self.annotator, self.turn, self.orientation))


def load_mask(path: Path, variable: str | None, annotator: int) -> npt.NDArray:
    """The 2-D array of numbers in a .mat file: of a struct its field Segmentation, of a cell the one of `annotator`.

    Raises:
        RefusedError: no MATLAB file up to version 7.2, or no or several such arrays.
    """
    try:
        content = scipy.io.loadmat(str(path))
    except NotImplementedError as error:
        fix = "in MATLAB: save(NAME, '-v7')"
        raise RefusedError("is a MATLAB 7.3 file", allowed="versions 4 to 7.2", found="HDF5", fix=fix) from error
    except Exception as error:  # scipy raises a dozen unrelated types on damaged files
        found = str(error)[:120] or type(error).__name__
        raise RefusedError("cannot be read", allowed="a whole MATLAB file", found=found, fix=REPLACE) from error
    named = {name: value for name, value in content.items() if not name.startswith("__")}
    if variable is not None:
        named = {name: value for name, value in named.items() if name == variable}
    arrays = [found for found in (_array(value, annotator) for value in named.values()) if found is not None]
    if len(arrays) == 1:
        return arrays[0]
    fix = "name it: `options: {variable: NAME}`"
    found = few(list(content)[3:]) or "nothing"
    raise RefusedError(f"holds {len(arrays)} arrays that may be the mask", allowed="one", found=found, fix=fix)


def _array(value: Any, annotator: int) -> npt.NDArray | None:
    """The mask in a value of a .mat file, through cells and structs."""
    while isinstance(value, np.ndarray) and value.dtype.kind in "OV":
        if value.dtype.names:
            field = next((name for name in ("Segmentation", "segmentation") if name in value.dtype.names), None)
            if field is None or value.size != 1:
                return None
            value = value.ravel()[0][field]
        elif annotator < value.size:
            value = value.ravel()[annotator]
        else:
            rule, found = "has fewer annotators", f"{value.size} annotators"
            fix = "set `options: {annotator: 0}`"
            raise RefusedError(rule, allowed=f"0-{value.size - 1}", found=found, fix=fix)
    numeric = isinstance(value, np.ndarray) and value.ndim == 2 and min(value.shape) > 0 and value.dtype.kind in "iufb"
    return value.astype(np.uint8) if numeric and value.dtype.kind == "b" else (value if numeric else None)


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """images/ and groundTruth/STEM.mat: a struct groundTruth whose field Segmentation holds the class ids."""

    def placed(frame: Frame) -> None:
        place_image(frame, folder / "images")
        if frame.mask is not None:
            path = folder / "groundTruth" / f"{frame.stem}.mat"
            path.parent.mkdir(parents=True, exist_ok=True)
            ids = dataset.read_labels(frame).ids
            _save(path, ids)

    for _ in tracked(in_threads(placed, dataset.frames), listener, "writing", len(dataset)):
        pass


def _save(path: Path, ids: npt.NDArray) -> None:
    """A MATLAB 5 file without the hour it was written in: the same labels are the same bytes, and hash alike."""
    scipy.io.savemat(str(path), {"groundTruth": {"Segmentation": ids}}, do_compression=True)
    with path.open("r+b") as file:
        file.write(b"MATLAB 5.0 MAT-file".ljust(MAT_TEXT_BYTES))


MAT_MASKS = Format(
    recognise,
    read,
    {
        "set": "crackforest, sbd or bsds: a published set whose values are known",
        "variable": "name of the variable in the files, where there are several",
        "annotator": "which person's mask, where a file holds those of several; 0 is the first",
        "turn": "left or right: how masks that lie on their side are turned upright; else they are refused",
        "map": "values to rename: [3=void]",
        "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
    },
    write,
    frozenset({"void"}),
)
