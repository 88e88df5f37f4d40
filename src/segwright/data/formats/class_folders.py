"""A folder a class, each image beside a binary mask of that class: the layout of the magnetic tile set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from segwright.core import ClassTable, ConfigError, DataError, Listener, Problem, raise_collected, tracked
from segwright.data.class_files import CLASS_FILES
from segwright.data.codecs.header import RefusedError
from segwright.data.codecs.labels import read_values
from segwright.data.codecs.writing import write_values
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.format import Format, Options, cut_of, orientation_of
from segwright.data.formats.pairs import Pairing, pair_by_name
from segwright.data.formats.placing import place_image
from segwright.data.images import ImageFile
from segwright.data.listing import Listing
from segwright.data.masks import BinaryMask, EmptyMask, MaskSource
from segwright.data.workers import in_threads

CUT = 128
BACKGROUND = "background"
FREE = "free"
_LOOKED_AT = 16


def recognise(listing: Listing) -> str | None:
    """At least two top folders of image-mask pairs whose masks are black and white rather than small ids."""
    if any(name in listing.files for name in CLASS_FILES):
        return None
    folders = _folders(pair_by_name(listing))
    if len(folders) < 2:
        return None
    masks = [listing.path(mask) for pairs in folders.values() for _, mask in list(pairs.values())[:4]]
    if not _binary(masks):
        return None
    return f"{len(folders)} folders of images with black-and-white masks beside them: {', '.join(sorted(folders))}"


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames whose masks are cut at `cut`: the folder's class above, background below.

    The free folder (no defects) is the one given as `free`, or the one whose masks are all empty; its frames are
    background all over, and a mask in it that turns out painted is an error when it is read.

    Raises:
        DataError: no pairs, or two files of one name.
        ConfigError: a folder that no class of a given table is named after, or no such free folder.
    """
    pairing = pair_by_name(listing)
    raise_collected(pairing.problems)
    folders = _folders(pairing)
    if not folders:
        raise DataError.of(
            str(listing.root),
            "has no folders of images with masks beside them",
            allowed="CLASS/.../name.jpg with CLASS/.../name.png",
            found=f"{len(listing.images)} image files",
            fix="say the format: `data: {format: index_png}` or another",
        )
    cut = cut_of(options, CUT)
    free = _free_folder(listing, folders, options.get("free"), cut)
    table = _table(folders, free, classes, str(options.get("background", BACKGROUND)))
    orientation = orientation_of(options)
    frames = []
    for folder, pairs in folders.items():
        for stem, (image, mask) in pairs.items():
            source: MaskSource = (
                EmptyMask(_background_id(table), listing.path(mask), cut, orientation)
                if folder == free
                else BinaryMask(listing.path(mask), table[folder].class_id, _background_id(table), cut, orientation)
            )
            frames.append(Frame(stem, ImageFile(listing.path(image)), source))
    frames.sort(key=lambda frame: frame.stem)
    return Dataset(listing.root, table, tuple(frames), "class_folders", tuple(pairing.notes()))


def _folders(pairing: Pairing) -> dict[str, dict[str, tuple[str, str]]]:
    """Top folder -> its pairs by stem, folders sorted."""
    folders: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for stem, pair in pairing.pairs.items():
        parts = PurePosixPath(stem).parts
        if len(parts) > 1:
            folders[parts[0]][stem] = pair
    return dict(sorted(folders.items()))


