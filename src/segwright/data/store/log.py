"""The store's history: an append-only log, and the state of every frame that follows from it.

Each change is one atomic append. Its place in the log is its version, 1, 2, ...; no writer waits for another. A change
says what each frame was when it was made (`base`); where another writer was quicker and the frame is something else by
then, the change is kept in the log but not applied, and both writers' work can be seen: see `Version.set_aside`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segwright.core import ClassTable, DataError
from segwright.data.store.place import LOG_TABLE, StorePlace
from segwright.data.store.tables import LOG_COLUMNS, read_table

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class FrameRow:
    """One frame in one version: hashes of its image and labels, the image's stored size, and its columns."""

    stem: str
    image: str
    media: str
    height: int
    width: int
    orientation: int
    labels: str | None
    labels_kind: str | None
    columns: tuple[tuple[str, str], ...] = ()

    @property
    def digest(self) -> str:
        """32 digits that follow the image, the labels and the columns, whatever the frame is called."""
        text = json.dumps([self.image, self.labels, self.columns], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a frame: a row that is put in place, or None for removal; `base` as in the log."""

    stem: str
    base: str
    row: FrameRow | None


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
        row = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("classes", "commit")}
        return {"schema_version": SCHEMA_VERSION, "id": self.commit, **row, "classes": self.classes.to_json()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Header:
        """The header that `to_json` gave."""
        if data["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema {data['schema_version']}, not {SCHEMA_VERSION}")
        names = (name for name in Header.__dataclass_fields__ if name not in ("classes", "commit"))
        fields = {name: data[name] for name in names}
        return Header(commit=data["id"], classes=ClassTable.from_json(data["classes"]), **fields)

    @property
    def content_hash(self) -> str:
        """A hash of everything the header says, the rows it stands for and its parent included."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()


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
    frames: Mapping[str, FrameRow]
    head_hash: str = ""


@dataclass
class _Commit:
    header: Header
    rows: list[tuple[str, str, str, FrameRow | None]] = field(default_factory=list)  # stem, base, digest, row


@dataclass(frozen=True)
class Log:
    """The log as it was read: every change in its order, and every tag as it was set or taken away."""

    commits: tuple[_Commit, ...]
    tags: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.commits)

    def number_of(self, reference: str | int | None, place: str) -> int:
        """The version that a number, a tag or None (the newest) means.

        Raises:
            DataError: no such version or tag, or no version at all.
        """
        text = str(len(self)) if reference is None else str(reference)
        number = self.tags.get(text, int(text) if text.isdigit() else 0)
        if 1 <= number <= len(self):
            return number
        allowed = f"1 to {len(self)}, {', '.join(self.tags)}".rstrip(", ") if self.commits else "nothing yet"
        fix = "run `segwright data log STORE`" if self.commits else "run `segwright import SRC --to STORE` first"
        raise DataError.of(place, "has no such version", allowed=allowed, found=text, fix=fix)

    def history(self) -> Iterator[tuple[Version, State]]:
        """Every version, oldest first, with the state it leads to; the mapping is the same object all the way."""
        frames: dict[str, FrameRow] = {}
        classes: ClassTable | None = None
        digests: dict[str, str] = {}
        names = self._names()
        for number, commit in enumerate(self.commits, start=1):
            current = "" if classes is None else classes.content_hash
            fits = current in (commit.header.base_classes, commit.header.classes.content_hash)
            classes = commit.header.classes if fits else classes
            version = _applied(number, commit, frames, digests, names.get(number, ()), fits=fits)
            yield version, State(number, classes, frames, commit.header.content_hash)

    def state(self, number: int) -> State:
        """The frames of a version."""
        for version, state in self.history():
            if version.number == number:
                return state
        return State(0, None, {})

    def rows_of(self, number: int) -> dict[str, FrameRow | None]:
        """The rows that a version brought, applied or not; None for a removal."""
        return {stem: row for stem, _, _, row in self.commits[number - 1].rows}

    def versions(self) -> list[Version]:
        """Every version, oldest first."""
        return [version for version, _ in self.history()]

    def _names(self) -> dict[int, tuple[str, ...]]:
        names: dict[int, list[str]] = {}
        for name, number in self.tags.items():
            names.setdefault(number, []).append(name)
        return {number: tuple(sorted(found)) for number, found in names.items()}


