"""Hugging Face image folders: metadata.jsonl names an image and its mask a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from segwright.core import ClassTable, DataError, Listener, Problem, few, raise_collected, tracked
from segwright.data.codecs import write_label_map
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.parquet_images import table_beside
from segwright.data.formats.parquet_writing import ID2LABEL
from segwright.data.formats.placing import place_image
from segwright.data.formats.volume_frames import value_mapping
from segwright.data.given_parts import part_column
from segwright.data.images import ImageFile
from segwright.data.listing import Listing, stem_of
from segwright.data.masks import IndexMask
from segwright.data.workers import in_threads

_LISTS = ("metadata.jsonl", "metadata.csv")
_MASKS = ("mask_file_name", "label_file_name", "annotation_file_name", "mask", "label", "annotation")
_SAYS_IMAGES = {"images", "image"}


def recognise(listing: Listing) -> str | None:
    """metadata.jsonl or metadata.csv whose rows name a file_name and a mask."""
    found = _lists(listing)
    if not found or not listing.images:
        return None
    try:
        first = next(iter(_rows(listing.path(found[0]))), {})
    except DataError:
        return None
    return f"{', '.join(found)} with file_name" if "file_name" in first and _mask_key(first, {}) else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """A frame for each row; other values of text and numbers are its columns, the list's folder gives `part`.

    Raises:
        DataError: rows without file_name, or that name files that are not there; all of them.
        ConfigError: no class table.
    """
    lists = _lists(listing)
    if not lists:
        allowed, fix = " or ".join(_LISTS), 'write a line {"file_name": "a.jpg", "mask_file_name": "a.png"} an image'
        raise DataError.of(str(listing.root), "has no list of images", allowed=allowed, found="none", fix=fix)
    table = classes or table_beside(listing)
    mapping, orientation = value_mapping(table, options), orientation_of(options)
    known = set(listing.files)
    problems: list[Problem] = []
    frames: list[Frame] = []
    for name in lists:
        folder = PurePosixPath(name).parent
        for at, row in enumerate(_rows(listing.path(name)), start=1):
            place = f"{listing.path(name)}: row {at}"
            key = _mask_key(row, options)
            names = [_below(folder, row.get("file_name")), _below(folder, row.get(key) if key else None)]
            wrong = [str(one) for one in names if one is not None and one not in known]
            if names[0] is None or wrong:
                rule = "names no image" if names[0] is None else "names files that are not there"
                fix = "correct file_name: a path below the folder of the list"
                problems.append(Problem(place, rule, "files below the root", few(wrong) or str(row)[:60], fix))
                continue
            mask = None if names[1] is None else IndexMask(listing.path(names[1]), mapping, orientation)
            frames.append(Frame(_stem(names[0]), ImageFile(listing.path(names[0])), mask, _columns(row, key, folder)))
    raise_collected(problems)
    frames.sort(key=lambda frame: frame.stem)
    bare = [frame.stem for frame in frames if frame.mask is None]
    notes = [f"{len(bare)} rows have no mask; their frames are unlabelled: {few(bare)}"] if bare else []
    return Dataset(listing.root, table, tuple(frames), "image_folder", tuple(notes))


def _lists(listing: Listing) -> list[str]:
    return [name for name in listing.files if PurePosixPath(name).name in _LISTS]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            if path.suffix == ".csv":
                yield from csv.DictReader(file)
                return
            for line in file:
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise ValueError(f"a line that is no object: {line[:60]}")
                    yield row
    except (OSError, ValueError, csv.Error, RecursionError) as error:
        fix = "write one JSON object a line"
        raise DataError.of(
            str(path), "cannot be read", allowed="JSON lines, UTF-8", found=str(error)[:120], fix=fix
        ) from error


def _mask_key(row: dict[str, Any], options: Options) -> str | None:
    """The key of the mask's file name: the one named, else one that says so and holds a name."""
    named = options.get("label_column")
    if named is not None:
        return str(named)
    return next(
        (key for key in _MASKS if isinstance(row.get(key), str) and row[key].lower().endswith((".png", ".tif"))), None
    )


def _below(folder: PurePosixPath, name: object) -> str | None:
    return str(folder / str(name).replace("\\", "/")) if name else None


def _stem(name: str) -> str:
    parts = PurePosixPath(stem_of(name)).parts
    return "/".join(part for at, part in enumerate(parts) if at == len(parts) - 1 or part not in _SAYS_IMAGES)


def _columns(row: dict[str, Any], key: str | None, folder: PurePosixPath) -> dict[str, str]:
    plain = {name: str(value) for name, value in row.items() if name not in ("file_name", key)}
    kept = {name: value for name, value in plain.items() if isinstance(row[name], str | int | float) and value}
    return part_column(folder.name) | kept


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """images/, masks/STEM.png, metadata.jsonl with file_name and mask_file_name, and id2label.json."""

    def placed(frame: Frame) -> dict[str, str]:
        row = {"file_name": f"images/{place_image(frame, folder / 'images')}"}
        if frame.mask is not None:
            row["mask_file_name"] = f"masks/{frame.stem}.png"
            write_label_map(folder / row["mask_file_name"], dataset.read_labels(frame))
        return row | {name: value for name, value in frame.columns.items() if name not in row}

    rows = list(tracked(in_threads(placed, dataset.frames), listener, "writing", len(dataset)))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / _LISTS[0]).write_text(text, encoding="utf-8")
    named = {str(spec.class_id): spec.name for spec in dataset.classes}
    (folder / ID2LABEL).write_text(json.dumps(named, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


IMAGE_FOLDER = Format(
    recognise,
    read,
    {
        "label_column": "key of the mask's file name, where it is not called mask_file_name, label or mask",
        "map": "values of the masks to rename: [0=void]",
        "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
    },
    write,
    frozenset({"void"}),
)
