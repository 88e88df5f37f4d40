"""A store of many small versions in few files: the same rows in the same order, so every version stays as it was."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from segwright.core import Listener, Progress, silent
from segwright.data.store.log import Log
from segwright.data.store.place import BLOB_TABLE, LOG_TABLE
from segwright.data.store.store import Store
from segwright.data.store.tables import files_of, merge_files

_FULL_BYTES = 256 * 2**20  # a file of so many bytes is left as it is: to write it again would bring nothing
_BATCH_BYTES = 64 * 2**20  # held in memory while files are merged
_LOG_ROWS = 2**20


@dataclass(frozen=True)
class Compacted:
    """Files and bytes before and after; `unnamed` are images and labels that no version names, which stay.

    Bytes are None on an object store, where they are not asked for.
    """

    files_before: int
    files_after: int
    bytes_before: int | None
    bytes_after: int | None
    unnamed: int


def compact(store: Store, listener: Listener = silent) -> Compacted:
    """Merge the small files of a store and drop what only Lance's own history needs; no version changes.

    Each table is exchanged in one atomic step: killed at any moment, the store is as it was before or after. Others may
    read and write meanwhile. Bytes that no version names are kept, since an import may be about to name them.

    Raises:
        DataError: the store cannot be read or written, or another compaction was quicker.
    """
    log, blobs = store.log(), store.blobs
    blobs.require()
    uris = [store.place.table(name) for name in (LOG_TABLE, BLOB_TABLE)]
    files, size = sum(files_of(uri, store.options) for uri in uris), _bytes(store)
    rows = blobs.count()
    listener(Progress("compact", 0, 2, "tables"))
    merge_files(uris[0], _LOG_ROWS, _LOG_ROWS // 64, store.options)
    listener(Progress("compact", 1, 2, "tables"))
    if rows:
        mean = max(1, (size if size is not None else _FULL_BYTES) // rows)
        merge_files(uris[1], max(2, _FULL_BYTES // mean), max(1, _BATCH_BYTES // mean), store.options)
    listener(Progress("compact", 2, 2, "tables"))
    after = sum(files_of(uri, store.options) for uri in uris)
    return Compacted(files, after, size, _bytes(store), len(blobs.known() - _named(log)))


def _named(log: Log) -> set[str]:
    table = log.rows.table
    return {name for column in ("image", "labels") for name in table[column].unique().to_pylist() if name is not None}


def _bytes(store: Store) -> int | None:
    if store.place.is_remote:
        return None
    return sum(path.stat().st_size for path in Path(store.place.uri).rglob("*") if path.is_file())
