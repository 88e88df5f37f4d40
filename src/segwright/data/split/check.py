"""Whether a split holds on a dataset: every frame in one place, no group on two sides."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from segwright.core import ConfigError, Problem, few
from segwright.data.dataset import Dataset
from segwright.data.split.grouping import Grouped, Grouping, group_name, grouped
from segwright.data.split.value import AGAIN, Split


def verify_split(dataset: Dataset, split: Split) -> list[Problem]:
    """Everything that keeps a split from holding on a dataset: empty where it holds.

    Checked: stems that are no frames, frames that are nowhere or in two places, groups on both sides, frames of two
    parts that are nearer than the gap, another class table.
    """
    return [
        *foreign_frames(dataset, split),
        *_overlaps(split),
        *straddling(dataset, split, split.grouping),
        *other_classes(dataset, split),
    ]


def foreign_frames(dataset: Dataset, split: Split) -> Iterator[Problem]:
    """Names in the split that are no frames of the dataset, and frames that are in no part."""
    stems = {frame.stem for frame in dataset.frames}
    placed = {stem for part in split.parts.values() for stem in part} | set(split.left_out)
    for names, rule in (
        (placed - stems, "frames of the split are not in the dataset"),
        (stems - placed, "frames of the dataset are in no part of the split"),
    ):
        if names:
            yield Problem(split.place, f"{len(names)} {rule}", str(dataset.root), few(sorted(names)), AGAIN)


def _overlaps(split: Split) -> Iterator[Problem]:
    times = Counter(stem for stems in (*split.parts.values(), split.left_out) for stem in stems)
    twice = sorted(stem for stem, count in times.items() if count > 1)
    if twice:
        yield Problem(
            split.place, f"{len(twice)} frames are in more than one part", "one part a frame", few(twice), AGAIN
        )


def straddling(dataset: Dataset, split: Split, grouping: Grouping) -> Iterator[Problem]:
    """A problem where frames have no key of `grouping`, where a key is on both sides, or a gap is not kept."""
    if grouping.is_random:
        return
    try:
        found = grouped(dataset, grouping)
    except ConfigError as error:
        yield from _no_column(dataset, split, error)
        return
    if found.problems:
        yield from (_placed(problem, split, grouping) for problem in found.problems)
    part_of = {stem: part for part, stems in split.parts.items() for stem in stems}
    sides: dict[str, set[str]] = defaultdict(set)
    for stem, key in found.keys.items():
        if stem in part_of:
            sides[group_name(key)].add(part_of[stem])
    both = sorted(value for value, parts in sides.items() if len(parts) > 1)
    if both:
        rule = f"{len(both)} values of '{grouping.by or grouping.describe()}' are on both sides: "
        rule += "scores would be of frames seen in training"
        yield Problem(split.place, rule, "each value in one part", few(both), AGAIN)
    yield from _too_near(split, grouping, found)


def _too_near(split: Split, grouping: Grouping, found: Grouped) -> Iterator[Problem]:
    if found.places is None:
        return
    parts = {part: [stem for stem in stems if stem in found.keys] for part, stems in split.parts.items()}
    near = found.places.left_out(parts)
    if near:
        rule = f"{len(near)} frames are nearer than {grouping.gap} to a frame of another part"
        yield Problem(split.place, rule, "left out, as --gap says", few(sorted(near)), AGAIN)


def _no_column(dataset: Dataset, split: Split, error: ConfigError) -> Iterator[Problem]:
    """The problems of an expression that cannot be asked of this dataset: most often, its column was not given."""
    for problem in error.problems:
        if "no frame has" in problem.rule:
            name = problem.found.partition(",")[0]
        elif problem.place.startswith("--by "):  # a name that is no word is read as a column where some frame has it
            name = split.by or ""
        else:
            yield problem
            continue
        rule = f"{len(dataset)} frames have no column '{name}', by which the split goes"
        columns = ", ".join(dataset.column_names) or "no column"
        yield Problem(split.place, rule, columns, few([f.stem for f in dataset.frames]), _where_from(name))


def _placed(problem: Problem, split: Split, grouping: Grouping) -> Problem:
    rule = f"{problem.rule}, by which the split goes"
    return Problem(split.place, rule, problem.allowed, problem.found, _where_from(grouping.by or "x,y"))


def _where_from(column: str) -> str:
    name = column if column.isidentifier() else "COLUMN"
    return (
        "say in segwright.yaml where the column comes from (data.columns_from: '(?P<"
        f"{name}>...)', or data.columns_csv), as --columns or --columns-csv told `segwright split`"
    )


def other_classes(dataset: Dataset, split: Split) -> Iterator[Problem]:
    """A problem where the split was made with another class table than the dataset's."""
    if split.class_hash != dataset.classes.content_hash:
        yield Problem(
            split.place, "was made with another class table", split.class_hash[:12], dataset.classes.describe(), AGAIN
        )
