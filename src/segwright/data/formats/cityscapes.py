"""Cityscapes: leftImg8bit/ and gtFine/ with label ids, instance ids and train ids."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, ConfigError, DataError, Listener, Problem, few, raise_collected, tracked
from segwright.data.codecs import MaskOrientation
from segwright.data.codecs.writing import write_values
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.cityscapes_table import BY_NAME, IGNORED, LABELS, city_table
from segwright.data.formats.format import Format, Options, id_of, orientation_of, renamings
from segwright.data.formats.object_numbers import numbered, objects_of
from segwright.data.formats.placing import place_image
from segwright.data.given_parts import part_column
from segwright.data.id_maps import (
    AgreeingRasters,
    ClassNumbers,
    Labels,
    Meaning,
    MeaningTable,
    Numbers,
    SegmentNumbers,
    ValueRaster,
)
from segwright.data.images import ImageFile
from segwright.data.listing import Listing, stem_of
from segwright.data.masks import MaskSource
from segwright.data.workers import in_threads

_PER_CLASS = 1000
_LAW = "instance ids that are label ids, or 1,000 x label id + object, of the same polygons"
_IMAGE = re.compile(r"^(?P<stem>.+)_leftImg8bit$")
_MASK = re.compile(r"^(?P<stem>.+)_gt(?P<quality>Fine|Coarse)_(?P<kind>labelIds|instanceIds|labelTrainIds)$")
_SAYS_NOTHING = {"leftimg8bit", "gtfine", "gtcoarse", "imgsfine", "leftimg8bit_trainvaltest", "gtfine_trainvaltest"}
_SUBSETS = ("train", "train_extra", "val", "test")


def recognise(listing: Listing) -> str | None:
    """How many `*_leftImg8bit` images have a `*_gtFine_*Ids.png`."""
    images, masks = _files(listing)
    shared = len(images.keys() & masks.keys())
    return f"{shared} images *_leftImg8bit with masks *_gtFine_*Ids" if shared else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames with label ids, and with objects and segments where there are instance ids.

    The 19 classes that the benchmark scores, everything else void; `whole_table` takes the other classes too. Where
    there are no label ids and no instance ids, train ids are read. A pixel of a countable class without an object
    number is a crowd. A given table of other names than the official ones says that the files hold its own ids.

    Raises:
        DataError: no such files.
        ConfigError: an official class that a given table does not name.
    """
    images, masks = _files(listing)
    stems = sorted(images.keys() & masks.keys())
    if not stems:
        raise DataError.of(
            str(listing.root),
            "has no Cityscapes images with masks",
            allowed="leftImg8bit/SPLIT/CITY/NAME_leftImg8bit.png, gtFine/SPLIT/CITY/NAME_gtFine_labelIds.png",
            found=f"{len(images)} images, {len(masks)} masks",
            fix="unpack leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip into one folder",
        )
    train_ids = not any({"labelIds", "instanceIds"} & masks[stem].keys() for stem in stems)
    table = classes or city_table(train_ids=train_ids, whole=bool(options.get("whole_table")))
    class_of = {kind: _class_of(table, options, train_ids=kind) for kind in (False, True)}
    reading = _Reading(listing, table, class_of, orientation_of(options))
    frames = tuple(
        Frame(stem, ImageFile(listing.path(images[stem])), reading.mask(masks[stem]), _columns(stem)) for stem in stems
    )
    notes = []
    alone = sorted(images.keys() - masks.keys())
    if alone:
        notes.append(f"{len(alone)} images have no mask and were left out: {few(alone)}")
    alone = sorted(masks.keys() - images.keys())
    if alone:
        notes.append(f"{len(alone)} masks have no image and were left out: {few(alone)}")
    return Dataset(listing.root, table, frames, "cityscapes", tuple(notes))