def _applied(
    number: int,
    commit: _Commit,
    frames: dict[str, FrameRow],
    digests: dict[str, str],
    tags: tuple[str, ...],
    *,
    fits: bool,
) -> Version:
    """Apply a change to `frames` and `digests`, in place, as far as it fits, and say what it did."""
    added, changed, removed, aside = [], [], [], []
    for stem, base, digest, row in commit.rows:
        current = digests.get(stem, "")
        if not fits or (base != current and digest != current):
            aside.append(stem)
        elif row is None:
            if frames.pop(stem, None) is not None:
                removed.append(stem)
            digests.pop(stem, None)
        elif digest != current or stem not in frames:
            (changed if stem in frames else added).append(stem)
            frames[stem], digests[stem] = row, digest
    groups = (tuple(group) for group in (added, changed, removed, aside))
    return Version(number, commit.header, *groups, whole=not fits, tags=tags)


def read_log(place: StorePlace, options: dict[str, str] | None = None) -> Log:
    """The whole log as it is now.

    Raises:
        DataError: no store there, or a log that cannot be read.
    """
    table = read_table(place.table(LOG_TABLE), options)
    columns = {name: table[name].to_pylist() for name, _ in LOG_COLUMNS}
    commits: list[_Commit] = []
    by_id: dict[str, _Commit] = {}
    tags: dict[str, int] = {}
    try:
        for at, kind in enumerate(columns["kind"]):
            if kind == "commit":
                commits.append(_Commit(Header.from_json(json.loads(columns["header"][at]))))
                by_id[columns["commit"][at]] = commits[-1]
            elif kind == "frame":
                by_id[columns["commit"][at]].rows.append(_frame(columns, at))
            else:
                _tag(tags, json.loads(columns["header"][at]))
    except (KeyError, TypeError, ValueError) as error:
        rule = "has a log that cannot be read"
        fix = "run `segwright data verify`, or use the version of segwright that wrote it"
        raise DataError.of(str(place), rule, allowed=f"schema {SCHEMA_VERSION}", found=str(error), fix=fix) from error
    return Log(tuple(commits), tags)


def _frame(columns: Mapping[str, list], at: int) -> tuple[str, str, str, FrameRow | None]:
    stem, base, digest = (columns[name][at] for name in ("stem", "base", "digest"))
    if columns["action"][at] == "remove":
        return stem, base, "", None
    named = tuple((name, value) for name, value in json.loads(columns["columns"][at]))
    names = ("image", "media", "height", "width", "orientation", "labels", "labels_kind")
    return stem, base, digest, FrameRow(stem=stem, columns=named, **{name: columns[name][at] for name in names})


def _tag(tags: dict[str, int], header: Mapping[str, Any]) -> None:
    if header["version"] is None:
        tags.pop(header["name"], None)
    else:
        tags[header["name"]] = header["version"]


def log_rows(changes: Sequence[Change], commit: str) -> list[dict[str, Any]]:
    """The log's rows for the changes of one commit, without its header."""
    return [_log_row(change, commit) for change in changes]


def _log_row(change: Change, commit: str) -> dict[str, Any]:
    row = {"kind": "frame", "commit": commit, "stem": change.stem, "base": change.base}
    if change.row is None:
        return {**row, "action": "remove", "digest": ""}
    fields = ("image", "media", "height", "width", "orientation", "labels", "labels_kind")
    columns = json.dumps(change.row.columns, ensure_ascii=False)
    values = {name: getattr(change.row, name) for name in fields}
    return {**row, "action": "put", "digest": change.row.digest, **values, "columns": columns}


def rows_hash(rows: Sequence[Mapping[str, Any]]) -> str:
    """A hash of the rows of a commit, whoever wrote them and when."""
    total = hashlib.sha256()
    for row in rows:
        kept = [row.get(name) for name, _ in LOG_COLUMNS if name not in ("commit", "header")]
        total.update(json.dumps(kept, ensure_ascii=False).encode())
    return total.hexdigest()
