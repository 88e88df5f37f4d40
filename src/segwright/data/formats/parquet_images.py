"""Hugging Face datasets as Parquet: a column of images, a column of masks, each cell the bytes of a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from segwright.core import ClassSpec, ClassTable, ConfigError, DataError, Problem, few, raise_collected
from segwright.data.class_files import CLASS_FILES, means_void, read_class_file
from segwright.data.dataset import Dataset, Frame
from segwright.data.extras import imported
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.parquet_writing import ID2LABEL, STEM, write
from segwright.data.formats.volume_frames import value_mapping
from segwright.data.given_parts import part_column
from segwright.data.listing import Listing, stem_of
from segwright.data.packed import Cell, PackedImage, PackedMask, parquet

_IMAGES = ("image", "pixel_values", "img")
_LABELS = ("label", "annotation", "mask", "labels", "segmentation_mask", "semantic_segmentation", "annotations")


def recognise(listing: Listing) -> str | None:
    """Parquet files."""
    files = _tables(listing)
    return f"{len(files)} Parquet tables" if files else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """A frame for each row; the other columns of text and numbers are its columns, the file's name gives `part`.

    Masks are index masks: the values are class ids, named in id2label.json or by a class table.

    Raises:
        DataError: no tables, damaged ones, or tables without the columns; all of them.
        ConfigError: no class table.
    """
    files = _tables(listing)
    table = classes or table_beside(listing)
    mapping = value_mapping(table, options)
    orientation = orientation_of(options)
    frames: list[Frame] = []
    problems: list[Problem] = []
    for name in files:
        try:
            rows = list(_rows(listing, name, options))
        except DataError as error:
            problems += error.problems
            continue
        for stem, image, label, columns in rows:
            mask = None if label is None else PackedMask(label, mapping, orientation)
            frames.append(Frame(stem, PackedImage(image, f"{PurePosixPath(stem).name}.png"), mask, columns))
    raise_collected(problems)
    if not frames:
        allowed, fix = "tables with rows of images and masks", "download the data files of the set again"
        raise DataError.of(str(listing.root), "has no rows", allowed=allowed, found=f"{len(files)} tables", fix=fix)
    frames.sort(key=lambda frame: frame.stem)
    bare = sum(frame.mask is None for frame in frames)
    notes = (f"{bare} rows have no mask; their frames are unlabelled",) if bare else ()
    return Dataset(listing.root, table, tuple(frames), "parquet_images", notes)


def _tables(listing: Listing) -> list[str]:
    return [name for name in listing.files if name.lower().endswith(".parquet")]


def table_beside(listing: Listing) -> ClassTable:
    """The class table in id2label.json or a class file in the root.

    Raises:
        ConfigError: there is none, or it is none.
    """
    if ID2LABEL in listing.files:
        return _id2label(listing.path(ID2LABEL))
    path = next((listing.path(name) for name in CLASS_FILES if name in listing.files), None)
    if path is not None:
        return read_class_file(path)
    raise ConfigError.of(
        str(listing.root),
        "has no class table: nobody says what the ids in the masks mean",
        allowed=f"`classes:` in segwright.yaml, a file {ID2LABEL}, or {CLASS_FILES[1]}",
        found="none of them",
        fix='write id2label.json: {"0": "background", "1": "scratch"}',
    )


def _id2label(path: Path) -> ClassTable:
    try:
        named = {int(number): str(name) for number, name in json.loads(path.read_text(encoding="utf-8-sig")).items()}
    except (OSError, ValueError, AttributeError) as error:
        fix = "write a JSON object of numbers and names"
        found = f"{type(error).__name__}: {error}"[:120]
        raise ConfigError.of(
            str(path), "is no list of classes", allowed='{"0": "wall"}', found=found, fix=fix
        ) from error
    void = [number for number, name in named.items() if means_void(name)]
    specs = tuple(ClassSpec(number, name) for number, name in named.items() if number not in void[:1])
    background = next((spec.name for spec in specs if spec.name.lower() == "background"), None)
    return ClassTable(specs, void[0] if void else 255, background)


def _rows(listing: Listing, name: str, options: Options) -> Iterator[tuple[str, Cell, Cell | None, dict[str, str]]]:
    """Stem, image cell, mask cell and columns of each row of a table."""
    path = listing.path(name)
    library = parquet()
    try:
        with library.ParquetFile(str(path)) as file:
            names = file.schema_arrow.names
            image, label = _chosen(path, names, options)
            plain = [
                field.name for field in file.schema_arrow if field.name not in (image, label) and _is_plain(field.type)
            ]
            facts = file.read(columns=plain).to_pylist() if plain else [{}] * file.metadata.num_rows
            groups = [file.metadata.row_group(at).num_rows for at in range(file.metadata.num_row_groups)]
            paths = _names_in(file, image)
    except DataError:
        raise
    except Exception as error:  # pyarrow raises a dozen unrelated types on damaged files
        found, fix = str(error)[:160] or type(error).__name__, "download it again"
        raise DataError.of(str(path), "cannot be read", allowed="a Parquet file", found=found, fix=fix) from error
    base = stem_of(name).removeprefix("data/")
    subset = PurePosixPath(base).name.partition("-")[0]
    places = ((group, at) for group, count in enumerate(groups) for at in range(count))
    for row, ((group, at), values, named) in enumerate(zip(places, facts, paths, strict=True)):
        columns = {key: str(value) for key, value in values.items() if value is not None and key != STEM}
        stem = values.get(STEM) or (f"{subset}/{stem_of(named)}" if named else f"{base}/{row:07d}")
        mask = None if label is None else Cell(path, group, at, row, label)
        yield str(stem), Cell(path, group, at, row, image), mask, {**part_column(subset), **columns}


def _names_in(file: Any, image: str) -> list[str | None]:
    """The file names in the image column, where every row has one of its own; else none."""
    try:
        paths = file.read(columns=[f"{image}.path"]).column(0).to_pylist()
        names = [value.get("path") if isinstance(value, Mapping) else None for value in paths]
    except Exception:  # a column of plain bytes has no names
        names = []
    usable = len(names) == file.metadata.num_rows and all(names) and len({*names}) == len(names)
    return [PurePosixPath(str(name)).name for name in names] if usable else [None] * file.metadata.num_rows


def _is_plain(kind: Any) -> bool:
    types = imported("pyarrow.types", "store", "Parquet tables")
    return types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind) or types.is_floating(kind)


def _chosen(path: Path, names: list[str], options: Options) -> tuple[str, str | None]:
    image = options.get("image_column") or next((name for name in _IMAGES if name in names), None)
    label = options.get("label_column") or next((name for name in _LABELS if name in names), None)
    if image in names and (label is None or label in names):
        return str(image), None if label is None else str(label)
    raise DataError.of(
        str(path),
        "has no column of images, or not the columns that were named",
        allowed="columns such as image and label",
        found=few(names),
        fix="name them: `options: {image_column: NAME, label_column: NAME}`",
    )


PARQUET_IMAGES = Format(
    recognise,
    read,
    {
        "image_column": "column of the images, where it is not called image",
        "label_column": "column of the masks, where it is not called label, annotation or mask",
        "map": "values of the masks to rename: [0=void]",
        "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
    },
    write,
    frozenset({"void"}),
)
