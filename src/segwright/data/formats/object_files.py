"""One file an object: ID/images/ID.png with ID/masks/*.png, the layout of the 2018 Data Science Bowl."""

from __future__ import annotations

from collections import defaultdict
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
from segwright.data.codecs.writing import write_values
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import name_classes
from segwright.data.formats.format import Format, Options, cut_of, orientation_of
from segwright.data.formats.object_numbers import objects_of
from segwright.data.formats.placing import place_image
from segwright.data.images import ImageFile
from segwright.data.listing import Listing, stem_of
from segwright.data.object_files import ObjectFile, ObjectFiles
from segwright.data.workers import in_threads

_OBJECT = "object"


def recognise(listing: Listing) -> str | None:
    """Folders that hold images/ with one image and masks/ with files that are not named after it."""
    found = _folders(listing)
    sure = [folder for folder, parts in found.items() if parts.is_one_image and parts.masks]
    if not sure or len(sure) < sum(bool(parts.images) for parts in found.values()) / 2:
        return None
    return f"{len(sure)} folders of one image with one mask file an object"


class _Parts:
    """The images and masks in one frame's folder."""

    def __init__(self) -> None:
        self.images: list[str] = []
        self.masks: list[tuple[str, str]] = []

    @property
    def is_one_image(self) -> bool:
        """Whether this can be one frame with its objects, not a folder of pairs."""
        if len(self.images) != 1:
            return False
        name = PurePosixPath(stem_of(self.images[0])).name
        alike = [mask for _, mask in self.masks if PurePosixPath(stem_of(mask)).name == name]
        return not (alike and len(self.masks) == 1)


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of objects that may overlap; all of one class (`class_name`), or of the class that masks/CLASS/ says.

    Raises:
        DataError: no such folders, or several images in one; all of them.
        ConfigError: classes that a given table does not name.
    """
    found = _found(listing)
    single = str(options.get("class_name", _OBJECT))
    names = sorted({name or single for parts in found.values() for name, _ in parts.masks}) or [single]
    table = classes or _own(names)
    if table.background is None:
        fix = "set `background: NAME` in segwright.yaml"
        raise ConfigError.of(
            "class table", "has no background", allowed="a background", found=table.describe(), fix=fix
        )
    renamed = (
        options if classes is None or options.get("map") or single in table.names else _alone(table, single, options)
    )
    naming = name_classes(dict.fromkeys(names), table, renamed, str(listing.root))
    raise_collected(naming.problems, ConfigError)
    cut, orientation = cut_of(options), orientation_of(options)
    frames = []
    for folder, parts in sorted(found.items()):
        files = tuple(ObjectFile(listing.path(mask), naming.ids[name or single]) for name, mask in parts.masks)
        mask = ObjectFiles(files, table.unpainted_id, cut, orientation)
        frames.append(Frame(folder, ImageFile(listing.path(parts.images[0])), mask))
    bare = [folder for folder, parts in found.items() if not parts.masks]
    notes = [f"{len(bare)} images have no mask file and are background all over: {few(bare)}"] if bare else []
    orphans = [folder for folder, parts in _folders(listing).items() if not parts.images]
    notes += [f"{len(orphans)} folders of masks have no image and were left out: {few(orphans)}"] if orphans else []
    return Dataset(listing.root, table, tuple(frames), "object_files", tuple(notes))


def _found(listing: Listing) -> dict[str, _Parts]:
    found = {folder: parts for folder, parts in _folders(listing).items() if parts.images}
    problems = [
        Problem(
            str(listing.path(folder)),
            f"holds {len(parts.images)} images",
            "one image a folder of objects",
            few(parts.images),
            "give each image a folder of its own, or say `data: {format: index_png}`",
        )
        for folder, parts in found.items()
        if len(parts.images) > 1
    ]
    raise_collected(problems)
    if not found:
        raise DataError.of(
            str(listing.root),
            "has no folders of an image and its objects",
            allowed="ID/images/ID.png with ID/masks/*.png",
            found=f"{len(listing.images)} image files",
            fix="say the format: `data: {format: index_png}` or another",
        )
    return found


def _folders(listing: Listing) -> dict[str, _Parts]:
    """Frame folder -> its images and its masks, as (class or "", file)."""
    found: dict[str, _Parts] = defaultdict(_Parts)
    for name in listing.images:
        parts = PurePosixPath(name).parts
        if len(parts) >= 3 and parts[-2] == "images":
            found["/".join(parts[:-2])].images.append(name)
        elif len(parts) >= 3 and parts[-2] == "masks":
            found["/".join(parts[:-2])].masks.append(("", name))
        elif len(parts) >= 4 and parts[-3] == "masks":
            found["/".join(parts[:-3])].masks.append((parts[-2], name))
    return found


def _own(names: list[str]) -> ClassTable:
    things = (ClassSpec(at, name, "thing") for at, name in enumerate(names, start=1))
    return ClassTable((ClassSpec(0, "background"), *things), background="background")


def _alone(table: ClassTable, single: str, options: Options) -> Options:
    """Masks of no named class are the table's only class besides the background."""
    others = table.foreground
    return {**options, "map": {single: others[0].name}} if len(others) == 1 else options


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """STEM/images/NAME.*, STEM/masks/CLASS/0001.png ...; straight in masks/ where there is only one class.

    Raises:
        DataError: frames whose labels do not say which pixel is which object, or class names that are no folder names.
    """
    single = len(dataset.classes.foreground) == 1
    _check_names(dataset.classes)

    def placed(frame: Frame) -> None:
        home = folder / frame.stem
        picture = Frame(PurePosixPath(frame.stem).name, frame.image)
        place_image(picture, home / "images")
        objects = None if frame.mask is None else objects_of(dataset, frame)
        if frame.mask is not None and objects is None:
            rule = "has labels that say which class a pixel is, and no objects"
            fix = "write the format index_png, or make objects with instances_from_label_map"
            raise DataError.of(str(frame.image), rule, allowed="a frame with objects", found="class ids", fix=fix)
        single_objects = [one for one in objects or () if not one.crowd]
        names = {spec.class_id: "" if single else spec.name for spec in dataset.classes}
        for at, one in enumerate(single_objects, start=1):
            white = one.over(frame.image.shape().size).astype(np.uint8) * 255
            write_values(home / "masks" / names[one.class_id] / f"{at:05d}.png", white)

    for _ in tracked(in_threads(placed, dataset.frames), listener, "writing", len(dataset)):
        pass


def _check_names(table: ClassTable) -> None:
    wrong = [spec.name for spec in table.foreground if "/" in spec.name or "\\" in spec.name or spec.name[0] == "."]
    if wrong:
        fix = "rename the class in segwright.yaml, or write another format"
        raise DataError.of(
            "class table", "has names that are no folder names", allowed="no /", found=few(wrong), fix=fix
        )


OBJECT_FILES = Format(
    recognise,
    read,
    {
        "class_name": "name of the class of the objects in masks/ (object)",
        "cut": "grey level from which a mask pixel is painted (128)",
        "map": "class folders to rename: [cell=nucleus]",
        "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
    },
    write,
    frozenset({"objects", "overlap"}),
)
