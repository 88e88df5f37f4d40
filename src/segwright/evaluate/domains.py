"""Scores by domain: the frames divided by what their columns say, each part scored like the whole.

A column divides frames where its values repeat. Names and measurements, which are another value for every frame, are
left out, and a note says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeVar

from segwright.data.columns import described_rows, named_groups, names_of_stems
from segwright.evaluate.scores import Scores

# A column with more values than this is a name, not a domain: a table of hundreds of one-frame rows tells nothing.
MAX_DOMAIN_VALUES = 20

# Of so few frames each may be a domain of its own; of more, a value for each names the frame.
FEW_FRAMES = 5

# what a frame's domain is called where its column has no value
NO_VALUE = "(none)"

Columns = Mapping[str, Mapping[str, str]]
Tables = dict[str, dict[str, Scores]]


class _Row(Protocol):
    @property
    def columns(self) -> Mapping[str, str]: ...


RowType = TypeVar("RowType", bound=_Row)


def scores_by_domain(
    rows: Sequence[RowType], score: Callable[[Sequence[RowType]], Scores]
) -> tuple[Tables, tuple[str, ...]]:
    """Scores by column and value, as `score` gives them for some of `rows`; and a note for each column without any."""
    tables: Tables = {}
    notes = []
    for column in sorted({name for row in rows for name in row.columns}):

        def value_of(row: RowType, column: str = column) -> str:
            return row.columns.get(column) or NO_VALUE

        groups = {value: list(part) for value, part in groupby(sorted(rows, key=value_of), key=value_of)}
        note = _why_no_domain(column, groups, len(rows))
        if note:
            notes.append(note)
        else:
            tables[column] = {value: score(part) for value, part in groups.items()}
    return tables, tuple(notes)


@dataclass(frozen=True)
class ColumnSource:
    """What gives columns to frames that are known by name alone: their folder, a pattern, a CSV.

    Frames in several folders have the column "folder". `pattern` is a regular expression searched in the names, with a
    named group a column; the first column of the file `csv` names frames. Later ones win over earlier ones.
    """

    pattern: str | None = None
    csv: Path | None = None

    def of(self, names: Sequence[str], place: str) -> tuple[Columns, tuple[str, ...]]:
        """Name -> columns, and notes on the CSV: rows that name no frame, frames without a row.

        `names` are paths without suffix; `place` is where the frames are, for messages.

        Raises:
            ConfigError: a pattern that is none, or has no named groups.
            DataError: names that do not match the pattern, all of them; a CSV that cannot be read or names no frame.
        """
        folders = {name: str(PurePosixPath(name).parent) for name in names}
        several = len(set(folders.values())) > 1
        found: dict[str, dict[str, str]] = {name: {"folder": folders[name]} if several else {} for name in names}
        notes: tuple[str, ...] = ()
        if self.pattern:
            for name, columns in named_groups(names, self.pattern, place).items():
                found[name] |= columns
        if self.csv is not None:
            described = described_rows(names_of_stems(names), names, self.csv)
            notes = described.notes
            for name, columns in described.columns.items():
                found[name] |= columns
        return found, notes


@dataclass(frozen=True)
class KnownColumns:
    """The columns of frames of an opened dataset, by name: used as a `ColumnSource` is."""

    rows: Columns

    def of(self, names: Sequence[str], _place: str) -> tuple[Columns, tuple[str, ...]]:
        """Name -> columns, no notes; as `ColumnSource.of`."""
        return {name: self.rows.get(name, {}) for name in names}, ()


NO_COLUMNS = ColumnSource()


def _why_no_domain(column: str, groups: Mapping[str, Sequence[object]], frames: int) -> str | None:
    if _is_measurement(groups):
        return f"column '{column}' holds measurements, not domains: no scores by it"
    if len(groups) == frames > FEW_FRAMES:
        return f"column '{column}' has another value for every frame: no scores by it"
    if len(groups) > MAX_DOMAIN_VALUES:
        return f"column '{column}' has {len(groups)} values; scores by domain are given up to {MAX_DOMAIN_VALUES}"
    return None


def _is_measurement(values: Iterable[str]) -> bool:
    """Whether a column's values are numbers, some with a fraction: each frame would be a domain of its own."""
    try:
        numbers = [float(value) for value in values if value != NO_VALUE]
    except ValueError:
        return False
    return any(not number.is_integer() for number in numbers)
