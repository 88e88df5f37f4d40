"""Rows of counted frames: in the order of their stems, each there once; and plain values written as one JSON file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypeVar

from segwright.core import DataError, Problem, raise_collected


class _Row(Protocol):
    @property
    def stem(self) -> str: ...


RowType = TypeVar("RowType", bound=_Row)


def in_order(rows: Iterable[RowType]) -> tuple[RowType, ...]:
    """The rows sorted by stem, so that counts do not depend on the order in which they were added.

    Raises:
        DataError: stems that come twice, all of them.
    """
    ordered = tuple(sorted(rows, key=lambda row: row.stem))
    require_once([row.stem for row in ordered])
    return ordered


def require_once(ordered: Sequence[str]) -> None:
    """Refuse stems, in their order, that come twice. Raises DataError with all of them."""
    twice = sorted({stem for stem, following in pairwise(ordered) if stem == following})
    raise_collected(
        (Problem(stem, "is counted twice", "each frame once", fix="give every frame its own stem") for stem in twice),
        DataError,
    )


class Streamed(list[Any]):
    """A list for `json.JSONEncoder.iterencode`, whose values are made while they are written and then let go.

    It has a length and can be gone through, and nothing else of a list: the encoder takes lists and no other sequences.
    Only the encoder with an indent goes through it; `json.dumps` without one would see an empty list.
    """

    def __init__(self, make: Callable[[Any], Any], rows: Sequence[Any]) -> None:
        super().__init__()
        self._make, self._rows = make, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return map(self._make, self._rows)


def json_pieces(content: Mapping[str, Any]) -> Iterator[str]:
    """The text of plain values as JSON, piece by piece; not-a-number and infinity are refused with a ValueError."""
    return json.JSONEncoder(ensure_ascii=False, indent=1, allow_nan=False).iterencode(content)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain values at `path`, its folder made where it is missing: to a temporary name, then one rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    with temporary.open("w", encoding="utf-8") as file:  # piece by piece: the text of many frames is long
        file.writelines(json_pieces(content))
        file.write("\n")
    temporary.replace(path)
