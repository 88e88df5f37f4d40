"""Where label maps to compare come from: mask files, a dataset, memory. Each answers by stem."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np

from segwright.core import (
    DEFAULT_VOID_ID,
    ArtefactError,
    ClassSpec,
    ClassTable,
    ConfigError,
    DataError,
    LabelMap,
    Problem,
    raise_collected,
)
from segwright.data import Dataset, columns_from_csv, columns_from_pattern, open_dataset, read_label_map
from segwright.data.class_files import CLASS_FILES, read_class_file
from segwright.data.codecs.header import RefusedError
from segwright.data.codecs.labels import read_values
from segwright.data.formats import FORMATS
from segwright.data.listing import Listing, list_files, stem_of
from segwright.data.workers import in_threads
from segwright.evaluate.domains import NO_COLUMNS, ColumnSource

PREDICTION_MANIFEST = "manifest.json"


class LabelSource(Protocol):
    """Label maps by stem, from one place."""

    @property
    def place(self) -> str:
        """Where they are, for messages."""
        ...

    @property
    def stems(self) -> tuple[str, ...]: ...

    @property
    def classes(self) -> ClassTable | None:
        """The class table that lies with them; None where only the caller can know."""
        ...

    def read(self, stem: str, classes: ClassTable) -> LabelMap:
        """Raises DataError where the labels cannot be read as ids of `classes`."""
        ...

    def columns(self, stem: str) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class MaskFiles:
    """Mask files that hold class ids. `mapping` renames values before they are read as ids.

    Frames in several folders have the column "folder"; `described` has further columns by stem.
    """

    place: str
    files: Mapping[str, Path]
    classes: ClassTable | None = None
    mapping: Mapping[int, int] = field(default_factory=dict)
    described: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(self.files)

    def read(self, stem: str, classes: ClassTable) -> LabelMap:
        return read_label_map(self.files[stem], classes, mapping=self.mapping)

    def columns(self, stem: str) -> Mapping[str, str]:
        folder = {"folder": str(PurePosixPath(stem).parent)} if self._in_folders else {}
        return {**folder, **self.described.get(stem, {})}

    def values(self) -> Counter[int]:
        """How many pixels have each value, after `mapping`, over all files."""
        total: Counter[int] = Counter()
        for found in in_threads(self._values_of, self.files.values()):
            total.update(found)
        return total

    @cached_property
    def _in_folders(self) -> bool:
        return len({PurePosixPath(stem).parent for stem in self.files}) > 1

    def _values_of(self, path: Path) -> Counter[int]:
        try:
            values, _ = read_values(path)
        except RefusedError as refusal:
            raise refusal.at(str(path)) from refusal
        found, counts = np.unique(values, return_counts=True)
        pixels: Counter[int] = Counter()
        for value, count in zip(found.tolist(), counts.tolist(), strict=True):
            pixels[self.mapping.get(value, value)] += count
        return pixels


@dataclass(frozen=True)
class DatasetLabels:
    """The labelled frames of a dataset."""

    dataset: Dataset

    @property
    def place(self) -> str:
        return str(self.dataset.root)

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(frame.stem for frame in self.dataset.frames if frame.mask is not None)

    @property
    def classes(self) -> ClassTable | None:
        return self.dataset.classes

    def read(self, stem: str, classes: ClassTable) -> LabelMap:
        labels = self.dataset.read_labels(self.dataset.frame(stem))
        return labels if labels.classes == classes else LabelMap(labels.ids, classes)

    def columns(self, stem: str) -> Mapping[str, str]:
        return self.dataset.frame(stem).columns


def open_source(path: Path, classes: ClassTable | None, mapping: Mapping[int, int]) -> LabelSource:
    """The label maps at `path`: one mask file, a folder of mask files, a prediction folder, or a dataset.

    A folder that holds images beside masks (any format `open_dataset` knows) is a dataset, else all of its image files
    are masks; a folder with `masks/` inside is read as that folder, with the class table of its manifest.

    Raises:
        DataError: nothing there, no mask in it, or two masks of one name.
    """
    if not path.exists():
        allowed = "a mask file, a folder of masks, a prediction folder or a dataset"
        raise DataError.of(str(path), "does not exist", allowed=allowed, fix="check the path")
    if path.is_file() and path.suffix.lower() not in (".json", ".xml", ".zip"):
        return MaskFiles(str(path), {path.stem: path}, _class_table_in(path.parent), mapping)
    if path.is_dir():
        listing = list_files(path)
        if _holds_predictions(listing) or not any(form.recognise(listing) for form in FORMATS.values()):
            return _mask_folder(listing, mapping)
    return DatasetLabels(open_dataset(path, classes=classes))


def with_columns(source: LabelSource, columns: ColumnSource) -> tuple[LabelSource, tuple[str, ...]]:
    """The source with the columns that a pattern and a CSV give its frames, and notes on them.

    Raises:
        ConfigError, DataError: as `ColumnSource.of`.
    """
    if columns == NO_COLUMNS:
        return source, ()
    if isinstance(source, DatasetLabels):
        dataset = with_dataset_columns(source.dataset, columns)
        return DatasetLabels(dataset), dataset.notes[len(source.dataset.notes) :]
    described, notes = columns.of(source.stems, source.place)
    return (replace(source, described=described) if isinstance(source, MaskFiles) else source), notes


def with_dataset_columns(dataset: Dataset, columns: ColumnSource) -> Dataset:
    """The dataset with the columns that a pattern and a CSV give its frames; raises as `ColumnSource.of`."""
    dataset = columns_from_pattern(dataset, columns.pattern) if columns.pattern else dataset
    return columns_from_csv(dataset, columns.csv) if columns.csv is not None else dataset


def table_of_values(truth: LabelSource, predictions: LabelSource) -> ClassTable:
    """Classes named after the ids in the masks (`class_0`, ...), for masks that nobody named. Void is 255.

    Raises:
        ConfigError: an id above 255, or a truth of 255 and at most one other value: 255 may be void or an object.
    """
    in_truth, in_predictions = (
        source.values() if isinstance(source, MaskFiles) else Counter[int]() for source in (truth, predictions)
    )
    ids = sorted((in_truth | in_predictions).keys() - {DEFAULT_VOID_ID})
    undecidable = DEFAULT_VOID_ID in in_truth and len(in_truth) <= 2
    if undecidable or not ids or ids[-1] > DEFAULT_VOID_ID:
        found = ", ".join(f"{value} ({count} pixels)" for value, count in sorted(in_truth.items())[:12])
        raise ConfigError.of(
            truth.place,
            "has no class table, and its values do not tell what they mean",
            allowed="a class file of lines such as `0 background`, or ids of which 255 is plainly void",
            found=found,
            fix="say it: --classes FILE; where 255 is an object, also --map 255=1",
        )
    return ClassTable(tuple(ClassSpec(value, f"class_{value}") for value in ids))


def _holds_predictions(listing: Listing) -> bool:
    """Whether this is what `segwright predict` writes: confidences beside the masks do not make it a dataset."""
    folders = {name.partition("/")[0] for name in listing.images}
    return PREDICTION_MANIFEST in listing.files and "masks" in folders and "images" not in folders


def _mask_folder(listing: Listing, mapping: Mapping[int, int]) -> MaskFiles:
    root = listing.root
    inside = "masks/" if any(name.startswith("masks/") for name in listing.images) else ""
    names = [name for name in listing.images if name.startswith(inside)]
    claims: dict[str, list[str]] = {}
    for name in names:
        claims.setdefault(stem_of(name.removeprefix(inside)), []).append(name)
    if not claims:
        found = f"{len(listing.files)} files, none with the suffix of an image"
        raise DataError.of(
            str(root),
            "holds no mask",
            allowed="PNG or TIFF files of class ids",
            found=found,
            fix="name the folder with the mask files themselves",
        )
    raise_collected(
        Problem(f"{root}/{stem}", "has two masks", "one file a name", ", ".join(found), "move one of them away")
        for stem, found in claims.items()
        if len(found) > 1
    )
    files = {stem: root / found[0] for stem, found in claims.items()}
    return MaskFiles(str(root), files, _class_table_in(root), mapping)


def _class_table_in(folder: Path) -> ClassTable | None:
    """The table in the folder's prediction manifest or class file; None where neither is there."""
    manifest = folder / PREDICTION_MANIFEST
    if manifest.is_file():
        try:
            content = json.loads(manifest.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ArtefactError.of(str(manifest), "is not JSON", found=str(error), fix="predict again") from error
        table = content.get("classes") if isinstance(content, dict) else None
        return ClassTable.from_json(table) if isinstance(table, dict) else None
    return next((read_class_file(folder / name) for name in CLASS_FILES if (folder / name).is_file()), None)


def few(names: Iterable[str], shown: int = 8) -> str:
    """Some names for a message."""
    listed = sorted(names)
    return ", ".join(listed[:shown]) + (f" ... ({len(listed)} in all)" if len(listed) > shown else "")