def _files(listing: Listing) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Stem -> image, and stem -> kind of mask -> file; fine masks win over coarse ones."""
    images: dict[str, str] = {}
    masks: dict[str, dict[str, str]] = defaultdict(dict)
    for name in sorted(listing.images, key=lambda name: "_gtFine_" in name):
        path = PurePosixPath(stem_of(name))
        folder = [part for part in path.parent.parts if part.lower() not in _SAYS_NOTHING]
        image, mask = _IMAGE.match(path.name), _MASK.match(path.name)
        if image:
            images["/".join([*folder, image["stem"]])] = name
        elif mask:
            masks["/".join([*folder, mask["stem"]])][mask["kind"]] = name
    return images, masks


def _columns(stem: str) -> dict[str, str]:
    parts = PurePosixPath(stem).parts
    if len(parts) < 3 or parts[-3] not in _SUBSETS:
        return {}
    return {**part_column(parts[-3]), "city": parts[-2]}


def _official(table: ClassTable) -> bool:
    return all(name in BY_NAME for name in table.names)


def _class_of(table: ClassTable, options: Options, *, train_ids: bool) -> dict[int, int]:
    """The class id (or void) of each number in the files.

    Raises:
        ConfigError: official classes that the table does not name and that are not void.
    """
    renamed = renamings(options.get("map"))
    numbers = {int(text): id_of(becomes, table) for text, becomes in renamed.items() if text.isdigit()}
    if not _official(table):
        own = {class_id: class_id for class_id in table.ids}
        return {**own, IGNORED: IGNORED if IGNORED in table.ids else table.void_id, **numbers}
    found, missing = {IGNORED: table.void_id}, []
    for label in LABELS:
        number = label.train_id if train_ids else label.label_id
        target = renamed.get(label.name, label.name)
        if target in table.names or label.name in renamed:
            found[number] = id_of(target, table)
        elif label.train_id == IGNORED:
            found.setdefault(number, table.void_id)
        else:
            missing.append(label.name)
    if missing:
        fix = f"add them under `classes:` in segwright.yaml, or set `options: {{map: [{missing[0]}=void]}}`"
        problem = Problem(
            "class table", "leaves out classes of Cityscapes that are scored", table.describe(), few(missing), fix
        )
        raise_collected([problem], ConfigError)
    return {**found, **numbers}


@dataclass(frozen=True)
class _Reading:
    listing: Listing
    table: ClassTable
    class_of: Mapping[bool, Mapping[int, int]]  # by train ids?
    orientation: MaskOrientation

    def mask(self, files: Mapping[str, str]) -> MaskSource:
        """The labels of one frame, from the kinds of mask it has."""
        paths = {kind: self.listing.path(name) for kind, name in files.items()}
        hint = "correct the mask, or rename a value: `options: {map: [19=void]}`"
        if "instanceIds" in paths:
            labels = None if "labelIds" not in paths else ValueRaster(paths["labelIds"], self.orientation)
            objects = ValueRaster(paths["instanceIds"], self.orientation)
            raster = AgreeingRasters(objects, labels, _label_of, _LAW, "cityscapes")
            countable = frozenset(spec.class_id for spec in self.table if spec.kind == "thing")
            meanings = CityMeanings(self.class_of[False], countable, self.table.background_id, self.table.void_id)
            return SegmentNumbers(Labels(raster, meanings, hint))
        kind = "labelIds" if "labelIds" in paths else "labelTrainIds"
        known = {number: Meaning(class_id) for number, class_id in self.class_of[kind == "labelTrainIds"].items()}
        only = ValueRaster(paths[kind], self.orientation)
        return ClassNumbers(Labels(only, MeaningTable(known, self.table.describe()), hint))


def _label_of(numbers: Numbers) -> Numbers:
    return np.where(numbers < _PER_CLASS, numbers, numbers // _PER_CLASS)


@dataclass(frozen=True)
class CityMeanings:
    """Source: cityscapesScripts, preparation/json2instanceImg.py: a region without a number of its own is a group."""

    class_of: Mapping[int, int]
    countable: frozenset[int]
    background_id: int | None
    void_id: int

    def of(self, number: int) -> Meaning | None:
        """What an instance id means."""
        label, thing = (number, None) if number < _PER_CLASS else divmod(number, _PER_CLASS)
        class_id = self.class_of.get(label)
        if class_id is None or class_id == self.void_id:
            return None if class_id is None else Meaning(class_id)
        if thing is None and class_id in self.countable:
            return Meaning(class_id, 0, crowd=True, painted=class_id)
        return Meaning(class_id, None if thing is None or class_id == self.background_id else thing + 1)

    def allowed(self) -> str:
        """The label ids."""
        return f"label ids {', '.join(str(label) for label in sorted(self.class_of))}, and 1,000 x id + object"


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """leftImg8bit/STEM_leftImg8bit.*, gtFine/STEM_gtFine_labelIds.png and, where there are objects, instanceIds.png.

    A table of the official names is written in official label ids, with labelTrainIds.png beside; another in its own.

    Raises:
        DataError: class ids or numbers of objects that the files do not hold.
    """
    official = _official(dataset.classes)
    label_of = _written_labels(dataset.classes, official=official)
    train_of = np.full(256, IGNORED, np.uint8)
    for label in LABELS:
        train_of[label.label_id] = label.train_id

    def placed(frame: Frame) -> None:
        place_image(replace(frame, stem=f"{frame.stem}_leftImg8bit"), folder / "leftImg8bit")
        if frame.mask is None:
            return
        labels = dataset.read_labels(frame)
        label_ids = label_of[labels.ids]
        name = str(folder / "gtFine" / f"{frame.stem}_gtFine_")
        write_values(f"{name}labelIds.png", label_ids.astype(np.uint8))
        if official:
            write_values(f"{name}labelTrainIds.png", train_of[label_ids])
        objects = objects_of(dataset, frame)
        if objects is not None:
            numbers, found = numbered(labels, objects)
            classes = np.array([0, *(label_of[one.class_id] for one in found)])
            write_values(f"{name}instanceIds.png", _instance_ids(label_ids, numbers, classes, frame))

    for _ in tracked(in_threads(placed, dataset.frames), listener, "writing", len(dataset)):
        pass


def _written_labels(table: ClassTable, *, official: bool) -> npt.NDArray[np.uint16]:
    label_of = np.zeros(65536, np.uint16)
    for spec in table:
        label_of[spec.class_id] = BY_NAME[spec.name].label_id if official else spec.class_id
    label_of[table.void_id] = 0 if official else IGNORED
    beyond = [] if official else [class_id for class_id in table.ids if class_id >= IGNORED]
    if beyond:
        raise DataError.of(
            "class table",
            "has ids that label ids of 8 bits do not hold",
            allowed="class ids 0-254; 255 is void",
            found=few([str(class_id) for class_id in beyond]),
            fix="number the classes from 0, or write the format index_png",
        )
    return label_of


def _instance_ids(label_ids: npt.NDArray, numbers: npt.NDArray, classes: npt.NDArray, frame: Frame) -> npt.NDArray:
    """Label ids where there is no object, else 1,000 x label id + the number of the object in its class."""
    nth = [0] * len(classes)
    counts: dict[int, int] = defaultdict(int)
    for at in range(1, len(classes)):
        nth[at] = counts[int(classes[at])]
        counts[int(classes[at])] += 1
    values = np.where(numbers > 0, classes[numbers] * _PER_CLASS + np.array(nth)[numbers], label_ids)
    if max(nth) >= _PER_CLASS or values.max() > 65535:
        raise DataError.of(
            str(frame.image),
            "has objects that instance ids of 16 bits do not hold",
            allowed="up to 1,000 objects of a class, of class ids up to 64",
            found=f"{max(nth) + 1} objects of one class, class ids up to {classes.max()}",
            fix="write the format coco_panoptic, which numbers objects with 24 bits",
        )
    return values.astype(np.uint16)


CITYSCAPES = Format(
    recognise,
    read,
    {
        "whole_table": "true: the classes that the benchmark does not score are classes too, not void",
        "map": "names or numbers to rename: [caravan=car, 19=void]",
        "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
    },
    write,
    frozenset({"void", "objects", "segments"}),
)
