"""A versioned store of labelled frames: images by content hash, labels with history."""

from __future__ import annotations

import getpass
import json
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright._version import __version__
from segwright.core import ClassTable, DataError, Problem
from segwright.data.dataset import Dataset
from segwright.data.store.blobs import Blobs
from segwright.data.store.log import Header, Log, State, Version, read_log, tag_header
from segwright.data.store.place import BLOB_TABLE, LOG_TABLE, StorePlace, place_of
from segwright.data.store.rows import FACTS, Change, change_columns, rows_hash
from segwright.data.store.sources import StoredFrames, stored_frame
from segwright.data.store.tables import (
    BLOB_COLUMNS,
    LOG_COLUMNS,
    append,
    columns_batch,
    create_table,
    open_table,
    rows_batch,
    table_exists,
)

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN = 8


@dataclass(frozen=True)
class Author:
    """Who makes a change, why, with which tool, from which source and model."""

    who: str = ""
    why: str = ""
    tool: str = ""
    source: str = ""
    model: str = ""


@dataclass(frozen=True)
class Store:
    """A store at a folder or an object store's address (S3 settings come from `options` or AWS_* variables).

    Reading takes a version: a number, a tag, or None for the newest.
    """

    place: StorePlace
    options: dict[str, str] | None = None
    blobs: Blobs = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "blobs", Blobs(self.place, self.options))

    def log(self) -> Log:
        """The history as it is now."""
        return read_log(self.place, self.options)

    def state(self, version: str | int | None = None) -> State:
        """The frames and the class table of a version.

        Raises:
            DataError: no such version.
        """
        log = self.log()
        return log.state(log.number_of(version, str(self.place)))

    def dataset(self, version: str | int | None = None) -> Dataset:
        """The labelled frames of a version, ordered by stem; nothing is decoded until it is asked for.

        Raises:
            DataError: no such version, or one without frames.
        """
        state = self.state(self.place.version if version is None else version)
        if state.classes is None:
            raise DataError.of(str(self.place), "has no class table", fix="run `segwright import SRC --to STORE`")
        self.blobs.require()
        frames = StoredFrames(self.blobs, state.frames, f"{self.place.uri}@{state.number}")
        return Dataset(Path(self.place.uri), state.classes, frames, f"store@{state.number}")

    def set_aside(self, version: str | int | None) -> tuple[Dataset, Dataset]:
        """The frames whose change in a version was not applied: as they are in the newest version, and as it had them.

        Raises:
            DataError: no such version, or nothing of it was set aside.
        """
        log = self.log()
        number = log.number_of(version, str(self.place))
        made = log.versions()[number - 1]
        if not made.set_aside:
            rule, fix = "has nothing that was set aside", f"segwright data diff {self.place.uri}@{max(1, number - 1)}"
            raise DataError.of(f"{self.place.uri}@{number}", rule, found="every change was applied", fix=fix)
        rows = log.rows_of(number)
        theirs = self.dataset(len(log))
        kept = [row for stem in made.set_aside if (row := rows[stem]) is not None]
        place = f"{self.place.uri}@{number}"
        frames = tuple(stored_frame(self.blobs, row, place) for row in kept)
        mine = Dataset(theirs.root, made.header.classes, frames, f"store@{number}")
        names = {frame.stem for frame in theirs.frames} & {*made.set_aside}
        return theirs.only(names), mine

    def to_arrow(self, version: str | int | None = None, *, with_bytes: bool = False) -> pa.Table:
        """The frames of a version as an Arrow table: stem, hashes, size, and a text column for each column.

        With `with_bytes` the image files and the label bytes as well. Polars, DuckDB and Ray Data read it as it is.
        """
        import pyarrow as pa

        frames = self.state(self.place.version if version is None else version).frames
        table = {name: frames.table[name] for name in ("stem", *FACTS)} if frames.table is not None else {}
        named = [dict(frames.columns(at)) for at in range(len(frames))]
        texts = {name: pa.array([row.get(name) for row in named], pa.string()) for name in frames.column_names}
        table |= {f"column.{name}": values for name, values in texts.items()}
        if with_bytes:
            read = self.blobs.read
            table["image_bytes"] = pa.array([read(row.image) for row in frames.rows], pa.large_binary())
            labels = [None if row.labels is None else read(row.labels) for row in frames.rows]
            table["labels_bytes"] = pa.array(labels, pa.large_binary())
        return pa.table(table)

    def commit(self, changes: Sequence[Change], classes: ClassTable, base: State, author: Author) -> Version:
        """Append a version in one atomic step. `changes` were made against `base`; their blobs must be written before.

        Raises:
            ChangesSetAside: another writer changed some of the frames meanwhile. Its version stands; this one is kept
                in the log with those frames set aside, and the message says which.
        """
        commit = uuid.uuid4().hex
        rows = change_columns(changes)
        header = Header(
            commit=commit,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            who=author.who or _user(),
            why=author.why,
            tool=author.tool or f"segwright {__version__}",
            classes=classes,
            base_classes="" if base.classes is None else base.classes.content_hash,
            rows_hash=rows_hash(rows),
            parent_hash=base.head_hash,
            source=author.source,
            model=author.model,
        )
        text = json.dumps(header.to_json(), ensure_ascii=False)
        same = {"commit": [commit] * len(changes), "header": [None] * len(changes)}
        self._append([{"kind": "commit", "commit": commit, "header": text}], {**same, **rows})
        versions = self.log().versions()
        made = next(version for version in versions if version.header.commit == commit)
        if made.set_aside:
            raise _too_late(self.place, made, versions[base.number : made.number - 1])
        return made

    def tag(self, name: str, version: str | int | None = None) -> int:
        """Give a version a name, or a name to another version; the number it points to now.

        Raises:
            DataError: no such version, or a name that could be a number or holds `@` or `/`.
        """
        if not name or name.isdigit() or any(part in name for part in "@/ "):
            allowed, fix = "text without @, / or space, no number", "give it a letter, such as v1"
            raise DataError.of(f"tag '{name}'", "is no name for a version", allowed=allowed, fix=fix)
        log = self.log()
        number = log.number_of(version, str(self.place))
        self._append([_tag_row(name, number)])
        return number

    def untag(self, name: str) -> None:
        """Take a name away.

        Raises:
            DataError: there is no such tag.
        """
        tags = self.log().tags
        if name not in tags:
            allowed, fix = ", ".join(tags) or "none", "run `segwright data log STORE`"
            raise DataError.of(str(self.place), "has no such tag", allowed=allowed, found=name, fix=fix)
        self._append([_tag_row(name, None)])

    def _append(self, headers: list[dict[str, Any]], rows: dict[str, list] | None = None) -> None:
        batches = [rows_batch(headers, LOG_COLUMNS), *([columns_batch(rows, LOG_COLUMNS)] if rows else [])]
        append(self.place.table(LOG_TABLE), batches, LOG_COLUMNS, self.options)


