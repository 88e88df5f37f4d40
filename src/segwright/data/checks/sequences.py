"""Frames whose names say when they were taken, and whether their pictures bear that out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

import numpy as np

from segwright.data.checks.facts import FrameFacts
from segwright.data.checks.near import describe, similarity

Pair = tuple[FrameFacts, FrameFacts]

_NUMBERED = re.compile(r"^(.*?)(\d+)(\D*)$")
_PART_FOLDERS = {"train", "training", "val", "valid", "validation", "test", "testing", "calibration", "images"}
_LEAST_FRAMES = 8
_EVEN = 0.5  # share of the steps that are one of the two commonest
_WIDEST_STEP = 3  # in usual steps; further apart than this, numbers are no neighbours
_SAMPLED = 200
_ABOUT = 1.5  # distances that differ by no more than this factor are alike
_ORDINARY = 0.1  # the quantile of pairs at one distance from which a pair at that distance is nothing special


@dataclass(frozen=True)
class NumberedFrames:
    """Frames in the order of their numbers, and the part of the split that each is in (None: in none).

    The usual step is told for each part: one may hold every thirtieth frame of a drive and another every second.
    """

    name: str
    numbers: tuple[int, ...]
    frames: tuple[FrameFacts, ...]
    parts: tuple[str | None, ...]

    @property
    def steps(self) -> dict[str | None, float]:
        """Part -> its usual step, of every part in which frames follow each other."""
        found: dict[str | None, list[int]] = defaultdict(list)
        for (number, part), (following, other) in pairwise(zip(self.numbers, self.parts, strict=True)):
            if part == other:
                found[part].append(following - number)
        return {part: float(np.median(values)) for part, values in found.items()}

    @property
    def even(self) -> bool:
        """Whether most steps are one of two: numbers of a camera, labelled at one rate or two, not of a catalogue."""
        steps = np.diff(self.numbers).tolist()
        return sum(count for _, count in Counter(steps).most_common(2)) >= _EVEN * len(steps)

    def neighbours(self) -> list[int]:
        """The places of frames that the next follows by at most three usual steps of one of the two."""
        usual, steps = self._usual(), np.diff(self.numbers)
        return [at for at, step in enumerate(steps) if step <= _WIDEST_STEP * max(usual(at))]

    def _usual(self) -> Callable[[int], tuple[float, float]]:
        """The usual steps of the parts of a frame and of the next; where a part has none of its own, everybody's."""
        steps, everybody = self.steps, float(np.median(np.diff(self.numbers)))
        return lambda at: (steps.get(self.parts[at], everybody), steps.get(self.parts[at + 1], everybody))

    def pair(self, at: int) -> Pair:
        """A frame and the next."""
        return self.frames[at], self.frames[at + 1]

    def cuts(self) -> list[int]:
        """The places of neighbours that are in different parts."""
        return [at for at in self.neighbours() if None not in (ends := self.parts[at : at + 2]) and ends[0] != ends[1]]

    def enclosed(self, cuts: Sequence[int]) -> list[tuple[int, int]]:
        """Pairs of cuts around a block of one part: the same other part follows close on both of its sides."""
        return [(one, two) for one, two in pairwise(cuts) if self._is_block(one, two)]

    def _is_block(self, one: int, two: int) -> bool:
        inside = {*self.parts[one + 1 : two + 1]}
        return len(inside) == 1 and self.parts[one] == self.parts[two + 1]


def numbered_frames(facts: Sequence[FrameFacts], part_of: Mapping[str, str]) -> Iterator[NumberedFrames]:
    """The sequences among the frames: names that differ in their last number alone, mostly in even steps."""
    found: dict[str, list[tuple[int, FrameFacts]]] = defaultdict(list)
    for row in facts:
        path = PurePosixPath(row.stem)
        match = _NUMBERED.match(path.name)
        if match is not None and row.picture is not None:
            folders = [part for part in path.parent.parts if part.lower() not in _PART_FOLDERS]
            found["/".join([*folders, f"{match[1]}#{match[3]}"])].append((int(match[2]), row))
    for name, rows in sorted(found.items()):
        rows.sort(key=lambda row: row[0])
        numbers = tuple(number for number, _ in rows)
        if len(rows) >= _LEAST_FRAMES and len(set(numbers)) == len(numbers):
            frames = tuple(row for _, row in rows)
            sequence = NumberedFrames(name, numbers, frames, tuple(part_of.get(row.stem) for row in frames))
            if sequence.even:
                yield sequence


def alike_from(sequence: NumberedFrames) -> float | None:
    """How alike two frames must be to count as neighbours in time; None where the numbers are no time.

    Numbers are time where neighbours usually are more alike than nine in ten other pairs of the sequence are. Then a
    pair must reach the same bar: at the border of two scenes with numbers that go on, it does not.
    """
    places = sequence.neighbours()
    near = [alike(*sequence.pair(at)) for at in places[:: max(1, len(places) // _SAMPLED)]]
    rng = np.random.default_rng(0)
    count = len(sequence.frames)
    drawn = rng.integers(0, count, (4 * _SAMPLED, 2))
    far = [
        alike(sequence.frames[one], sequence.frames[two])
        for one, two in drawn[:_SAMPLED]
        if abs(one - two) > count // 4
    ]
    if not near or len(far) < _LEAST_FRAMES or float(np.median(near)) <= float(np.quantile(far, 0.9)):
        return None
    return float(np.quantile(far, 0.9))


def ordinary_from(sequence: NumberedFrames, distance: int) -> float | None:
    """How alike nine in ten pairs of one part are whose numbers are about as far apart; None where too few are."""
    numbers = np.array(sequence.numbers)
    found: list[float] = []
    for at, number in enumerate(numbers):
        low, high = np.searchsorted(numbers, [number + distance / _ABOUT, number + distance * _ABOUT])
        found += [
            alike(sequence.frames[at], sequence.frames[other])
            for other in range(low, high)
            if sequence.parts[at] == sequence.parts[other]
        ]
        if len(found) >= _SAMPLED:
            break
    return float(np.quantile(found, _ORDINARY)) if len(found) >= _LEAST_FRAMES else None


def alike(first: FrameFacts, second: FrameFacts) -> float:
    """How alike two frames are, -1..1."""
    if first.picture is None or second.picture is None:
        return -1.0
    return similarity(describe(first.picture), describe(second.picture))
