"""Pictures and masks that are rows of a Parquet table: the bytes of whole image files."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segwright.core import ClassTable, Image, LabelMap
from segwright.data.codecs import FrameShape, MaskOrientation
from segwright.data.codecs.header import REPLACE, RefusedError
from segwright.data.codecs.labels import decoded_label_values, labelled
from segwright.data.codecs.reading import decoded_image, header_of
from segwright.data.extras import imported

_KEPT_GROUPS = 8


def parquet() -> Any:
    """The library that reads Parquet.

    Raises:
        DependencyMissing: it is not installed.
    """
    return imported("pyarrow.parquet", "store", "Parquet tables")


class _Groups:
    """The row groups read last, each a column of one table."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._columns: OrderedDict[tuple, Any] = OrderedDict()

    def column(self, path: Path, group: int, name: str) -> Any:
        library = parquet()
        with self._lock:  # one reader at a time: a group is read once, not once a thread
            try:
                key = (str(path), path.stat().st_mtime_ns, group, name)
                if key not in self._columns:
                    with library.ParquetFile(str(path)) as file:
                        self._columns[key] = file.read_row_group(group, columns=[name]).column(0)
            except Exception as error:  # pyarrow raises a dozen unrelated types on damaged files
                found = str(error)[:160] or type(error).__name__
                raise RefusedError(
                    "cannot be read", allowed="a whole Parquet file", found=found, fix=REPLACE
                ) from error
            self._columns.move_to_end(key)
            while len(self._columns) > _KEPT_GROUPS:
                self._columns.popitem(last=False)
            return self._columns[key]


_GROUPS = _Groups()


@dataclass(frozen=True, slots=True)
class Cell:
    """One image file in a table: which file, row group, row of the group and column; `row` counts through the file."""

    table: Path
    group: int
    at: int
    row: int
    column: str

    def __str__(self) -> str:
        return f"{self.table}, row {self.row}, {self.column}"

    def content(self) -> bytes:
        """The bytes of the image file.

        Raises:
            RefusedError: the table cannot be read, or the cell holds none.
        """
        value = _GROUPS.column(self.table, self.group, self.column)[self.at].as_py()
        data = value.get("bytes") if isinstance(value, dict) else value
        if isinstance(data, bytes) and data:
            return data
        raise RefusedError(
            "holds no image",
            allowed="the bytes of an image file",
            found="a path" if isinstance(value, dict) and value.get("path") else "nothing",
            fix="write the table again with the images embedded: datasets.Image with bytes",
        )


@dataclass(frozen=True)
class PackedImage:
    """A picture in a cell."""

    cell: Cell
    name: str

    def __str__(self) -> str:
        return str(self.cell)

    @property
    def path(self) -> None:
        """No file holds this picture alone."""
        return

    @property
    def digest(self) -> str:
        """SHA-256 of the image file's bytes: that of the file it was made from."""
        return hashlib.sha256(_content(self.cell)).hexdigest()

    def file_bytes(self) -> bytes:
        """The bytes of the file it was made from."""
        return _content(self.cell)

    def read(self) -> tuple[Image, FrameShape]:
        """The picture decoded, and its shape."""
        try:
            image, header = decoded_image(self.cell.content())
        except RefusedError as refusal:
            raise refusal.at(str(self)) from refusal
        return image, FrameShape(header.size, header.orientation)

    def shape(self) -> FrameShape:
        """What the header in the bytes says."""
        try:
            header = header_of(self.cell.content())
        except RefusedError as refusal:
            raise refusal.at(str(self)) from refusal
        return FrameShape(header.size, header.orientation)


@dataclass(frozen=True)
class PackedMask:
    """Class ids in a cell; `mapping` renames values first."""

    cell: Cell
    mapping: Mapping[int, int] = field(default_factory=dict)
    orientation: MaskOrientation = "auto"

    def read(self, shape: FrameShape, classes: ClassTable) -> LabelMap:
        """The values as class ids."""
        try:
            values, _ = decoded_label_values(self.cell.content(), expected=shape, orientation=self.orientation)
            return labelled(values, classes, self.mapping)
        except RefusedError as refusal:
            raise refusal.at(str(self.cell)) from refusal

    @property
    def files(self) -> tuple[Path, ...]:
        """Nothing: the bytes are in `digest`."""
        return ()

    @property
    def digest(self) -> str:
        """A hash of the mask's bytes and of how it is read."""
        how = (hashlib.sha256(_content(self.cell)).hexdigest(), sorted(self.mapping.items()), self.orientation)
        return hashlib.sha256(repr(how).encode()).hexdigest()


def _content(cell: Cell) -> bytes:
    try:
        return cell.content()
    except RefusedError as refusal:
        raise refusal.at(str(cell)) from refusal
