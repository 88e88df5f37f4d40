"""Mapillary Vistas 1.2 and 2.0: a config of labels, labels/ of 8 bits and instances/ of 16 bits."""

from __future__ import annotations

import json
import mmap
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import ClassSpec, ClassTable, ConfigError, DataError, Listener, few, raise_collected, tracked
from segwright.data.codecs.writing import write_values
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import name_classes
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.object_numbers import numbered, objects_of
from segwright.data.formats.placing import place_image
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

_KEYS = (b'"labels"', b'"evaluate"', b'"instances"')
_PER_LABEL = 256
_LAW = "instances = 256 x label + object"


def recognise(listing: Listing) -> str | None:
    """A config of labels, and images with labels."""
    configs = _configs(listing)
    if not configs:
        return None
    found = _frames(listing, configs[0], ())
    return f"{len(found)} images of Mapillary Vistas with {', '.join(configs)}" if found else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames with objects and segments where there are instance maps; labels that are not evaluated are void.

    The position of a label in the config is its id. Where both maps are there, they must agree.

    Raises:
        DataError: no config, several, or one that is none; no images with labels.
        ConfigError: a label that a given table does not name.
    """
    config = _chosen(listing, options)
    labels = _labels(listing.path(config))
    notes: list[str] = []
    found = _frames(listing, config, notes)
    if not found:
        raise DataError.of(
            str(listing.root),
            "has no images with labels",
            allowed="train/images/a.jpg with train/v2.0/labels/a.png, or train/labels/a.png",
            found=f"{len(listing.images)} image files",
            fix="unpack images and labels into one folder",
        )
    table = classes or _table(labels)
    counted = {at: row["name"] for at, row in enumerate(labels) if row["evaluate"]}
    naming = name_classes(dict.fromkeys(counted.values()), table, options, config)
    raise_collected(naming.problems, ConfigError)
    class_of = {at: naming.ids[counted[at]] if at in counted else table.void_id for at in range(len(labels))}
    things = frozenset(at for at, row in enumerate(labels) if row["instances"])
    meanings = VistasMeanings(class_of, things, table.void_id, table.background_id)

    def mask(kinds: Mapping[str, str]) -> MaskSource:
        rasters = {kind: ValueRaster(listing.path(name), orientation_of(options)) for kind, name in kinds.items()}
        hint = f"add the label to {config}, or correct the file"
        if "instances" in rasters:
            both = AgreeingRasters(rasters["instances"], rasters.get("labels"), _label_of, _LAW, "mapillary")
            return SegmentNumbers(Labels(both, meanings, hint))
        known = {label: Meaning(class_id) for label, class_id in class_of.items()}
        return ClassNumbers(Labels(rasters["labels"], MeaningTable(known, f"positions 0-{len(labels) - 1}"), hint))

    frames = tuple(Frame(stem, ImageFile(listing.path(image)), mask(kinds)) for stem, (image, kinds) in found.items())
    return Dataset(listing.root, table, frames, "mapillary", tuple(notes))


def _configs(listing: Listing) -> list[str]:
    return [
        name
        for name in listing.files
        if name.startswith("config") and name.endswith(".json") and _has_keys(listing.path(name))
    ]


def _has_keys(path: Path) -> bool:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return all(data.find(key) >= 0 for key in _KEYS)
    except (OSError, ValueError):
        return False


def _chosen(listing: Listing, options: Options) -> str:
    configs = _configs(listing)
    version = options.get("version")
    fitting = [name for name in configs if version is None or str(version) in name]
    if len(fitting) == 1:
        return fitting[0]
    raise DataError.of(
        str(listing.root),
        f"has {len(fitting)} configs of labels",
        allowed="one of " + (few(configs) or "config_v1.2.json, config_v2.0.json"),
        found=few(fitting) or "none",
        fix="set `options: {version: v2.0}`, or copy the config beside the folders",
    )


def _labels(path: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))["labels"]
        return [
            {
                "name": str(row["name"]),
                "instances": bool(row["instances"]),
                "evaluate": bool(row["evaluate"]),
                "colour": tuple(int(part) for part in row["color"]),
            }
            for row in rows
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        allowed, fix = "labels with name, color, instances and evaluate", "copy it again from the set"
        found = f"{type(error).__name__}: {error}"[:120]
        raise DataError.of(str(path), "is no config of labels", allowed=allowed, found=found, fix=fix) from error


def _table(labels: list[dict[str, Any]]) -> ClassTable:
    specs = [
        ClassSpec(at, row["name"], "thing" if row["instances"] else "stuff", row["colour"])
        for at, row in enumerate(labels)
        if row["evaluate"]
    ]
    return ClassTable(tuple(specs), 255 if len(labels) <= 255 else 65535)


def _frames(listing: Listing, config: str, notes: list[str] | tuple) -> dict[str, tuple[str, dict[str, str]]]:
    """Stem -> image and kinds of map, of the version that the config's name says; other versions are not looked at."""
    version = PurePosixPath(config).stem.removeprefix("config").removeprefix("_")
    images: dict[str, str] = {}
    maps: dict[str, dict[str, str]] = defaultdict(dict)
    for name in listing.images:
        parts = PurePosixPath(stem_of(name)).parts
        kind = next((part for part in parts[:-1] if part in ("images", "labels", "instances")), None)
        at = parts.index(kind) if kind else 0
        versions = [part for part in parts[:at] if part.startswith("v") and part[1:2].isdigit()]
        stem = "/".join(part for part in (*parts[:at], *parts[at + 1 :]) if part not in versions)
        if kind == "images":
            images[stem] = name
        elif kind and (not versions or versions[0] == version):
            maps[stem][kind] = name
    shared = sorted(images.keys() & maps.keys())
    alone = sorted(images.keys() - maps.keys())
    if alone and isinstance(notes, list):
        notes.append(f"{len(alone)} images have no labels and were left out: {few(alone)}")
    return {stem: (images[stem], maps[stem]) for stem in shared}


