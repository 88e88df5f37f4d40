"""Dividing frames into parts: groups whole, classes spread as evenly as the groups allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from segwright.core import (
    ConfigError,
    DataError,
    Listener,
    Note,
    Problem,
    SegwrightError,
    few,
    raise_collected,
    silent,
    tracked,
)
from segwright.data.dataset import Dataset, Frame
from segwright.data.split.balance import balanced
from segwright.data.split.grouping import Grouped, Grouping, group_name, required_groups
from segwright.data.split.request import (
    Group,
    asked,
    held_groups,
    require_enough,
    require_parts,
    require_promise,
)
from segwright.data.split.value import PARTS, PartCounts, Split
from segwright.data.workers import in_threads


def make_split(
    dataset: Dataset,
    *,
    by: str | Grouping | None,
    fractions: Mapping[str, float],
    held_out: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
    frames_are_independent: bool = False,
    listener: Listener = silent,
) -> Split:
    """A split whose groups, the frames that share a key of `by`, each lie in one part.

    `by` is a column, a text of the language in `expression`, or a `Grouping` with blocks of time or of a scene.
    `fractions` gives each part (train, validation, calibration, test) its share; they sum to 1. `held_out` puts named
    groups in a part by hand: a value of `by`, or `COLUMN:VALUE` of another column; such a part gets nothing else, and
    the other parts share the rest in the proportion of their fractions. Within that, groups are placed largest first
    where the missing class pixels and frames are best filled, then moved and exchanged while that helps; the same seed
    gives the same split, whatever the order of the frames. Void pixels do not count.

    Raises:
        ConfigError: fractions that do not sum to 1, an unknown part or column, or no column without the promise that
            frames are independent.
        DataError: frames without that column, fewer groups than parts, unreadable labels; every finding at once.
    """
    held = {part: tuple(values) for part, values in (held_out or {}).items()}
    problems = require_parts(fractions, held)
    material = Material.of(dataset, by, frames_are_independent, problems, listener)
    placed, free = held_groups(dataset, material.groups, material.grouping.by, held)
    shares = {part: share for part, share in fractions.items() if part not in held and share > 0}
    require_enough(free, list(shares), material.grouping)
    for group, part in zip(free, parts_of(free, shares, np.random.default_rng(seed)), strict=True):
        placed[part].append(group)
    settings = Split({}, material.grouping.by, seed, *material.hashes, dict(fractions), held)
    split = material.split(settings, placed)
    for text in split.notes:
        listener(Note("split", text, "warning"))
    return split


@dataclass(frozen=True)
class Material:
    """What splits and folds are made of: the groups of a dataset with their pixels."""

    dataset: Dataset
    grouping: Grouping
    grouped: Grouped
    pixels: Mapping[str, npt.NDArray[np.int64]]
    groups: tuple[Group, ...]

    @staticmethod
    def of(
        dataset: Dataset,
        by: str | Grouping | None,
        frames_are_independent: bool,
        problems: Sequence[Problem],
        listener: Listener,
    ) -> Material:
        """The groups of a dataset; what is wrong with the request is told before any mask is read.

        Raises:
            ConfigError: `problems`, an unknown column, or no promise.
            DataError: frames without a key, unreadable labels.
        """
        grouping = by if isinstance(by, Grouping) else Grouping(by)
        found = [*problems, *require_promise(dataset, grouping, frames_are_independent)]
        try:
            keyed = required_groups(dataset, grouping)
        except ConfigError as error:
            asked([*found, *error.problems])
            raise
        asked(found)
        pixels = class_pixels(dataset, listener)
        groups = (
            Group(group_name(key), stems, np.sum([pixels[stem] for stem in stems], axis=0))
            for key, stems in keyed.members.items()
        )
        return Material(dataset, grouping, keyed, pixels, tuple(groups))

    @property
    def hashes(self) -> tuple[str, str]:
        """Of the dataset and of its class table."""
        return self.dataset.content_hash, self.dataset.classes.content_hash

    def split(self, settings: Split, placed: Mapping[str, Sequence[Group]]) -> Split:
        """`settings` with these groups in their parts, less the frames that are too near to another part.

        Raises:
            DataError: the gap leaves nothing of a part.
        """
        whole = {part: {stem for group in placed[part] for stem in group.stems} for part in PARTS if placed.get(part)}
        places = self.grouped.places
        out = places.left_out(whole) if places else set()
        parts = {part: tuple(sorted(stems - out)) for part, stems in whole.items()}
        self._require_some_left(parts, len(out))
        counts = {
            part: part_counts(self.dataset, stems, self.pixels, len({self.grouped.keys[stem] for stem in stems}))
            for part, stems in parts.items()
        }
        return replace(
            settings,
            parts=parts,
            counts=counts,
            notes=(
                *lacking(counts),
                *self._nearness(parts, len(out)),
                *random_split_notes(self.dataset, self.grouping, len(self.groups)),
            ),
            blocks=self.grouping.to_json(),
            left_out=tuple(sorted(out)),
        )

    def _require_some_left(self, parts: Mapping[str, Sequence[str]], left_out: int) -> None:
        empty = [part for part, stems in parts.items() if not stems]
        if empty:
            raise DataError.of(
                "--gap", f"leaves no frame in {', '.join(empty)}", allowed="a gap that leaves frames in each part",
                found=f"{left_out} of {len(self.dataset)} frames are nearer than {self.grouping.gap} to another part",
                fix="make the gap smaller, or the blocks larger, so that fewer frames stand at their borders",
            )  # fmt: skip

    def _nearness(self, parts: Mapping[str, Sequence[str]], left_out: int) -> list[str]:
        """What a split by blocks leaves between its parts."""
        places = self.grouped.places
        if places is None:
            return []
        said = [
            f"{left_out} of {len(self.dataset)} frames are left out: nearer than {self.grouping.gap} to another part"
        ]
        pair = places.nearest_pair(parts)
        if not left_out:
            said = []
        if pair is None:
            return said
        distance, one, other = pair
        near = f"the nearest frames of two parts are {places.distance_text(distance)} apart: {one} and {other}"
        return [*said, near if self.grouping.gap else f"{near}; --gap leaves out what is nearer than it says"]


def parts_of(groups: Sequence[Group], shares: Mapping[str, float], rng: np.random.Generator) -> list[str]:
    """The part of each group, so that each part comes near its share."""
    order = [part for part in PARTS if part in shares]
    targets = np.array([shares[part] for part in order]) / sum(shares.values()) if order else np.zeros(0)
    return [order[at] for at in numbers_of(groups, targets, rng)]


def numbers_of(groups: Sequence[Group], targets: npt.NDArray, rng: np.random.Generator) -> list[int]:
    """The number of the part of each group; `targets` are the shares of the parts, together 1."""
    amounts = np.array([[*group.pixels[:-1], len(group.stems)] for group in groups], dtype=np.float64)
    return balanced(amounts.reshape(len(groups), -1), targets, rng)


def class_pixels(dataset: Dataset, listener: Listener) -> dict[str, npt.NDArray[np.int64]]:
    """Stem -> pixels of each class in channel order, then of void.

    Raises:
        DataError: labels that cannot be read; all of them.
    """
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


def part_counts(
    dataset: Dataset, stems: Iterable[str], pixels: Mapping[str, npt.NDArray[np.int64]], groups: int
) -> PartCounts:
    """What these frames hold; `pixels` is what `class_pixels` gave."""
    rows = [pixels[stem] for stem in stems]
    total = np.sum(rows, axis=0) if rows else np.zeros(len(dataset.classes) + 1, np.int64)
    by_name = {name: int(count) for name, count in zip(dataset.classes.names, total, strict=False)}
    return PartCounts(len(rows), groups, by_name, int(total[-1]))


def lacking(counts: Mapping[str, PartCounts]) -> list[str]:
    """One sentence for each part that has no pixel of some class."""
    texts = []
    for part, count in counts.items():
        missing = [name for name, pixels in count.class_pixels.items() if pixels == 0]
        if missing:
            texts.append(f"{part} has no pixel of {', '.join(missing)}: no score or threshold can be said for it there")
    return texts


def random_split_notes(dataset: Dataset, grouping: Grouping, groups: int) -> list[str]:
    """A sentence where frames were drawn one by one although columns say which belong together."""
    if not grouping.is_random:
        alone = groups == len(dataset) and grouping.gap is None
        rule = (
            f"every frame has another value of '{grouping.by or grouping.describe()}': nothing is kept together by it"
        )
        return [rule] if alone else []
    columns = [
        f"{name} ({values} values)"
        for name in dataset.column_names
        if 1 < (values := len({frame.columns.get(name) for frame in dataset.frames})) < len(dataset)
    ]
    if not columns:
        return []
    return [f"drawn frame by frame, although columns group them: {few(columns)}; `--by COLUMN` keeps groups together"]
