"""The bytes of images and labels, kept once by their content hash."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any

from segwright.core import DataError
from segwright.data.store.place import BLOB_TABLE, StorePlace
from segwright.data.store.tables import BLOB_COLUMNS, append, create_table, open_table, rows_batch

BATCH_BYTES = 32 * 2**20
COMMIT_BYTES = 1024 * 2**20

Blob = tuple[str, str, bytes]  # hash, kind, bytes


class Blobs:
    """Reads bytes by hash. Opened when it is first asked, anew in each process: Lance must not cross a fork."""

    def __init__(self, place: StorePlace, options: dict[str, str] | None = None) -> None:
        self._uri = place.table(BLOB_TABLE)
        self._options = options
        self._lock = Lock()
        self._open: tuple[Any, dict[str, int]] = (None, {})
        self._process = 0

    def __getstate__(self) -> dict[str, Any]:
        return {"uri": self._uri, "options": self._options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(StorePlace(state["uri"].removesuffix(f"/{BLOB_TABLE}")), state["options"])

    def read(self, content_hash: str) -> bytes:
        """The bytes of this hash.

        Raises:
            DataError: the store has no such bytes, or they cannot be read.
        """
        if content_hash not in self._opened()[1]:  # written after the table was opened
            self._opened(anew=True)
        try:
            return self._taken(content_hash)
        except (OSError, ValueError):  # the files may have been merged since the table was opened
            self._opened(anew=True)
        try:
            return self._taken(content_hash)
        except (OSError, ValueError) as error:
            raise DataError.of(
                self._uri, f"cannot give the bytes of {content_hash[:12]}", found=str(error)[:200],
                fix="run `segwright data verify STORE`",
            ) from error  # fmt: skip

    def _taken(self, content_hash: str) -> bytes:
        table, rows = self._opened()
        row = rows.get(content_hash)
        if row is None:
            raise self._missing(content_hash)
        return table.take([row], columns=["bytes"])["bytes"][0].as_py()

    def require(self) -> None:
        """Look whether the table is there, once, before every frame misses it.

        Raises:
            DataError: it is gone.
        """
        if "://" not in self._uri and not Path(self._uri).is_dir():
            raise DataError.of(
                str(Path(self._uri).parent), f"has lost its table of images and labels, {BLOB_TABLE}",
                allowed="both tables of a store", found="the log alone",
                fix="copy it back from a backup, or import the frames again from where they came",
            )  # fmt: skip

    def known(self) -> frozenset[str]:
        """Every hash there is, as of now."""
        return frozenset(self._opened(anew=True)[1])

    def count(self) -> int:
        """How many there are, as of when the table was opened."""
        return self._opened()[0].count_rows()

    def every(self) -> Iterator[Blob]:
        """All bytes with their hash and kind, a few at a time."""
        table, _ = self._opened()
        for batch in table.to_batches(columns=["hash", "kind", "bytes"], batch_size=64):
            for hash_, kind, data in zip(*(batch.column(at) for at in range(3)), strict=True):
                yield hash_.as_py(), kind.as_py(), data.as_py()

    def _opened(self, *, anew: bool = False) -> tuple[Any, dict[str, int]]:
        """The table, and the row of each hash; one value, so that no thread sees half of a new one."""
        if anew or self._process != os.getpid():
            with self._lock:
                table = open_table(self._uri, self._options)
                hashes = table.to_table(columns=["hash"])["hash"].to_pylist()
                self._open = table, {content_hash: row for row, content_hash in enumerate(hashes)}
                self._process = os.getpid()
        return self._open

    def _missing(self, content_hash: str) -> DataError:
        return DataError.of(  # type: ignore[return-value]
            self._uri, f"has no bytes of hash {content_hash[:12]}", allowed="bytes that the log names",
            fix="run `segwright data verify STORE`, then import the frame again",
        )  # fmt: skip


def write_blobs(place: StorePlace, blobs: Iterable[Blob], options: dict[str, str] | None = None) -> None:
    """Add bytes that are not there yet; a gigabyte at a time, so that an interrupted import keeps what it has.

    Raises:
        DataError: the disk is full, or the store cannot be written.
    """
    uri = place.table(BLOB_TABLE)
    create_table(uri, BLOB_COLUMNS, options)
    known = set(Blobs(place, options).known())
    batches = _batches(blob for blob in blobs if not (blob[0] in known or known.add(blob[0])))
    while (first := next(batches, None)) is not None:
        append(uri, _up_to(COMMIT_BYTES, first, batches), BLOB_COLUMNS, options)


def _batches(blobs: Iterable[Blob]) -> Iterator[tuple[int, Any]]:
    rows, size = [], 0
    for content_hash, kind, data in blobs:
        rows.append({"hash": content_hash, "kind": kind, "bytes": data})
        size += len(data)
        if size >= BATCH_BYTES:
            yield size, rows_batch(rows, BLOB_COLUMNS)
            rows, size = [], 0
    if rows:
        yield size, rows_batch(rows, BLOB_COLUMNS)


def _up_to(limit: int, first: tuple[int, Any], batches: Iterator[tuple[int, Any]]) -> Iterator[Any]:
    written, batch = first
    yield batch
    while written < limit:
        following = next(batches, None)
        if following is None:
            return
        written += following[0]
        yield following[1]