def _label_of(numbers: Numbers) -> Numbers:
    return numbers // _PER_LABEL


@dataclass(frozen=True)
class VistasMeanings:
    """What 256 x label + object means; labels that have no instances have no objects."""

    class_of: Mapping[int, int]
    things: frozenset[int]
    void_id: int
    background_id: int | None

    def of(self, number: int) -> Meaning | None:
        """The class and the object."""
        label, thing = divmod(number, _PER_LABEL)
        class_id = self.class_of.get(label)
        if class_id is None or class_id in (self.void_id, self.background_id):
            return None if class_id is None else Meaning(class_id)
        return Meaning(class_id, thing if label in self.things else None)

    def allowed(self) -> str:
        """The labels."""
        return f"256 x label + object, labels 0-{len(self.class_of) - 1}"


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """config.json, images/, labels/ and, for labels of objects, instances/; labels are the classes in order, then void.

    A class has instances where the table says thing, or where some frame has an object of it. In instances/, pixels of
    such a class that belong to no object are object 0 of their class.

    Raises:
        DataError: more than 255 classes, or more than 256 objects of one class in a frame.
    """
    table = dataset.classes
    if len(table) > 255:
        fix = "write the format index_png, which holds 16 bits"
        raise DataError.of("class table", "is too long", allowed="up to 255", found=str(len(table)), fix=fix)
    label_of = np.zeros(65536, np.uint16)
    label_of[[*table.ids, table.void_id]] = np.arange(len(table) + 1)
    things = {spec.class_id for spec in table if spec.kind == "thing"}
    placed = in_threads(lambda frame: _placed(dataset, frame, folder, label_of), dataset.frames)
    for of_objects in tracked(placed, listener, "writing", len(dataset)):
        things |= of_objects
    rows = [_row(spec.name, table.colour(spec.class_id), instances=spec.class_id in things) for spec in table]
    rows.append(_row("void--unlabeled", (0, 0, 0), instances=False, evaluate=False))
    text = json.dumps({"labels": rows, "version": "2.0", "mapping": "public"}, ensure_ascii=False, indent=1)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")


def _row(name: str, colour: tuple[int, int, int], *, instances: bool, evaluate: bool = True) -> dict[str, Any]:
    return {"name": name, "readable": name, "color": list(colour), "instances": instances, "evaluate": evaluate}


def _placed(dataset: Dataset, frame: Frame, folder: Path, label_of: npt.NDArray[np.uint16]) -> set[int]:
    place_image(frame, folder / "images")
    if frame.mask is None:
        return set()
    labels, objects = dataset.read_labels(frame), objects_of(dataset, frame)
    values = label_of[labels.ids]
    write_values(folder / "labels" / f"{frame.stem}.png", values.astype(np.uint8))
    if objects is None:
        return set()
    numbers, found = numbered(labels, objects)
    nth = [0]
    counts: dict[int, int] = defaultdict(int)
    for one in found:
        counts[one.class_id] += 1
        nth.append(counts[one.class_id])
    if max(nth) >= _PER_LABEL:
        rule, fix = "has more objects of one class than instance maps hold", "write the format coco_panoptic"
        raise DataError.of(str(frame.image), rule, allowed="up to 255", found=str(max(nth)), fix=fix)
    whole = values.astype(np.uint16) * _PER_LABEL + np.array(nth, np.uint16)[numbers]
    write_values(folder / "instances" / f"{frame.stem}.png", whole)
    return {one.class_id for one in found}


MAPILLARY = Format(
    recognise,
    read,
    {
        "version": "v1.2 or v2.0, where both are there",
        "map": "labels to rename: [object--vehicle--caravan=object--vehicle--car]",
        "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
    },
    write,
    frozenset({"void", "objects", "segments"}),
)