def _binary(masks: list[Path]) -> bool:
    """Whether what is painted is light (from the cut up) rather than small ids; smooth edges may lie between."""
    low, light = 0, 0
    for path in masks:
        try:
            values, _ = read_values(path, lossy=True)
        except RefusedError:
            continue
        low += int(np.count_nonzero((values > 0) & (values < CUT // 2)))
        light += int(np.count_nonzero(values >= CUT))
    return light > 0 and low < light // 2


def _free_folder(listing: Listing, folders: Mapping[str, Mapping], free: str | None, cut: int) -> str | None:
    if free == "none":
        return None
    if free is not None:
        if free not in folders:
            raise ConfigError.of(
                "options: free",
                "names no folder",
                allowed=f"{', '.join(folders)}, none",
                found=free,
                fix="name one of them, or none where every frame has a defect",
            )
        return free
    empty = [folder for folder, pairs in folders.items() if _all_empty(listing, list(pairs.values()), cut)]
    return empty[0] if len(empty) == 1 else None


def _all_empty(listing: Listing, pairs: list[tuple[str, str]], cut: int) -> bool:
    """Whether a spread of a folder's masks is empty; a painted mask elsewhere in it is caught when it is read."""
    step = max(1, len(pairs) // _LOOKED_AT)
    for _, mask in pairs[::step]:
        try:
            values, _ = read_values(listing.path(mask), lossy=True)
        except RefusedError:
            continue
        if np.any(values >= cut):
            return False
    return True


def _table(folders: Mapping[str, Mapping], free: str | None, given: ClassTable | None, background: str) -> ClassTable:
    named = [folder for folder in folders if folder != free]
    if given is None:
        return ClassTable.of([background, *named], background=background)
    missing = [folder for folder in named if folder not in given.names]
    if missing or given.background is None:
        raise ConfigError.of(
            "class table",
            "does not name the class folders and a background",
            allowed=f"background and {', '.join(named)}",
            found=given.describe(),
            fix=f"add {', '.join(missing) or 'background: NAME'} under `classes:` in segwright.yaml",
        )
    return given


def _background_id(table: ClassTable) -> int:
    if table.background is None:
        raise ValueError("a class folder table has a background")
    return table[table.background].class_id


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:
    """CLASS/STEM.* with CLASS/STEM_mask.png, 255 where the class is; frames of background alone in the folder `free`.

    A folder of the class's own name at the front of the stem is not repeated. Void becomes background.

    Raises:
        DataError: frames of more than one class besides the background, all of them; a table without background, or
            with names that are no folder names.
    """
    free = str(options.get("free", FREE))
    _check_table(dataset.classes, free)
    names = {spec.class_id: spec.name for spec in dataset.classes.foreground}
    problems: list[Problem] = []

    def placed(frame: Frame) -> None:
        ids = None if frame.mask is None else dataset.read_labels(frame).ids
        found = [] if ids is None else [class_id for class_id in names if (ids == class_id).any()]
        if len(found) > 1:
            what = ", ".join(names[class_id] for class_id in found)
            fix = "write the format index_png, which holds several classes in a frame"
            rule = "holds more than one class, and a folder is one class"
            problems.append(Problem(str(frame.image), rule, "one class besides the background", what, fix))
        elif ids is not None:
            top = names[found[0]] if found else free
            stem = frame.stem if frame.stem.startswith(f"{top}/") else f"{top}/{frame.stem}"
            place_image(replace(frame, stem=stem), folder)
            white = (ids == found[0]) if found else np.zeros(ids.shape, bool)
            write_values(folder / f"{stem}_mask.png", white.astype(np.uint8) * 255)

    for _ in tracked(in_threads(placed, dataset.frames), listener, "writing", len(dataset)):
        pass
    raise_collected(problems)


def _check_table(table: ClassTable, free: str) -> None:
    wrong = [name for name in table.names if "/" in name or "\\" in name or name.startswith(".") or name == free]
    if wrong or table.background is None:
        raise DataError.of(
            "class table",
            "does not fit into folders named after classes",
            allowed=f"a background, and names without / that are not '{free}'",
            found=", ".join(wrong) or f"no background: {table.describe()}",
            fix="rename the class in segwright.yaml, or name another folder: `options: {free: FOLDER}`",
        )


CLASS_FOLDERS = Format(
    recognise,
    read,
    {
        "free": "the folder of frames without defects; none: there is no such folder",
        "cut": "grey level from which a mask pixel is painted (128)",
        "background": "name of the class below the cut (background)",
        "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
    },
    write,
    write_options={"free": "the folder of frames without any class but the background (free)"},
)
