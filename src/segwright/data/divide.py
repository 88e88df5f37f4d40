"""Dividing frames into parts: groups whole, classes spread as evenly as the groups allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core import (
    ConfigError,
    DataError,
    Listener,
    Note,
    Problem,
    SegwrightError,
    raise_collected,
    silent,
    tracked,
)
from segwright.data.dataset import Dataset, Frame
from segwright.data.split import PARTS, PartCounts, Split
from segwright.data.workers import in_threads

_SHOWN = 12
_PASSES = 20
_SWAPS = 2000
_EMPTY_CLASS = 0.5  # what a part without a class costs, against at most 1 for a part that is all wrong


@dataclass(frozen=True)
class _Group:
    """Frames that stay together: their stems, and their counts (class channels, then void)."""

    name: str
    stems: tuple[str, ...]
    pixels: npt.NDArray[np.int64]


def make_split(
    dataset: Dataset,
    *,
    by: str | None,
    fractions: Mapping[str, float],
    held_out: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
    frames_are_independent: bool = False,
    listener: Listener = silent,
) -> Split:
    """A split whose groups, the frames that share a value of the column `by`, each lie in one part.

    `fractions` gives each part (train, validation, calibration, test) its share; they sum to 1. `held_out` puts named
    groups in a part by hand: a value of `by`, or `COLUMN:VALUE` of another column; such a part gets nothing else, and
    the other parts share the rest in the proportion of their fractions. Within that, groups are placed largest first
    where the missing class pixels and frames are best filled, then moved and exchanged while that helps; the same seed
    gives the same split. Void pixels do not count.

    Raises:
        ConfigError: fractions that do not sum to 1, an unknown part or column, or no column without the promise that
            frames are independent.
        DataError: frames without that column, fewer groups than parts, unreadable labels; every finding at once.
    """
    held = {part: tuple(values) for part, values in (held_out or {}).items()}
    _check_request(dataset, by, fractions, held, frames_are_independent)
    groups = _groups(dataset, by, _pixels(dataset, listener))
    placed, free = _held_out(dataset, groups, by, held)
    shares = {part: share for part, share in fractions.items() if part not in held and share > 0}
    if len(free) < len(shares):
        raise _too_few(free, shares, by)
    for group, part in zip(free, _parts_of(free, shares, np.random.default_rng(seed)), strict=True):
        placed[part].append(group)
    counts = {part: _counts(dataset, placed[part]) for part in PARTS if placed[part]}
    notes = tuple(_lacking(counts))
    for text in notes:
        listener(Note("split", text, "warning"))
    parts = {part: tuple(sorted(stem for group in placed[part] for stem in group.stems)) for part in counts}
    hashes = (dataset.content_hash, dataset.classes.content_hash)
    return Split(parts, by, seed, *hashes, dict(fractions), held, counts, notes)


def _check_request(
    dataset: Dataset,
    by: str | None,
    fractions: Mapping[str, float],
    held: Mapping[str, Sequence[str]],
    frames_are_independent: bool,
) -> None:
    problems = [
        Problem("split", "has an unknown part", ", ".join(PARTS), part, fix="rename the part, or leave it out")
        for part in {*fractions, *held} - set(PARTS)
    ]
    if any(share < 0 for share in fractions.values()) or abs(sum(fractions.values()) - 1) > 1e-6:
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
    choices = _columns_offered(dataset)
    if by is None and not frames_are_independent:
        fix = "add `--by COLUMN`; or, if no two frames show one part or scene, `--i-know-frames-are-independent`"
        rule = "would be at random: neighbouring frames land on both sides, and scores are of frames seen in training"
        problems.append(Problem("split", rule, f"a column: {choices}", "none", fix))
    if by is not None and by not in dataset.column_names:
        fix = "name a column, or make one from file names: --columns '(?P<line>[^_]+)_'"
        problems.append(Problem("split", "goes by a column that no frame has", choices, by, fix))
    raise_collected(problems, ConfigError)


def _columns_offered(dataset: Dataset) -> str:
    values = {
        name: len({frame.columns[name] for frame in dataset.frames if name in frame.columns})
        for name in dataset.column_names
    }
    return ", ".join(f"{name} ({count} values)" for name, count in values.items()) or "there is none"


def _pixels(dataset: Dataset, listener: Listener) -> dict[str, npt.NDArray[np.int64]]:
    """Stem -> pixels of each class in channel order, then of void."""
    wanted = [*dataset.classes.ids, dataset.classes.void_id]

    def counted(frame: Frame) -> npt.NDArray[np.int64] | SegwrightError:
        try:
            ids = dataset.read_labels(frame).ids
        except SegwrightError as error:
            return error
        return np.bincount(ids.ravel(), minlength=max(wanted) + 1)[wanted]

    answers = tracked(in_threads(counted, dataset.frames), listener, "counting", len(dataset))
    found = dict(zip((frame.stem for frame in dataset.frames), answers, strict=True))
    errors = [answer for answer in found.values() if isinstance(answer, SegwrightError)]
    raise_collected(problem for error in errors for problem in error.problems)
    return found  # type: ignore[return-value]


def _groups(dataset: Dataset, by: str | None, pixels: Mapping[str, npt.NDArray[np.int64]]) -> list[_Group]:
    stems: dict[str, list[str]] = {}
    without = []
    for frame in dataset.frames:
        value = frame.stem if by is None else frame.columns.get(by)
        if value is None:
            without.append(frame.stem)
        else:
            stems.setdefault(value, []).append(frame.stem)
    if without:
        raise DataError.of(
            str(dataset.root),
            f"{len(without)} of {len(dataset)} frames have no column '{by}'",
            allowed="a value for every frame",
            found=_few(without),
            fix="complete the CSV or the column pattern",
        )
    return [
        _Group(name, tuple(names), np.sum([pixels[stem] for stem in names], axis=0))
        for name, names in sorted(stems.items())
    ]


def _held_out(
    dataset: Dataset, groups: Sequence[_Group], by: str | None, held: Mapping[str, Sequence[str]]
) -> tuple[dict[str, list[_Group]], list[_Group]]:
    """Part -> the groups put there by hand, and the groups that are still free."""
    placed: dict[str, list[_Group]] = {part: [] for part in PARTS}
    taken: dict[str, str] = {}
    problems: list[Problem] = []
    for part, values in held.items():
        for value in values:
            column, wanted = _column_and_value(dataset, by, value)
            stems = {frame.stem for frame in dataset.frames if frame.columns.get(column) == wanted}
            if not stems:
                known = sorted({frame.columns[column] for frame in dataset.frames if column in frame.columns})
                problems.append(
                    Problem(
                        f"hold out {part}={value}",
                        f"no frame has this {column}",
                        _few(known),
                        wanted,
                        fix="name one of the values there are, or another column: PART=COLUMN:VALUE",
                    )
                )
            for group in groups:
                problems += _claim(group, stems, part, taken, f"hold out {part}={value}")
    raise_collected(problems)
    for group in groups:
        if group.name in taken:
            placed[taken[group.name]].append(group)
    return placed, [group for group in groups if group.name not in taken]


def _column_and_value(dataset: Dataset, by: str | None, value: str) -> tuple[str, str]:
    column, colon, rest = value.partition(":")
    return (column, rest) if colon and column in dataset.column_names else (by or "", value)


def _claim(group: _Group, stems: set[str], part: str, taken: dict[str, str], place: str) -> list[Problem]:
    inside = sum(stem in stems for stem in group.stems)
    if not inside:
        return []
    if inside < len(group.stems):
        rule = f"cuts group '{group.name}' in two: {inside} of its {len(group.stems)} frames are held out"
        return [Problem(place, rule, "whole groups", group.name, "split by a column that is not finer")]
    if taken.setdefault(group.name, part) != part:
        return [
            Problem(
                place,
                f"group '{group.name}' is held out twice",
                "one part a group",
                taken[group.name],
                fix="leave one of the two --hold-out away",
            )
        ]
    return []


def _too_few(free: Sequence[_Group], shares: Mapping[str, float], by: str | None) -> DataError:
    """The error for `free` groups (single frames where `by` is None) that cannot fill every part of `shares`."""
    found = _few([group.name for group in free]) or "none"
    if by is None:
        return DataError.of(  # type: ignore[return-value]
            "split",
            f"has fewer frames than parts: {len(free)} for {', '.join(shares)}",
            allowed=f"at least {len(shares)} frames that are not held out",
            found=found,
            fix="ask for fewer parts, or collect more frames",
        )
    return DataError.of(  # type: ignore[return-value]
        "split",
        f"has fewer groups than parts: {len(free)} for {', '.join(shares)}",
        allowed=f"at least {len(shares)} values of '{by}' that are not held out",
        found=found,
        fix="ask for fewer parts, collect frames of more groups, or split by a finer column",
    )


def _parts_of(groups: Sequence[_Group], shares: Mapping[str, float], rng: np.random.Generator) -> list[str]:
    """The part of each group, so that each part comes near its share."""
    order = [part for part in PARTS if part in shares]
    targets = np.array([shares[part] for part in order]) / sum(shares.values()) if order else np.zeros(0)
    return [order[at] for at in _assigned(groups, targets, rng)]


def _assigned(groups: Sequence[_Group], targets: npt.NDArray, rng: np.random.Generator) -> list[int]:
    """The part number of each group; no part stays empty."""
    resources = np.array([[*group.pixels[:-1], len(group.stems)] for group in groups], dtype=np.float64)
    resources = resources[:, resources.sum(axis=0) > 0]
    resources /= resources.sum(axis=0)
    order = np.argsort(-resources.max(axis=1) * rng.uniform(0.8, 1.25, len(groups)), kind="stable")
    division = _Division(resources, targets)
    for group in order:
        division.place(
            int(group), int(np.argmin([division.cost_with(int(group), part) for part in range(len(targets))]))
        )
    division.fill_empty_parts()
    division.improve(order, rng)
    return division.part_of.tolist()


class _Division:
    """Groups in parts, with the cost of the present state: how far each part is from its share of each resource."""

    def __init__(self, resources: npt.NDArray, targets: npt.NDArray) -> None:
        self.resources, self.targets = resources, targets[:, None]
        self.held = np.zeros((len(targets), resources.shape[1]))
        self.part_of = np.full(len(resources), -1)

    def place(self, group: int, part: int) -> None:
        if self.part_of[group] >= 0:
            self.held[self.part_of[group]] -= self.resources[group]
        self.held[part] += self.resources[group]
        self.part_of[group] = part

    def cost(self, held: npt.NDArray) -> float:
        missing = ((held - self.targets) ** 2 / self.targets).sum()
        return float(missing + _EMPTY_CLASS * np.count_nonzero(held < 1e-12))

    def cost_with(self, group: int, part: int) -> float:
        """The cost if `group` lay in `part`."""
        held = self.held.copy()
        if self.part_of[group] >= 0:
            held[self.part_of[group]] -= self.resources[group]
        held[part] += self.resources[group]
        return self.cost(held)

    def fill_empty_parts(self) -> None:
        for part in range(len(self.targets)):
            if not np.any(self.part_of == part):
                sizes = np.bincount(self.part_of, minlength=len(self.targets))
                movable = [group for group in range(len(self.part_of)) if sizes[self.part_of[group]] > 1]
                self.place(min(movable, key=lambda group: self.cost_with(group, part)), part)

    def improve(self, order: npt.NDArray, rng: np.random.Generator) -> None:
        """Move single groups, then exchange pairs, as long as the cost falls."""
        for _ in range(_PASSES):
            moves = [self._moved(int(group)) for group in order]
            if not any(moves):
                break
        for _ in range(min(_SWAPS, len(order) ** 2)):
            first, second = (int(group) for group in rng.integers(len(order), size=2))
            self._exchanged(first, second)

    def _moved(self, group: int) -> bool:
        here = int(self.part_of[group])
        if np.count_nonzero(self.part_of == here) == 1:
            return False
        costs = [self.cost_with(group, part) for part in range(len(self.targets))]
        best = int(np.argmin(costs))
        if costs[best] >= costs[here] - 1e-12:
            return False
        self.place(group, best)
        return True

    def _exchanged(self, first: int, second: int) -> None:
        one, other = int(self.part_of[first]), int(self.part_of[second])
        if one == other:
            return
        difference = self.resources[second] - self.resources[first]
        held = self.held.copy()
        held[one] += difference
        held[other] -= difference
        if self.cost(held) < self.cost(self.held) - 1e-12:
            self.place(first, other)
            self.place(second, one)


def _counts(dataset: Dataset, groups: Sequence[_Group]) -> PartCounts:
    pixels = np.sum([group.pixels for group in groups], axis=0)
    by_name = {name: int(count) for name, count in zip(dataset.classes.names, pixels, strict=False)}
    return PartCounts(sum(len(group.stems) for group in groups), len(groups), by_name, int(pixels[-1]))


def _lacking(counts: Mapping[str, PartCounts]) -> list[str]:
    """One sentence for each part that has no pixel of some class."""
    texts = []
    for part, count in counts.items():
        missing = [name for name, pixels in count.class_pixels.items() if pixels == 0]
        if missing:
            texts.append(f"{part} has no pixel of {', '.join(missing)}: no score or threshold can be said for it there")
    return texts


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" ... ({len(names)})" if len(names) > _SHOWN else "")
