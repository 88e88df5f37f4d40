"""What makes a split easier than the line will be, although it holds: shared sessions, neighbours in a numbered series.

These are facts to judge, no rules: a camera on both sides is wanted, a session on both sides mostly not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from segwright.core import ConfigError, few
from segwright.data.dataset import Dataset
from segwright.data.split.expression import parse_keys
from segwright.data.split.grouping import grouped
from segwright.data.split.places import PLACE_COLUMNS
from segwright.data.split.value import Split

HELD_OUT = ("validation", "calibration", "test")
_LAST_NUMBER = re.compile(r"^(.*?)(\d+)(\D*)$")
_MOST_DIGITS = 18

Series = tuple[str, ...]


def near_facts(dataset: Dataset, split: Split) -> list[str]:
    """One sentence for each held-out part and each way in which it is near to train.

    Told are values of columns that stand on both sides (of columns the split does not go by, of more than one value,
    not another for every frame), and frames whose number lies beside or among the numbers of training frames of the
    same series. Frames of two groups of the split are never called neighbours.
    """
    return [*_shared_values(dataset, split), *_neighbours(dataset, split)]


def _shared_values(dataset: Dataset, split: Split) -> Iterator[str]:
    try:
        own = () if split.by is None else parse_keys(split.by, dataset.column_names)
    except ConfigError:  # a name that is no word, of a column these frames do not have: `verify_split` tells
        own = ()
    kept = {term.columns[0] for term in own if len(term.columns) == 1} if len(own) == 1 else set()
    if split.grouping.by_block is not None:
        kept |= set(split.grouping.position or (name for pair in PLACE_COLUMNS for name in pair))
    for column in dataset.column_names:
        values = {frame.stem: frame.columns[column] for frame in dataset.frames if column in frame.columns}
        if column in kept or not 1 < len(set(values.values())) < len(values):
            continue
        train = {values[stem] for stem in split.parts.get("train", ()) if stem in values}
        for part in HELD_OUT:
            here = {values[stem] for stem in split.parts.get(part, ()) if stem in values}
            shared = sorted(here & train)
            if shared and shared == sorted(here) and len(here) > 1:
                yield f"every {column} of {part} is in train too: {few(shared)}"
            elif shared:
                yield f"{part} shares {column} {few(shared)} with train"


def _neighbours(dataset: Dataset, split: Split) -> Iterator[str]:
    """Held-out frames beside or among the training frames of their series, by the number that ends their names."""
    part_of = {stem: part for part, stems in split.parts.items() for stem in stems}
    rows: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for series in _series(dataset, _group_of(dataset, split)).values():
        order = sorted(series)
        train = [row for row in order if part_of.get(row[1]) == "train"]
        for at, (number, stem) in enumerate(order):
            part = part_of.get(stem)
            if part not in HELD_OUT or not train:
                continue
            sides = (*order[max(0, at - 1) : at], *order[at + 1 : at + 2])
            beside = next((other for _, other in sides if part_of.get(other) == "train"), "")
            inside = f"{train[0][1]} to {train[-1][1]}" if train[0][0] <= number <= train[-1][0] else ""
            if beside or inside:
                rows[part].append((stem, inside, beside))
    for part in HELD_OUT:
        if rows[part]:
            yield _sentence(part, len(split.parts[part]), sorted(rows[part]))


def _sentence(part: str, frames: int, rows: Sequence[tuple[str, str, str]]) -> str:
    """One sentence of (frame, range of train it lies in, training frame beside it)."""
    among = [row for row in rows if row[1]]
    beside = [row for row in rows if row[2]]
    said = []
    if among:
        stem, span, _ = among[0]
        said.append(f"{len(among)} of its {frames} frames lie inside the range of train ({stem} in {span})")
    if beside:
        stem, _, other = beside[0]
        said.append(f"{len(beside)} of its {frames} frames stand directly beside one of train ({stem} beside {other})")
    return f"{part}, by the numbers in names: {'; '.join(said)}"


def _group_of(dataset: Dataset, split: Split) -> Mapping[str, Series]:
    """The key of each frame where the split goes by one; nothing for a random split, or one from elsewhere.

    Nothing too where the frames lack the columns: that is what `verify_split` tells.
    """
    try:
        return {} if split.grouping.is_random else grouped(dataset, split.grouping).keys
    except ConfigError:
        return {}


def _series(dataset: Dataset, group_of: Mapping[str, Series]) -> dict[Series, list[tuple[int, str]]]:
    """Series -> (number, stem) of frames whose names differ in their last number alone.

    Folders are looked through (a published split keeps one sequence in train/ and val/), unless two folders hold the
    same name: then they are two series.
    """
    names = {frame.stem: PurePosixPath(frame.stem) for frame in dataset.frames}
    across = len({path.name for path in names.values()}) == len(names)
    series: dict[Series, list[tuple[int, str]]] = defaultdict(list)
    for stem, path in names.items():
        match = _LAST_NUMBER.match(path.name)
        if match and len(match.group(2)) <= _MOST_DIGITS:
            folder = "" if across else str(path.parent)
            key = (folder, match.group(1), match.group(3), *group_of.get(stem, ()))
            series[key].append((int(match.group(2)), stem))
    return series
