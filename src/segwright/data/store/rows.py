"""The log's rows of frames, as columns: replayed with arrays, so that a hundred thousand frames take no second."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segwright.data.store.tables import arrow

if TYPE_CHECKING:
    import pyarrow as pa

FACTS = ("image", "media", "height", "width", "orientation", "labels", "labels_kind")
ROW_COLUMNS = ("kind", "stem", "action", "base", "digest", *FACTS, "columns")  # what a version's hash follows
_ABSENT = -1
Places = npt.NDArray[np.int64]


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


def change_columns(changes: Sequence[Change]) -> dict[str, list]:
    """The rows of one commit by column, as `ROW_COLUMNS` names them."""
    rows = [change.row for change in changes]
    columns: dict[str, list] = {
        "kind": ["frame"] * len(rows),
        "stem": [change.stem for change in changes],
        "action": ["remove" if row is None else "put" for row in rows],
        "base": [change.base for change in changes],
        "digest": ["" if row is None else row.digest for row in rows],
    }
    columns |= {name: [None if row is None else getattr(row, name) for row in rows] for name in FACTS}
    texts = [None if row is None else json.dumps(row.columns, ensure_ascii=False) for row in rows]
    return {**columns, "columns": texts}


def rows_hash(columns: Mapping[str, Sequence[Any]]) -> str:
    """A hash of the rows of a commit, whoever wrote them and when."""
    text = json.dumps([list(columns[name]) for name in ROW_COLUMNS], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class FrameTable(Mapping[str, FrameRow]):
    """The frames of a version, ordered by stem. Counting needs no row, and one row makes no other."""

    def __init__(self, table: pa.Table | None) -> None:
        self.table = table

    def __len__(self) -> int:
        return 0 if self.table is None else self.table.num_rows

    def __iter__(self) -> Iterator[str]:
        return iter(self.stems)

    def __getitem__(self, stem: str) -> FrameRow:
        return self.row(self._places[stem])

    def __contains__(self, stem: object) -> bool:
        return stem in self._places

    @cached_property
    def stems(self) -> list[str]:
        """Every stem."""
        return [] if self.table is None else self.table["stem"].to_pylist()

    @property
    def rows(self) -> list[FrameRow]:
        """Every frame, made anew."""
        return self.rows_between(0, len(self))

    def rows_between(self, start: int, stop: int) -> list[FrameRow]:
        """The frames from one place up to another, made together."""
        return [] if self.table is None else frame_rows(self.table.slice(start, stop - start))

    def row(self, at: int) -> FrameRow:
        """The frame at this place."""
        facts: dict[str, Any] = {name: column[at].as_py() for name, column in zip(FACTS, self._facts, strict=True)}
        return FrameRow(stem=self.stems[at], **facts, columns=self.columns(at))

    def columns(self, at: int) -> tuple[tuple[str, str], ...]:
        """The columns of the frame at this place; frames with equal ones share one tuple."""
        texts, numbers = self._columns
        return texts[numbers[at]]

    @cached_property
    def _facts(self) -> list[Any]:
        """The columns of `FACTS`, each as one array."""
        return [] if self.table is None else [self.table[name].combine_chunks() for name in FACTS]

    @cached_property
    def _columns(self) -> tuple[list[tuple[tuple[str, str], ...]], npt.NDArray[np.integer]]:
        if self.table is None:
            return [], np.zeros(0, np.int64)
        found = self.table["columns"].combine_chunks().dictionary_encode()
        texts = [tuple((name, value) for name, value in json.loads(text)) for text in found.dictionary.to_pylist()]
        return texts, found.indices.to_numpy()

    @cached_property
    def digests(self) -> dict[str, str]:
        """The digest of each frame by stem."""
        return {} if self.table is None else dict(zip(self.stems, self.table["digest"].to_pylist(), strict=True))

    @property
    def labelled(self) -> int:
        """How many frames have labels."""
        return 0 if self.table is None else len(self) - self.table["labels"].null_count

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Every column that some frame has, sorted."""
        texts = [] if self.table is None else self.table["columns"].unique().to_pylist()
        return tuple(sorted({name for text in texts for name, _ in json.loads(text)}))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {stem: at for at, stem in enumerate(self.stems)}


