"""Rows of counted frames: in the order of their stems, each there once; and plain values written as one JSON file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
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
    twice = sorted({row.stem for row, following in pairwise(ordered) if row.stem == following.stem})
    raise_collected(
        (Problem(stem, "is counted twice", "each frame once", fix="give every frame its own stem") for stem in twice),
        DataError,
    )
    return ordered


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain values at `path`, its folder made where it is missing: to a temporary name, then one rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    encoder = json.JSONEncoder(ensure_ascii=False, indent=1, allow_nan=False)
    with temporary.open("w", encoding="utf-8") as file:  # piece by piece: the text of many frames is long
        file.writelines(encoder.iterencode(content))
        file.write("\n")
    temporary.replace(path)
