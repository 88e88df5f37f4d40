"""Folds: every group is held out once, and the classes are spread over the folds as evenly as the groups allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from segwright.core import DataError, Listener, Note, Problem, few, silent
from segwright.data.dataset import Dataset
from segwright.data.split.divide import Material, lacking, numbers_of, parts_of
from segwright.data.split.file import FOLDED
from segwright.data.split.grouping import Grouping
from segwright.data.split.request import Group, held_groups, require_enough, require_parts
from segwright.data.split.value import Split, said_once

_LISTED = 8  # numbers of folds in a sentence


def make_folds(
    dataset: Dataset,
    *,
    by: str | Grouping | None,
    folds: int | None,
    fractions: Mapping[str, float] | None = None,
    held_out: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
    frames_are_independent: bool = False,
    listener: Listener = silent,
) -> tuple[Split, ...]:
    """`folds` splits; the groups that train are the validation part of exactly one of them.

    With `folds` None each group is a fold: leave one group out. `fractions` and `held_out` may first put groups aside
    as a test and a calibration part, which are the same in every fold; groups held out for `train` are in the training
    part of every fold. The folds share the rest, as `make_split` shares groups among parts of equal size.

    Raises:
        ConfigError: as `make_split`; a fraction or held-out groups for validation, which the folds give; under 2 folds.
        DataError: as `make_split`; fewer groups than folds.
    """
    held = {part: tuple(values) for part, values in (held_out or {}).items()}
    asked_for = dict(fractions or {"train": 1.0})
    aside = {part: values for part, values in held.items() if part != "train"}  # in train of every fold, beside others
    problems = [*require_parts(asked_for, aside), *_require_foldable(folds, asked_for, held)]
    material = Material.of(dataset, by, frames_are_independent, problems, listener)
    placed, free = held_groups(dataset, material.groups, material.grouping.by, held)
    rng = np.random.default_rng(seed)
    shares = {part: share for part, share in asked_for.items() if part == "train" or (part not in held and share > 0)}
    require_enough(free, list(shares), material.grouping)
    pool: list[Group] = []
    for group, part in zip(free, parts_of(free, shares, rng), strict=True):
        (pool if part == "train" else placed[part]).append(group)
    count = len(pool) if folds is None else folds
    _require_groups(pool, max(count, 2), material.grouping)
    numbers = range(count) if folds is None else numbers_of(pool, np.full(count, 1 / count), rng)
    settings = Split({}, material.grouping.by, seed, *material.hashes, asked_for, held)
    splits = tuple(_fold(material, settings, placed, pool, list(numbers), at) for at in range(count))
    _tell(splits, listener)
    return splits


def _fold(
    material: Material,
    settings: Split,
    placed: Mapping[str, Sequence[Group]],
    pool: Sequence[Group],
    numbers: Sequence[int],
    fold: int,
) -> Split:
    train = [group for group, number in zip(pool, numbers, strict=True) if number != fold]
    validation = [group for group, number in zip(pool, numbers, strict=True) if number == fold]
    parts = {**placed, "train": [*placed["train"], *train], "validation": validation}
    return material.split(replace(settings, fold=fold), parts)


def _tell(splits: Sequence[Split], listener: Listener) -> None:
    """Say what folds lack in one sentence a class, however many they are, and the other notes once."""
    missing = {text for split in splits for text in lacking(split.counts)}
    for text in (
        *_lacked(splits),
        *said_once(splits, [[t for t in split.notes if t not in missing] for split in splits]),
    ):
        listener(Note("split", text, "warning"))


def _lacked(splits: Sequence[Split]) -> Iterator[str]:
    for part in splits[0].counts:
        for name in splits[0].counts[part].class_pixels:
            folds = [str(split.fold) for split in splits if split.counts[part].class_pixels[name] == 0]
            listed = ", ".join(folds[:_LISTED]) + (" ..." if len(folds) > _LISTED else "")
            where = part if part not in FOLDED else f"{part} of {len(folds)} of {len(splits)} folds ({listed})"
            if folds:
                yield f"{name} has no pixel in {where}: no score or threshold can be said for it there"


def _require_foldable(folds: int | None, fractions: Mapping[str, float], held: Mapping[str, object]) -> list[Problem]:
    problems = []
    if folds is not None and folds < 2:
        problems.append(Problem("--folds", "are too few", "at least 2, or each", str(folds), fix="--folds 5"))
    if fractions.get("validation", 0) > 0 or "validation" in held:
        problems.append(
            Problem("split", "has a validation part beside folds, which are the validation parts",
                    "train, calibration, test", "validation",
                    fix="give its share to train: --folds 5 --fractions train=0.8,test=0.2")
        )  # fmt: skip
    if fractions.get("train", 0) <= 0:
        problems.append(
            Problem("split", "leaves nothing to fold", "train with a fraction above 0", "none",
                    fix="--folds 5 --fractions train=0.8,test=0.2")
        )  # fmt: skip
    return problems


def _require_groups(pool: Sequence[Group], folds: int, grouping: Grouping) -> None:
    if len(pool) < folds:
        what = "frames" if grouping.is_random else f"values of '{grouping.by or grouping.describe()}'"
        raise DataError.of(
            "--folds", f"are more than there are groups to train on: {folds} for {len(pool)}",
            allowed=f"up to {len(pool)}, the {what} that are not held out",
            found=few([group.name for group in pool]) or "none",
            fix="ask for fewer folds, hold less out, or split by a finer column",
        )  # fmt: skip
