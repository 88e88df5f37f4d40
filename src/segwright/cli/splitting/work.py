"""Makes a split, takes one over, or checks one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from segwright.cli.face import Face
from segwright.cli.splitting.request import folds_asked, fractions_asked, held_out_asked, refuse_beside

if TYPE_CHECKING:
    from segwright.core import Listener
    from segwright.data import Dataset, Grouping, Split


@dataclass(frozen=True)
class Asked:
    """The options that say which split: as they were typed."""

    folds: str | None
    fractions: str | None
    hold_out: Sequence[str]
    seed: int
    independent: bool
    taken_from: Sequence[str]
    check: Sequence[str]


def work(face: Face, dataset: Dataset, grouping: Grouping, asked: Asked, out: Path) -> None:
    """Do what was asked for, and say it."""
    from segwright.cli.splitting.answer import tell_check, tell_split
    from segwright.data import write_split
    from segwright.data.split import adopt_split, check_split

    exists = "--check" if asked.check else "--from" if asked.taken_from else None
    by = None if grouping.is_random else grouping
    if exists is not None:
        other = {"--from": list(asked.taken_from)} if asked.check else {}
        given = {"--folds": asked.folds, "--fractions": asked.fractions, "--hold-out": list(asked.hold_out), **other}
        refuse_beside(exists, given)
    if asked.check:
        tell_check(face, check_split(dataset, asked.check, by), dataset, asked.check)
        return
    if asked.taken_from:
        splits = adopt_split(dataset, asked.taken_from, by, face.listener)
    else:
        splits = _made(dataset, grouping, asked, face.listener)
    write_split(out, splits[0] if splits[0].fold is None else splits)
    tell_split(face, splits, dataset, out)


def _made(dataset: Dataset, grouping: Grouping, asked: Asked, listener: Listener) -> tuple[Split, ...]:
    from segwright.data import make_folds, make_split

    fractions = fractions_asked(asked.fractions, folded=asked.folds is not None)
    held = held_out_asked(asked.hold_out)
    if asked.folds is None:
        return (
            make_split(
                dataset, by=grouping, fractions=fractions, held_out=held, seed=asked.seed,
                frames_are_independent=asked.independent, listener=listener,
            ),
        )  # fmt: skip
    return make_folds(
        dataset, by=grouping, folds=folds_asked(asked.folds), fractions=fractions, held_out=held, seed=asked.seed,
        frames_are_independent=asked.independent, listener=listener,
    )  # fmt: skip
