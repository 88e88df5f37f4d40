"""YOLO semantic: a dataset YAML with `masks_dir`, and index masks whose values are class ids; 255 is ignored.

`label_mapping` renames values as they are read. Source: docs.ultralytics.com/datasets/semantic.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from segwright.core import (
    ClassSpec,
    ClassTable,
    ConfigError,
    DataError,
    LabelMap,
    Listener,
    adopt,
    few,
    raise_collected,
    tracked,
)
from segwright.data.class_files import means_void
from segwright.data.codecs import write_label_map
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import choose_file, name_classes, require_images
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.placing import place_image
from segwright.data.formats.yolo_seg_writing import write_parts
from segwright.data.formats.yolo_yaml import YoloSet, beside, read_yaml, settings_of, stem_without, yaml_files
from segwright.data.given_parts import PART
from segwright.data.images import ImageFile
from segwright.data.listing import Listing
from segwright.data.masks import IndexMask
from segwright.data.workers import in_threads

_SUFFIXES = (".png", ".PNG", ".bmp", ".tif")
_VOID = 255


def recognise(listing: Listing) -> str | None:
    """Which dataset YAML names a folder of masks, or None."""
    files = _candidates(listing)
    return f"YOLO semantic masks of {few(files)}" if files else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the images that a dataset YAML lists, with the column `part`; images without a mask are left out.

    Raises:
        DataError: names or a mapping that contradict each other, or no image with a mask.
        ConfigError: labels outside a given class table.
    """
    found = read_yaml(listing, choose_file(listing, options, _candidates(listing), "YOLO dataset YAML with masks_dir"))
    table = classes or _table(found)
    naming = name_classes({name: index for index, name in found.names.items()}, table, options, found.place)
    raise_collected(naming.problems, ConfigError)
    mapping = _mapping(found, {index: naming.ids[name] for index, name in found.names.items()}, table)
    orientation = orientation_of(options)
    frames, bare = [], []
    for image, part in found.parts.items():
        mask = _mask_of(image, str(found.settings.get("masks_dir")), {*listing.files})
        if mask is None:
            bare.append(image)
            continue
        source = IndexMask(listing.path(mask), mapping, orientation)
        frames.append(Frame(stem_without(image, "images"), ImageFile(listing.path(image)), source, {PART: part}))
    require_images(frames, bare, listing.path(found.place))
    frames.sort(key=lambda frame: frame.stem)
    notes = [*found.notes]
    if bare:
        notes.append(f"{found.place}: {len(bare)} images have no mask and were left out: {few(bare)}")
    return Dataset(listing.root, table, tuple(frames), "yolo_masks", tuple(notes))


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """images/STEM.*, masks/STEM.png, data.yaml, and a list of images for each part where frames have that column.

    Masks hold the position in the class table, void 255, because Ultralytics wants indices from 0 without a gap.

    Raises:
        DataError: more classes than such masks can hold.
    """
    if len(dataset.classes) > _VOID:
        fix, most = "write another format, such as index_png", f"at most {_VOID} classes"
        raise DataError.of(
            "yolo_masks", "cannot hold the classes", allowed=most, found=str(len(dataset.classes)), fix=fix
        )
    named = ClassTable.of([f"{at}" for at in range(len(dataset.classes))])

    def placed(frame: Frame) -> tuple[str, Frame]:
        channels = dataset.read_labels(frame).channels(void_as=_VOID).astype("uint8")
        write_label_map(folder / "masks" / f"{frame.stem}.png", LabelMap(adopt(channels), named))
        return place_image(frame, folder / "images"), frame

    frames = [frame for frame in dataset.frames if frame.mask is not None]
    placed_frames = dict(tracked(in_threads(placed, frames), listener, "writing", len(frames)))
    write_parts(folder, placed_frames, dict(enumerate(dataset.classes.names)), masks_dir="masks")


def _candidates(listing: Listing) -> list[str]:
    return [name for name in yaml_files(listing) if "masks_dir" in settings_of(listing.path(name))]


def _table(found: YoloSet) -> ClassTable:
    """The names as class ids, as they are: masks hold them."""
    background = next((name for name in found.names.values() if name.lower() == "background"), None)
    specs = tuple(ClassSpec(index, name) for index, name in found.names.items() if not means_void(name))
    return ClassTable(specs, _VOID, background)


def _mapping(found: YoloSet, ids: Mapping[int, int], table: ClassTable) -> dict[int, int]:
    """What values of the masks become: by `label_mapping` an index, by the names a class id; 255 is void.

    Raises:
        DataError: a mapping that is none, or to an index without a name.
    """
    given: Any = found.settings.get("label_mapping") or {}
    rows = given.items() if isinstance(given, dict) else [("not a mapping", given)]
    wrong = [f"{value}: {index}" for value, index in rows if not _fits(value, index, ids)]
    if wrong:
        raise DataError.of(
            f"{found.place}: label_mapping",
            "is no mapping from mask values to class indices",
            allowed=f"value: index, of {few([str(index) for index in ids])}, or {_VOID} for void",
            found=few(wrong),
            fix="correct it, or leave it out where masks hold the indices",
        )
    become = {**ids, _VOID: table.void_id, -1: table.void_id}
    told = {int(value): become[int(index)] for value, index in rows} if given else {}
    return {value: class_id for value, class_id in {**become, **told}.items() if value >= 0}


def _fits(value: object, index: object, ids: Mapping[int, int]) -> bool:
    whole = isinstance(value, int) and isinstance(index, int)
    return whole and -1 <= value < 65536 and (index in ids or index in (_VOID, -1))  # type: ignore[operator]


def _mask_of(image: str, masks_dir: str, files: set[str]) -> str | None:
    folder = PurePosixPath(masks_dir.replace("\\", "/")).name or "masks"
    candidates = (beside(image, "images", folder, suffix) for suffix in _SUFFIXES)
    return next((name for name in candidates if name in files and name != image), None)


YOLO_MASKS = Format(
    recognise,
    read,
    {
        "annotations": "the dataset YAML, relative to the root, where there are several",
        "map": "labels to rename: [glare=void, deep scratch=scratch]",
        "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
    },
    write=write,
    carries=frozenset({"void"}),
)