def open_store(uri: str | Path, options: dict[str, str] | None = None) -> Store:
    """The store at `uri` (`STORE` or `STORE@VERSION`).

    Raises:
        DataError: there is no store.
        DependencyMissing: Lance is not installed.
    """
    place = place_of(uri)
    folder = Path(place.uri)
    if not place.is_remote and not (folder / LOG_TABLE).is_dir():
        found = "a folder of something else" if folder.is_dir() else "nothing there"
        found = f"{BLOB_TABLE} without {LOG_TABLE}" if (folder / BLOB_TABLE).is_dir() else found
        fix = "check the path, or make one: `segwright import SRC --to STORE`"
        raise DataError.of(place.uri, "is no dataset store", allowed="a dataset store", found=found, fix=fix)
    open_table(place.table(LOG_TABLE), options)
    return Store(place, options)


def pinned(uri: str | Path) -> tuple[StorePlace, str]:
    """The place of a version by its number, and its commit: `STORE` and `STORE@TAG` may mean another one tomorrow.

    Raises:
        DataError: there is no store, or no such version.
    """
    place = open_store(uri).place
    log = read_log(place)
    number = log.number_of(place.version, str(place))
    return StorePlace(place.uri, str(number)), log.headers[number - 1].commit


def create_store(uri: str | Path, options: dict[str, str] | None = None) -> Store:
    """The store at `uri`; made empty where there is none.

    Raises:
        DataError: a folder is there that holds something else, or it cannot be written.
    """
    place = place_of(uri)
    if place.version is not None:
        rule, fix = "names a version to write to", f"leave @{place.version} out: a new version follows the newest"
        raise DataError.of(str(uri), rule, allowed=place.uri, found=str(uri), fix=fix)
    folder = Path(place.uri)
    if not place.is_remote and folder.exists() and {*folder.iterdir()} - {folder / LOG_TABLE, folder / BLOB_TABLE}:
        rule, fix = "holds other files, and is no dataset store", "name a new folder: `--to frames.store`"
        raise DataError.of(str(folder), rule, allowed="a store, or a new folder", fix=fix)
    create_table(place.table(BLOB_TABLE), BLOB_COLUMNS, options)
    if not table_exists(place.table(LOG_TABLE), options) and Store(place, options).blobs.count():
        rule, fix = "has images and labels, and no log of its versions", "copy the log back, or name a new store"
        raise DataError.of(place.uri, rule, allowed=f"{LOG_TABLE} beside {BLOB_TABLE}", found=BLOB_TABLE, fix=fix)
    create_table(place.table(LOG_TABLE), LOG_COLUMNS, options)
    return Store(place, options)


def _tag_row(name: str, number: int | None) -> dict[str, Any]:
    when = datetime.now(UTC).isoformat(timespec="seconds")
    header = tag_header(name, number, _user(), when)
    return {"kind": "tag", "commit": uuid.uuid4().hex, "header": json.dumps(header, ensure_ascii=False)}


def _user() -> str:
    named = os.environ.get("SEGWRIGHT_USER")
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


class ChangesSetAside(DataError):
    """Another writer was quicker: `version` is in the log, but not all of it was applied."""

    version: Version


def _too_late(place: StorePlace, made: Version, between: Sequence[Version]) -> ChangesSetAside:
    error = ChangesSetAside(_why_set_aside(place, made, between))
    error.version = made
    return error


def _why_set_aside(place: StorePlace, made: Version, between: Sequence[Version]) -> Problem:
    """Another writer was quicker: which frames, by whom, and where this work is kept."""
    count, kept = len(made.set_aside), f"kept in version {made.number}, not applied"
    others = ", ".join(f"version {row.number} by {row.header.who}" for row in between) or "another version"
    if made.whole:
        rule = f"has another class table since {others}: your {count} frames are {kept}"
        fix = "run it again; an import with --overwrite, which matches your classes to the new ones by name"
        return Problem(str(place), rule, "the class table you started from", "another", fix)
    touching = [row for row in between if {*row.added, *row.changed, *row.removed} & {*made.set_aside}]
    others = ", ".join(f"version {row.number} by {row.header.who}" for row in touching) or "another version"
    few = ", ".join(made.set_aside[:_SHOWN]) + (" ..." if count > _SHOWN else "")
    rule = f"{count} frames were changed by {others} while you worked: yours are {kept}"
    look = f"segwright data diff {place.uri}@{made.number} --set-aside"
    fix = f"look: `{look}`; to put yours in place, import again with --overwrite"
    return Problem(str(place), rule, "frames as they were when you began", few, fix)
