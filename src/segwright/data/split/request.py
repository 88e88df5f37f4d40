"""What is asked of a split, checked before any mask is read: parts, fractions, groups held out by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core import ConfigError, DataError, Problem, few, raise_collected
from segwright.data.dataset import Dataset
from segwright.data.split.grouping import Grouping, columns_offered
from segwright.data.split.value import PARTS


@dataclass(frozen=True)
class Group:
    """Frames that stay together: their stems, and their counts (class channels, then void)."""

    name: str
    stems: tuple[str, ...]
    pixels: npt.NDArray[np.int64]


def require_parts(fractions: Mapping[str, float], held: Mapping[str, Sequence[str]]) -> list[Problem]:
    """What is wrong with the parts that are asked for."""
    problems = [
        Problem("split", "has an unknown part", ", ".join(PARTS), part, fix="rename the part, or leave it out")
        for part in sorted({*fractions, *held} - set(PARTS))
    ]
    shares = fractions.values()
    if not all(0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > 1e-6:  # not a number is no share either
        found = ", ".join(f"{part}={share:g}" for part, share in fractions.items())
        problems.append(
            Problem(
                "split",
                "has fractions that do not sum to 1",
                "each at least 0, together 1",
                found,
                fix="--fractions train=0.6,validation=0.2,calibration=0.2",
            )
        )
    if not {part for part, share in fractions.items() if share > 0 and part not in held}:
        problems.append(
            Problem(
                "split",
                "leaves no part to train on",
                "train with a fraction above 0",
                fix="leave one part out of --hold-out, with a fraction above 0",
            )
        )
    return problems


def require_promise(dataset: Dataset, grouping: Grouping, frames_are_independent: bool) -> list[Problem]:
    """A problem where frames would be drawn one by one, and nobody said that they may be."""
    if not grouping.is_random or frames_are_independent:
        return []
    fix = "add `--by COLUMN`; or, if no two frames show one part or scene, `--i-know-frames-are-independent`"
    rule = "would be at random: neighbouring frames land on both sides, and scores are of frames seen in training"
    return [Problem("split", rule, f"a column: {columns_offered(dataset)}", "none", fix)]


def held_groups(
    dataset: Dataset, groups: Sequence[Group], by: str | None, held: Mapping[str, Sequence[str]]
) -> tuple[dict[str, list[Group]], list[Group]]:
    """Part -> the groups put there by hand, and the groups that are still free.

    Raises:
        DataError: values that no frame has, groups that would be cut or are claimed twice; all of them.
    """
    placed: dict[str, list[Group]] = {part: [] for part in PARTS}
    taken: dict[str, str] = {}
    problems: list[Problem] = []
    for part, values in held.items():
        for value in values:
            place = f"hold out {part}={value}"
            column, stems, known = _named(dataset, groups, by, value)
            if not stems:
                fix = "name one of the values there are, or another column: PART=COLUMN:VALUE"
                problems.append(Problem(place, f"no frame has this {column}", few(known), value, fix))
            problems += _claims(groups, stems, part, taken, place)
    raise_collected(problems)
    for group in groups:
        if group.name in taken:
            placed[taken[group.name]].append(group)
    return placed, [group for group in groups if group.name not in taken]


def _named(dataset: Dataset, groups: Sequence[Group], by: str | None, value: str) -> tuple[str, set[str], list[str]]:
    """What a held-out text speaks of (a column, or the groups), the stems it names, and the values it could have."""
    column, colon, rest = value.partition(":")
    if colon and column in dataset.column_names:
        stems = {frame.stem for frame in dataset.frames if frame.columns.get(column) == rest}
        return column, stems, sorted({frame.columns[column] for frame in dataset.frames if column in frame.columns})
    stems = {stem for group in groups if group.name == value for stem in group.stems}
    return by or "name", stems, [group.name for group in groups]


def _claims(
    groups: Sequence[Group], stems: set[str], part: str, taken: dict[str, str], place: str
) -> Iterator[Problem]:
    """Put the groups of these stems into the part; what speaks against it."""
    touched = [group for group in groups if not stems.isdisjoint(group.stems)]
    cut = [group.name for group in touched if not stems.issuperset(group.stems)]
    if cut:
        rule = f"cuts {len(cut)} groups in two: only some of their frames are held out"
        yield Problem(place, rule, "whole groups", few(cut), "split by a column that is not finer")
    twice = [group.name for group in touched if group.name not in cut and taken.setdefault(group.name, part) != part]
    if twice:
        found = few([f"{name} in {taken[name]}" for name in twice])
        rule = f"holds {len(twice)} groups out a second time"
        yield Problem(place, rule, "one part a group", found, "leave one of the two --hold-out away")


def require_enough(free: Sequence[Group], parts: Sequence[str], grouping: Grouping) -> None:
    """Refuse free groups (single frames in a random split) that cannot fill every part.

    Raises:
        DataError: with the groups there are.
    """
    if len(free) >= len(parts):
        return
    found = few([group.name for group in free]) or "none"
    if grouping.is_random:
        raise DataError.of(
            "split", f"has fewer frames than parts: {len(free)} for {', '.join(parts)}",
            allowed=f"at least {len(parts)} frames that are not held out", found=found,
            fix="ask for fewer parts, or collect more frames",
        )  # fmt: skip
    finer = "a shorter block" if grouping.block or grouping.by_block else "a finer column"
    raise DataError.of(
        "split", f"has fewer groups than parts: {len(free)} for {', '.join(parts)}",
        allowed=f"at least {len(parts)} values of '{grouping.by or grouping.describe()}' that are not held out",
        found=found, fix=f"ask for fewer parts, collect frames of more groups, or split by {finer}",
    )  # fmt: skip


def asked(problems: Sequence[Problem]) -> None:
    """Refuse a request with everything that is wrong with it.

    Raises:
        ConfigError: all of `problems`, where there are any.
    """
    raise_collected(problems, ConfigError)
