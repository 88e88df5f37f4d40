"""What the options of `segwright split` ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segwright.data import Grouping

USUAL = {"train": 0.6, "validation": 0.2, "calibration": 0.2}


def refuse_beside(option: str, given: Mapping[str, object]) -> None:
    """Refuse options of a new split beside one that exists."""
    from segwright.core import ConfigError

    names = [name for name, value in given.items() if value is not None and value != []]
    if names:
        raise ConfigError.of(
            option, "takes a split as it is: it cannot be divided in another way",
            allowed="--by, --block, --by-block, --position, --gap: what it is checked by", found=", ".join(names),
            fix=f"leave out {', '.join(names)}, or {option}",
        )  # fmt: skip


def grouping_asked(
    data: Path,
    by: str | None,
    blocks: tuple[str | None, str | None, str | None, str | None],
    *,
    independent: bool,
) -> Grouping:
    """What the split goes by: the options, else the `split:` section of a project file.

    `blocks` are --block, --by-block, --position and --gap; the last two may be added to what a project says.
    """
    from segwright.cli.datasets import is_project
    from segwright.data import Grouping
    from segwright.project import read_project

    block, by_block, position, gap = blocks
    pair = None if position is None else _pair(position)
    if by is not None or by_block is not None or independent or not is_project(data):
        return Grouping(by, block, by_block, pair, gap)
    said = read_project(data).split
    return Grouping(said.by, block or said.block, said.by_block, pair or said.position, gap or said.gap)


def _pair(text: str) -> tuple[str, str]:
    from segwright.cli.datasets import listed
    from segwright.core import ConfigError

    names = listed(text)
    if len(names) != 2:
        raise ConfigError.of(
            "--position", "names no two columns", allowed="COLUMN,COLUMN", found=text, fix="--position x,y"
        )
    return names[0], names[1]


def folds_asked(text: str | None) -> int | None:
    """The number of folds; None for `each`: as many as there are groups."""
    from segwright.core import ConfigError

    if text is None or text == "each":
        return None
    if not text.isdecimal():
        raise ConfigError.of("--folds", "cannot be read", allowed="a number, or each", found=text, fix="--folds 5")
    return int(text)


def fractions_asked(text: str | None, *, folded: bool) -> dict[str, float]:
    """Part -> share; where nothing is said the usual parts, and for folds everything in them."""
    from segwright.core import ConfigError

    if text is None:
        return {"train": 1.0} if folded else dict(USUAL)
    entries = [entry.partition("=") for entry in text.split(",")]
    names = [part.strip() for part, _, _ in entries]
    try:
        if len(set(names)) < len(names):
            raise ValueError("a part twice")
        return {part: float(share) for part, (_, _, share) in zip(names, entries, strict=True)}
    except ValueError as error:
        raise ConfigError.of(
            "--fractions", "cannot be read", allowed="PART=SHARE, comma-separated, each part once", found=text,
            fix="--fractions train=0.6,validation=0.2,calibration=0.2",
        ) from error  # fmt: skip


def held_out_asked(entries: Sequence[str]) -> dict[str, list[str]]:
    """Part -> the groups put there by hand."""
    from segwright.core import ConfigError

    held: dict[str, list[str]] = {}
    for entry in entries:
        part, equals, value = entry.partition("=")
        if not equals:
            raise ConfigError.of(
                "--hold-out", "cannot be read", allowed="PART=VALUE or PART=COLUMN:VALUE", found=entry,
                fix=f"--hold-out validation={entry}",
            )  # fmt: skip
        held.setdefault(part.strip(), []).append(value.strip())
    return held
