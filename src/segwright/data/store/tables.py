"""The two Lance tables of a store, opened, created and appended to; what Lance refuses becomes one of our errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from segwright.core import DataError, DependencyMissing

if TYPE_CHECKING:
    import lance
    import pyarrow as pa

# Every change of a store is an append of a few rows to this table: a header, then a row for each frame it changes.
# Appends are atomic, ordered, and never conflict, on disk and on object stores alike.
LOG_COLUMNS = (
    ("kind", "string"),  # commit, frame, tag
    ("commit", "string"),
    ("header", "string"),  # JSON, of commits and tags
    ("stem", "string"),
    ("action", "string"),  # put, remove
    ("base", "string"),  # the digest the frame had where the change was made; empty where it was not there
    ("digest", "string"),  # of image, labels and columns together; empty where removed
    ("image", "string"),
    ("media", "string"),
    ("height", "int32"),
    ("width", "int32"),
    ("orientation", "int32"),
    ("labels", "string"),
    ("labels_kind", "string"),
    ("columns", "string"),  # JSON
)
BLOB_COLUMNS = (("hash", "string"), ("kind", "string"), ("bytes", "large_binary"))
# Images and labels arrive compressed. Compressing them again took half of an import and saved one byte in a hundred.
# Lance goes by what a table was made with: older ones go on as they are, and read and write alongside.
_AS_THEY_ARE = {"lance-encoding:compression": "none"}


def schema(columns: tuple[tuple[str, str], ...]) -> pa.Schema:
    """The Arrow schema of a table."""
    types = {"string": arrow().string(), "int32": arrow().int32(), "large_binary": arrow().large_binary()}
    hints = {"large_binary": _AS_THEY_ARE}
    return arrow().schema([arrow().field(name, types[kind], metadata=hints.get(kind)) for name, kind in columns])


def arrow() -> Any:
    """pyarrow; it is imported only where a store is used."""
    with needed():
        import pyarrow as pa

        return pa


def _lance() -> Any:
    with needed():
        import lance

        return lance


@contextmanager
def needed() -> Iterator[None]:
    """Turn a missing Lance into the sentence that says how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        rule = f"needs {error.name}, which is not installed"
        raise DependencyMissing.of("dataset store", rule, fix="pip install 'segwright[store]'") from error


def open_table(uri: str, options: dict[str, str] | None = None) -> lance.LanceDataset:
    """A table as it is now.

    Raises:
        DataError: there is none, or it cannot be read.
    """
    with _said_of(uri):
        return _lance().dataset(uri, storage_options=options)


def rows_where(table: lance.LanceDataset, condition: str, columns: tuple[str, ...]) -> pa.Table:
    """The rows of an opened table that fulfil a condition, in the order they were written.

    Raises:
        DataError: they cannot be read.
    """
    with _said_of(table.uri):
        return table.to_table(columns=list(columns), filter=condition)


def table_exists(uri: str, options: dict[str, str] | None = None) -> bool:
    """Whether a table lies at `uri`."""
    try:
        _lance().dataset(uri, storage_options=options)
    except (ValueError, OSError):
        return False
    return True


def create_table(uri: str, columns: tuple[tuple[str, str], ...], options: dict[str, str] | None = None) -> None:
    """An empty table at `uri`; where another writer was quicker, theirs is kept."""
    lance = _lance()
    empty = schema(columns).empty_table()
    if table_exists(uri, options):
        return
    try:
        lance.write_dataset(empty, uri, mode="create", storage_options=options)
    except (ValueError, OSError) as error:
        if not table_exists(uri, options):
            raise _refused(uri, error) from error


def append(
    uri: str, batches: Iterable[Any], columns: tuple[tuple[str, str], ...], options: dict[str, str] | None = None
) -> None:
    """Add rows in one atomic step: after an interruption they are there all or not at all.

    Raises:
        DataError: the disk is full, or the table cannot be written.
    """
    with _said_of(uri):
        reader = arrow().RecordBatchReader.from_batches(schema(columns), iter(batches))
        _lance().write_dataset(reader, uri, mode="append", storage_options=options)


def files_of(uri: str, options: dict[str, str] | None = None) -> int:
    """How many files of rows a table has."""
    with _said_of(uri):
        return len(_lance().dataset(uri, storage_options=options).get_fragments())


def merge_files(uri: str, target_rows: int, batch_rows: int, options: dict[str, str] | None = None) -> None:
    """Merge neighbouring files of fewer than `target_rows` rows, in their order, in one atomic step.

    Then the files and the table's own history that the newest state does not need are deleted. Files that another
    writer is still writing are none of them: Lance deletes those only when they are a week old.

    Raises:
        DataError: it cannot be read or written, or another compaction was quicker.
    """
    with _said_of(uri):
        table = _lance().dataset(uri, storage_options=options)
        table.optimize.compact_files(target_rows_per_fragment=target_rows, batch_size=batch_rows)
        table.cleanup_old_versions(retain_versions=1)


def rows_batch(rows: list[dict[str, Any]], columns: tuple[tuple[str, str], ...]) -> pa.RecordBatch:
    """Rows as one Arrow batch; a key that a row lacks is null."""
    return columns_batch({name: [row.get(name) for row in rows] for name, _ in columns}, columns)


def columns_batch(values: dict[str, list], columns: tuple[tuple[str, str], ...]) -> pa.RecordBatch:
    """Lists by column as one Arrow batch."""
    return arrow().RecordBatch.from_pydict({name: values[name] for name, _ in columns}, schema=schema(columns))


@contextmanager
def _said_of(uri: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except (ValueError, OSError, RuntimeError) as error:  # Lance passes on those three for what Arrow or the disk says
        raise _refused(uri, error) from error


def _refused(uri: str, error: Exception) -> DataError:
    text = str(error).split(", /")[0]  # Lance ends its messages with the place in its own source
    if "not found" in text.lower():
        fix = "check the path, or make one: `segwright import SRC --to STORE`"
        return DataError.of(uri, "is not there", allowed="a dataset store", found=text[:200], fix=fix)  # type: ignore[return-value]
    fix = "check disk, permission and address; then `segwright data verify STORE`"
    return DataError.of(uri, "cannot be read or written", allowed="a dataset store", found=text[:300], fix=fix)  # type: ignore[return-value]
