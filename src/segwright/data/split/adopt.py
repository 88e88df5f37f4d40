"""Taking over a split that exists, and saying what is wrong with one and what makes it easy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from segwright.core import DataError, Listener, Note, Problem, raise_collected, silent
from segwright.data.dataset import Dataset
from segwright.data.split.check import other_classes, straddling, verify_split
from segwright.data.split.divide import class_pixels, lacking, part_counts
from segwright.data.split.grouping import Grouping, grouped
from segwright.data.split.lists import splits_from_elsewhere
from segwright.data.split.nearness import near_facts
from segwright.data.split.value import Split, said_once


@dataclass(frozen=True)
class SplitCheck:
    """What keeps splits from holding on a dataset, and facts that make them easier than the line will be."""

    splits: tuple[Split, ...]
    problems: tuple[Problem, ...]
    facts: tuple[str, ...]


def check_split(dataset: Dataset, sources: Sequence[str], by: Grouping | None = None) -> SplitCheck:
    """What is to be said of a split that exists: ours, or any that `splits_from_elsewhere` reads.

    `by` is asked besides what the split goes by itself.

    Raises:
        DataError: it cannot be read.
        ConfigError: a `by` that is not of the language, or of columns that no frame has.
    """
    splits = splits_from_elsewhere(dataset, sources)
    if by is not None and not by.is_random:
        grouped(dataset, by)  # a mistake in what was typed is told as one, not as a fault of the split
    problems: list[Problem] = []
    for split in splits:
        problems += verify_split(dataset, split)
        if by is not None and by != split.grouping:
            problems += straddling(dataset, split, by)
    facts = said_once(splits, [_facts(dataset, split, by) for split in splits])
    return SplitCheck(splits, tuple(problems), tuple(facts))


def _facts(dataset: Dataset, split: Split, by: Grouping | None) -> list[str]:
    """The notes of a split from elsewhere, and how near its parts are; what `by` finds is a problem, not a fact."""
    asked = split if by is None or split.by is not None else replace(split, by=by.by, blocks=by.to_json())
    other = split.origin is None and not dataset.shows_images_of(split.dataset_hash)
    changed = ["the images are not those that the split was made from: its counts are of others"] if other else []
    return [*(split.notes if split.origin else ()), *changed, *near_facts(dataset, asked)]


def adopt_split(
    dataset: Dataset, sources: Sequence[str], by: Grouping | None = None, listener: Listener = silent
) -> tuple[Split, ...]:
    """The split of another tool as ours, with hashes and counts; each of its folds where it has several.

    One of ours for the same frames under other classes is taken over too: its parts stay, counts are of these labels.

    With `by` it becomes a split that goes by it, and is refused where it does not hold; without, its notes say which
    columns stand on both sides.

    Raises:
        DataError: it cannot be read, names no frame, does not fit `by`, or labels cannot be read; all at once.
        ConfigError: as `check_split`.
    """
    checked = check_split(dataset, sources, by)
    of_classes = {problem for split in checked.splits for problem in other_classes(dataset, split)}
    raise_collected([problem for problem in checked.problems if problem not in of_classes], DataError)
    pixels = class_pixels(dataset, listener)
    grouping = Grouping() if by is None else by
    keys = grouped(dataset, grouping).keys
    splits = []
    for split in checked.splits:
        counts = {
            part: part_counts(dataset, stems, pixels, len({keys[stem] for stem in stems}))
            for part, stems in split.parts.items()
        }
        notes = (*_facts(dataset, split, by), *lacking(counts))
        if split.class_hash != dataset.classes.content_hash:
            notes = ("the parts are those of a split made for other classes of the same frames", *notes)
            hashes = {"class_hash": dataset.classes.content_hash, "dataset_hash": dataset.content_hash}
            split = replace(split, **hashes)  # noqa: PLW2901
        ours = split if split.by is not None else replace(split, by=grouping.by, blocks=grouping.to_json())
        splits.append(replace(ours, counts=counts, notes=tuple(dict.fromkeys(notes))))
    for text in said_once(splits, [split.notes for split in splits]):
        listener(Note("split", text, "warning"))
    return tuple(splits)
