"""Neighbours in time are on both sides of the split.

## What it does

Finds sequences from names that end in a number and go up in even steps, asks the pictures whether neighbours in number
look more alike than other frames of the sequence do, and reports neighbours in different parts that do.

## Why is this bad?

A frame a second later shows the same cars, the same tissue, the same scratch. A random split of a video puts the answer
of nearly every held-out frame into training: a score of 0.9 that is 0.6 on the next drive.

## Example

```text
CamVid as published: train ends at 0001TP_008520, test starts at 0001TP_008550, one second later
```

## Use instead

Split by sequence: `segwright split DATA --columns '(?P<sequence>[^_/]+)_[^/]*$' --by sequence`. Where there is one long
sequence only, cut it once and leave out the frames around the cut; then accept the rest with `--baseline`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from segwright.core import few
from segwright.data.checks.evidence import Evidence
from segwright.data.checks.facts import FrameFacts
from segwright.data.checks.finding import Finding, Rule
from segwright.data.checks.near import describe, similarity

_NUMBERED = re.compile(r"^(.*?)(\d+)(\D*)$")
_PART_FOLDERS = {"train", "training", "val", "valid", "validation", "test", "testing", "calibration", "images"}
_LEAST_FRAMES = 8
_EVEN = 0.5  # share of the steps that are the usual step
_WIDEST_STEP = 3  # in usual steps; further apart than this, numbers are no neighbours
_SAMPLED = 200


@dataclass(frozen=True)
class _Sequence:
    """Frames in the order of their numbers, and how alike neighbours and others of them are."""

    name: str
    numbers: tuple[int, ...]
    frames: tuple[FrameFacts, ...]

    def neighbours(self) -> list[tuple[FrameFacts, FrameFacts]]:
        """Frames that follow each other by at most three usual steps."""
        widest = _WIDEST_STEP * float(np.median(np.diff(self.numbers)))
        pairs = zip(self.frames, self.frames[1:], np.diff(self.numbers), strict=False)
        return [(first, second) for first, second, step in pairs if step <= widest]

    @property
    def even(self) -> bool:
        """Whether most steps are the usual one: numbers of a camera, not of a catalogue."""
        steps = np.diff(self.numbers)
        return bool(np.mean(steps == np.median(steps)) >= _EVEN)


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding a sequence that is cut between neighbours that look alike."""
    if evidence.split is None:
        return
    part_of = evidence.part_of
    for sequence in _sequences(evidence):
        pairs = sequence.neighbours()
        if not any(part_of.get(first.stem) != part_of.get(second.stem) for first, second in pairs):
            continue
        limit = _alike_from(sequence, pairs)
        cut = [
            (first, second)
            for first, second in pairs
            if first.stem in part_of and second.stem in part_of and part_of[first.stem] != part_of[second.stem]
            if limit is not None and _alike(first, second) >= limit
        ]
        if cut:
            yield _finding(evidence, sequence, cut)


def _finding(evidence: Evidence, sequence: _Sequence, cut: Sequence[tuple[FrameFacts, FrameFacts]]) -> Finding:
    named = [
        f"{evidence.part_of[first.stem]} {first.stem} | {evidence.part_of[second.stem]} {second.stem}"
        for first, second in cut
    ]
    return Finding(
        f"split: sequence {sequence.name}",
        f"is cut between {len(cut)} pairs of neighbouring frames that look alike",
        f"segwright split {evidence.data} --by sequence, with a column from the names: --columns '(?P<sequence>...)'",
        " ".join(f"{first.image_digest} {second.image_digest}" for first, second in cut),
        frame=cut[0][1].stem,
        allowed="a sequence in one part, or a gap around the cut",
        found=few(named),
    )


def _sequences(evidence: Evidence) -> Iterator[_Sequence]:
    found: dict[str, list[tuple[int, FrameFacts]]] = defaultdict(list)
    for facts in evidence.facts:
        path = PurePosixPath(facts.stem)
        match = _NUMBERED.match(path.name)
        if match is not None and facts.picture is not None:
            folders = [part for part in path.parent.parts if part.lower() not in _PART_FOLDERS]
            found["/".join([*folders, f"{match[1]}#{match[3]}"])].append((int(match[2]), facts))
    for name, rows in sorted(found.items()):
        rows.sort(key=lambda row: row[0])
        numbers = tuple(number for number, _ in rows)
        if len(rows) >= _LEAST_FRAMES and len(set(numbers)) == len(numbers):
            sequence = _Sequence(name, numbers, tuple(facts for _, facts in rows))
            if sequence.even:
                yield sequence


def _alike_from(sequence: _Sequence, pairs: Sequence[tuple[FrameFacts, FrameFacts]]) -> float | None:
    """How alike two frames must be to count as neighbours in time; None where the numbers are no time.

    Numbers are time where neighbours usually are more alike than nine in ten other pairs of the sequence are. Then a
    pair must reach the same bar: at the border of two scenes with numbers that go on, it does not.
    """
    step = max(1, len(pairs) // _SAMPLED)
    near = [_alike(first, second) for first, second in pairs[::step]]
    rng = np.random.default_rng(0)
    count = len(sequence.frames)
    drawn = rng.integers(0, count, (4 * _SAMPLED, 2))
    far = [
        _alike(sequence.frames[one], sequence.frames[two])
        for one, two in drawn[:_SAMPLED]
        if abs(one - two) > count // 4
    ]
    if len(far) < _LEAST_FRAMES or float(np.median(near)) <= float(np.quantile(far, 0.9)):
        return None
    return float(np.quantile(far, 0.9))


def _alike(first: FrameFacts, second: FrameFacts) -> float:
    if first.picture is None or second.picture is None:
        return -1.0
    return similarity(describe(first.picture), describe(second.picture))


RULE = Rule("SEG034", "neighbours-across-cut", "error", judge, __doc__ or "", gate=True, needs=("split",))