def frame_rows(table: pa.Table) -> list[FrameRow]:
    """The rows of a table whose action is `put`; frames with equal columns share one tuple."""
    seen: dict[str, tuple[tuple[str, str], ...]] = {}
    for text in table["columns"].unique().to_pylist():
        seen[text] = tuple((name, value) for name, value in json.loads(text))
    lists = [table[name].to_pylist() for name in ("stem", *FACTS)]
    columns = [seen[text] for text in table["columns"].to_pylist()]
    return [FrameRow(*values) for values in zip(*lists, columns, strict=True)]


@dataclass(frozen=True)
class Step:
    """What one commit did, as places in the log's rows; `fits` is False where its class table did not."""

    fits: bool
    added: Places
    changed: Places
    removed: Places
    set_aside: Places


class LogRows:
    """Every frame row of a log, in the order of its commits.

    Stems, bases and digests are numbers here. `owners` is, of each row, the place of its commit in the log.
    """

    def __init__(self, table: pa.Table, owners: Mapping[str, int]) -> None:
        ids = table["commit"].combine_chunks().dictionary_encode()
        places = np.array([owners[name] for name in ids.dictionary.to_pylist()], np.int64)
        owner = places[ids.indices.to_numpy()] if len(table) else np.zeros(0, np.int64)
        order = np.argsort(owner, kind="stable")
        self.table = table if (np.diff(order) == 1).all() else table.take(order)
        self.bounds = np.searchsorted(owner[order], np.arange(len(owners) + 1))
        stems = self.table["stem"].combine_chunks().dictionary_encode()
        self._stem, self._stems = stems.indices.to_numpy(), len(stems.dictionary)
        texts = [self.table[name].combine_chunks() for name in ("base", "digest")]
        joined = arrow().concat_arrays([arrow().array([""]), *texts]).dictionary_encode()
        self._base, self._digest = joined.indices.to_numpy()[1:].reshape(2, -1)  # 0 is the empty text
        put = self.table["action"].to_numpy() == "put"
        self._put = put.astype(bool)

    def of_commit(self, at: int) -> pa.Table:
        """The rows of the commit at this place, as they were written."""
        return self.table.slice(self.bounds[at], self.bounds[at + 1] - self.bounds[at])

    def stems(self, places: Places) -> tuple[str, ...]:
        """The stems of these rows."""
        return tuple(self.table["stem"].take(places).to_pylist()) if len(places) else ()

    def replay(self, fits: Sequence[bool]) -> Iterator[tuple[Step, Places]]:
        """What each commit did, and by stem the row that stands after it (-1: none); one array, changed in place."""
        standing = np.full(self._stems, _ABSENT, np.int64)
        for at, fit in enumerate(fits):
            yield self._applied(np.arange(self.bounds[at], self.bounds[at + 1]), standing, fit=fit), standing

    def _applied(self, rows: Places, standing: Places, *, fit: bool) -> Step:
        """Apply the rows of one commit as far as they fit."""
        stem, base, digest, put = (column[rows] for column in (self._stem, self._base, self._digest, self._put))
        before = standing[stem]
        there = before != _ABSENT
        current = np.where(there, self._digest[before], 0) if len(self._digest) else base
        applied = fit & ((base == current) | (digest == current))
        removed = applied & ~put & there
        changed = applied & put & there & (digest != current)
        added = applied & put & ~there
        step = Step(fit, rows[added], rows[changed], rows[removed], rows[~applied])
        self.apply(step, standing)
        return step

    def apply(self, step: Step, standing: Places) -> None:
        """Let the rows of a step stand, in place."""
        standing[self._stem[step.removed]] = _ABSENT
        for rows in (step.added, step.changed):
            standing[self._stem[rows]] = rows

    def frames(self, standing: Places) -> FrameTable:
        """The frames of a version, from the rows that stand in it."""
        places = np.sort(standing[standing != _ABSENT])
        return FrameTable(self.table.take(places).sort_by("stem"))
