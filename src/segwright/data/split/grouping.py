"""Which frames stay together: by columns, by blocks of time, by blocks of a large scene."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from segwright.core import ConfigError, DataError, Problem, raise_collected
from segwright.data.dataset import Dataset
from segwright.data.split.expression import NoTextError, Term, parse_keys, require_known
from segwright.data.split.places import Places, place_columns, scene_places, time_places

_SHOWN = 12
Key = tuple[str, ...]


@dataclass(frozen=True)
class Grouping:
    """What a split goes by.

    `by` is a text of the language in `expression`; None with no `by_block` leaves every frame on its own. `block` (1h,
    300) cuts the last term of `by`, a time or a number, into pieces that stay together. `by_block` (512, 100m) cuts the
    plane of the columns `position` into squares; None takes the first pair of columns that can be one. `gap` is how
    near, in time or in the plane, frames of two parts may be: nearer ones are left out.
    """

    by: str | None = None
    block: str | None = None
    by_block: str | None = None
    position: tuple[str, str] | None = None
    gap: str | None = None

    def __post_init__(self) -> None:
        problems = []
        if self.block is not None and self.by_block is not None:
            problems.append(
                Problem("split", "has blocks of time and blocks of a scene", "--block or --by-block", "both",
                        fix="make the time blocks a column of a CSV, and give it to --by beside --by-block")
            )  # fmt: skip
        if self.block is not None and self.by is None:
            problems.append(
                Problem("--block", "has nothing to cut", "--by with a time or a number last", "no --by",
                        fix=f"--by time --block {self.block}")
            )  # fmt: skip
        if self.gap is not None and self.block is None and self.by_block is None:
            problems.append(
                Problem("--gap", "has no blocks between which it could be", "--block or --by-block beside it",
                        self.gap, fix=f"--by time --block 1h --gap {self.gap}, or --by-block 512 --gap {self.gap}")
            )  # fmt: skip
        if self.position is not None and self.by_block is None:
            problems.append(
                Problem("--position", "has no use without blocks", "--by-block beside it", ",".join(self.position),
                        fix=f"--by-block 512 --position {','.join(self.position)}")
            )  # fmt: skip
        raise_collected(problems, ConfigError)

    @property
    def is_random(self) -> bool:
        """Whether every frame stands on its own."""
        return self.by is None and self.by_block is None

    def describe(self) -> str:
        """For people: line, time in blocks of 1h."""
        if self.block is not None:
            text = f"{self.by} in blocks of {self.block}"
        elif self.by_block is not None:
            text = f"{self.by + ' and ' if self.by else ''}squares of {self.by_block}"
        else:
            text = self.by or "nothing: frames are independent"
        return f"{text}, a gap of {self.gap}" if self.gap else text

    def to_json(self) -> dict[str, Any]:
        """The settings beside `by` that are given."""
        given = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "by"}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items() if value}

    @staticmethod
    def from_json(by: str | None, blocks: Mapping[str, Any]) -> Grouping:
        """The grouping of which `to_json` gave `blocks`."""
        position = blocks.get("position")
        rest = {name: blocks.get(name) for name in ("block", "by_block", "gap")}
        return Grouping(by, position=None if position is None else tuple(position), **rest)

    def same_as(self, by: str) -> bool:
        """Whether its `by` says what this text says, but for blanks."""
        return self.by is not None and "".join(self.by.split()) == "".join(by.split())


@dataclass(frozen=True)
class Grouped:
    """Each frame's key, where it is in time or space, and what keeps frames from having a key."""

    keys: Mapping[str, Key]
    places: Places | None
    problems: tuple[Problem, ...]

    @cached_property
    def members(self) -> dict[Key, tuple[str, ...]]:
        """Key -> the stems that share it, both sorted."""
        members: dict[Key, list[str]] = defaultdict(list)
        for stem, key in self.keys.items():
            members[key].append(stem)
        return {key: tuple(sorted(members[key])) for key in sorted(members)}


def group_name(key: Key) -> str:
    """A key as it is shown and named on the command line."""
    return ",".join(key)


def grouped(dataset: Dataset, grouping: Grouping) -> Grouped:
    """The key of every frame.

    Raises:
        ConfigError: a `by` that is not of the language, or of columns that no frame has; a block without a number.
    """
    terms = () if grouping.by is None else parse_keys(grouping.by, dataset.column_names)
    offered = columns_offered(dataset)
    require_known(terms, dataset.column_names, offered)
    keys, lacking = (
        _texts(dataset, terms) if not grouping.is_random else ({f.stem: (f.stem,) for f in dataset.frames}, {})
    )
    problems = [_lacking(dataset, why, stems, offered) for why, stems in lacking.items()]
    if grouping.block is not None:
        places, more = time_places(keys, grouping.block, grouping.gap)
    elif grouping.by_block is not None:
        columns = place_columns(dataset, grouping.position, offered)
        places, more = scene_places(dataset, keys, columns, (grouping.by_block, grouping.gap))
    else:
        return Grouped(keys, None, tuple(problems))
    return Grouped(places.keys, places, (*problems, *more))


def required_groups(dataset: Dataset, grouping: Grouping) -> Grouped:
    """`grouped`, where every frame has a key.

    Raises:
        ConfigError: as `grouped`.
        DataError: frames without one; all of them.
    """
    found = grouped(dataset, grouping)
    raise_collected(found.problems, DataError)
    return found


def columns_offered(dataset: Dataset) -> str:
    """Every column with its number of values: line (4 values), session (12 values)."""
    values = {
        name: len({frame.columns[name] for frame in dataset.frames if name in frame.columns})
        for name in dataset.column_names
    }
    return ", ".join(f"{name} ({count} values)" for name, count in values.items()) or "there is none"


def _texts(dataset: Dataset, terms: tuple[Term, ...]) -> tuple[dict[str, Key], dict[str, list[str]]]:
    """Each frame's key, and why the others have none: reason -> stems."""
    keys: dict[str, Key] = {}
    lacking: dict[str, list[str]] = defaultdict(list)
    for frame in dataset.frames:
        try:
            keys[frame.stem] = tuple(term.text(frame.columns) for term in terms)
        except NoTextError as why:
            lacking[str(why)].append(frame.stem)
    return keys, lacking


def _lacking(dataset: Dataset, why: str, stems: list[str], offered: str) -> Problem:
    return Problem(
        str(dataset.root),
        f"{len(stems)} of {len(dataset)} frames have {why}",
        f"a value for every frame; columns: {offered}",
        ", ".join(stems[:_SHOWN]) + (f" ... ({len(stems)})" if len(stems) > _SHOWN else ""),
        fix="complete the CSV or the column pattern, or change --by",
    )
