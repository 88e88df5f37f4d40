"""The store's history: an append-only log, and the state of every frame that follows from it.

Each change is one atomic append. Its place in the log is its version, 1, 2, ...; no writer waits for another. A change
says what each frame was when it was made (`base`); where another writer was quicker and the frame is something else by
then, the change is kept in the log but not applied, and both writers' work can be seen: see `Version.set_aside`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from segwright.core import ClassTable, DataError
from segwright.data.store.place import LOG_TABLE, StorePlace
from segwright.data.store.rows import ROW_COLUMNS, FrameRow, FrameTable, LogRows, Step, frame_rows
from segwright.data.store.tables import arrow, open_table, rows_where

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Header:
    """Who changed what, when, why, from which tool, source and model; the classes afterwards."""

    commit: str
    when: str
    who: str
    why: str
    tool: str
    classes: ClassTable
    base_classes: str  # content hash of the class table the change was made against; empty for the first
    rows_hash: str
    parent_hash: str  # of the header of the newest change the writer had seen; empty for the first
    source: str = ""
    model: str = ""

    def to_json(self) -> dict[str, Any]:
        """The header as it stands in the log."""
        return {**self._facts(), "hash": self.content_hash}

    def _facts(self) -> dict[str, Any]:
        row = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("classes", "commit")}
        return {"schema_version": SCHEMA_VERSION, "id": self.commit, **row, "classes": self.classes.to_json()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Header:
        """The header that `to_json` gave."""
        if data["schema_version"] > SCHEMA_VERSION:
            raise SchemaNewer(data["schema_version"])
        names = (name for name in Header.__dataclass_fields__ if name not in ("classes", "commit"))
        fields = {name: data[name] for name in names}
        header = Header(commit=data["id"], classes=ClassTable.from_json(data["classes"]), **fields)
        if header.content_hash != data["hash"]:
            raise ValueError(f"header of {header.commit} is not what was written")
        return header

    @property
    def content_hash(self) -> str:
        """A hash of everything the header says, the rows it stands for and its parent included."""
        return _facts_hash(self._facts())


@dataclass(frozen=True)
class Version:
    """One step of the history: its number, its header, and how many frames it added, changed, removed.

    `set_aside` are stems whose change was not applied, since another writer's came first; `whole` says that none was,
    since the class table had changed. `tags` are the names that point here now.
    """

    number: int
    header: Header
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()
    whole: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """All frames of a version by stem, its class table and its number; number 0 and no table for an empty store."""

    number: int
    classes: ClassTable | None
    frames: FrameTable
    head_hash: str = ""


@dataclass(frozen=True)
class Log:
    """The log as it was read: the header of every change in its order, and the tags; frames are read when needed."""

    headers: tuple[Header, ...]
    tags: Mapping[str, int]
    read_rows: Callable[[], LogRows] = field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.headers)

    @cached_property
    def rows(self) -> LogRows:
        """Every frame row, in the log's order.

        Raises:
            DataError: rows that cannot be read.
        """
        return self.read_rows()

    def number_of(self, reference: str | int | None, place: str) -> int:
        """The version that a number, a tag or None (the newest) means.

        Raises:
            DataError: no such version or tag, or no version at all.
        """
        text = str(len(self)) if reference is None else str(reference)
        number = self.tags.get(text, int(text) if text.isdecimal() else 0)
        if 1 <= number <= len(self):
            return number
        allowed = f"1 to {len(self)}, {', '.join(self.tags)}".rstrip(", ") if self.headers else "nothing yet"
        fix = "run `segwright data log STORE`" if self.headers else "run `segwright import SRC --to STORE` first"
        raise DataError.of(place, "has no such version", allowed=allowed, found=text, fix=fix)

    def state(self, number: int, also: Sequence[int] = ()) -> State:
        """The frames of a version; of 0, those of an empty store. `also` are later versions whose changes are added."""
        if number == 0:
            return State(0, None, FrameTable(None))
        classes, fits = self._classes()
        found = None
        for at, (step, standing) in enumerate(self.rows.replay(fits[: max(number, *also, 0)]), start=1):
            if at == number:
                found = standing.copy()
            if at in also and found is not None:
                self.rows.apply(step, found)
        head = max((number, *also))
        frames = FrameTable(None) if found is None else self.rows.frames(found)
        return State(number, classes[head - 1], frames, self.headers[head - 1].content_hash)

    def rows_of(self, number: int) -> dict[str, FrameRow | None]:
        """The rows that a version brought, applied or not; None for a removal."""
        table = self.rows.of_commit(number - 1)
        put = table.filter(arrow().array(table["action"].to_numpy() == "put"))
        return {**dict.fromkeys(table["stem"].to_pylist()), **{row.stem: row for row in frame_rows(put)}}

    def steps(self) -> list[Step]:
        """What each version did, oldest first."""
        return [step for step, _ in self.rows.replay(self._classes()[1])]

    def versions(self) -> list[Version]:
        """Every version, oldest first."""
        names = self._names()
        return [
            Version(
                number,
                header,
                *(self.rows.stems(places) for places in (step.added, step.changed, step.removed, step.set_aside)),
                whole=not step.fits,
                tags=names.get(number, ()),
            )
            for number, (header, step) in enumerate(zip(self.headers, self.steps(), strict=True), start=1)
        ]

    def _classes(self) -> tuple[list[ClassTable], list[bool]]:
        """The class table of each version, and whether its change was made against the one before."""
        tables: list[ClassTable] = []
        fits: list[bool] = []
        for header in self.headers:
            current = tables[-1].content_hash if tables else ""
            fits.append(current in (header.base_classes, header.classes.content_hash))
            tables.append(header.classes if fits[-1] else tables[-1])
        return tables, fits

    def _names(self) -> dict[int, tuple[str, ...]]:
        names: dict[int, list[str]] = {}
        for name, number in self.tags.items():
            names.setdefault(number, []).append(name)
        return {number: tuple(sorted(found)) for number, found in names.items()}


def read_log(place: StorePlace, options: dict[str, str] | None = None) -> Log:
    """The log as it is now; the rows of frames are read when they are first asked for, of the same moment.

    Raises:
        DataError: no store there, or a log that cannot be read.
    """
    opened = open_table(place.table(LOG_TABLE), options)
    found = rows_where(opened, "kind != 'frame' OR kind IS NULL", ("kind", "commit", "header"))
    headers: list[Header] = []
    owners: dict[str, int] = {}
    tags: dict[str, int] = {}
    with _readable(place):
        for kind, commit, text in zip(*(column.to_pylist() for column in found.columns), strict=True):
            if kind == "commit":
                owners[commit] = len(headers)
                headers.append(Header.from_json(json.loads(text)))
                if headers[-1].commit != commit:
                    raise ValueError(f"header of {commit} belongs to {headers[-1].commit}")
            else:
                _tag(tags, json.loads(text))

    def rows() -> LogRows:
        wanted = ("kind = 'frame'", ("commit", *ROW_COLUMNS))
        try:
            table = rows_where(opened, *wanted)
        except DataError:  # the files were merged since: look again, and leave out what is newer than these headers
            table = rows_where(open_table(place.table(LOG_TABLE), options), *wanted)
            known = arrow().array([name in owners for name in table["commit"].to_pylist()], arrow().bool_())
            table = table.filter(known)
        with _readable(place):
            return LogRows(table, owners)

    return Log(tuple(headers), tags, rows)


@contextmanager
def _readable(place: StorePlace) -> Iterator[None]:
    try:
        yield
    except SchemaNewer as error:
        rule, fix = "was written by a newer segwright", "pip install --upgrade segwright"
        raise DataError.of(
            str(place), rule, allowed=f"schema {SCHEMA_VERSION} or older", found=f"schema {error}", fix=fix
        ) from error
    except (KeyError, TypeError, ValueError, IndexError) as error:
        rule = "has a log that cannot be read"
        fix = "run `segwright data verify STORE`; else copy the store back from a backup"
        found = f"{type(error).__name__}: {error}"[:200]
        raise DataError.of(str(place), rule, allowed=f"schema {SCHEMA_VERSION}", found=found, fix=fix) from error


class SchemaNewer(Exception):
    """A header of a schema that this segwright does not know yet."""


def tag_header(name: str, number: int | None, who: str, when: str) -> dict[str, Any]:
    """What the log keeps of a tag that is set, or with None taken away."""
    facts = {"name": name, "version": number, "who": who, "when": when}
    return {**facts, "hash": _facts_hash(facts)}


def _facts_hash(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _tag(tags: dict[str, int], header: dict[str, Any]) -> None:
    if header.pop("hash") != _facts_hash(header):
        raise ValueError(f"tag {header.get('name')} is not what was written")
    if header["version"] is None:
        tags.pop(header["name"], None)
    else:
        tags[header["name"]] = header["version"]
