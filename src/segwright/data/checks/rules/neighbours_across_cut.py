"""Neighbours in time are on both sides of the split.

## What it does

Finds sequences from names that end in a number and go up in even steps, asks the pictures whether neighbours in number
look more alike than other frames of the sequence do, and reports neighbours in different parts that do. The usual step
is told for each part. A block of one part that another part encloses, closely on both sides, is reported as well where
the frames on either side of both cuts are as alike as frames of one part are at that distance.

## Why is this bad?

A frame a second later shows the same cars, the same tissue, the same scratch. A random split of a video puts the answer
of nearly every held-out frame into training: a score of 0.9 that is 0.6 on the next drive.

## Example

```text
CamVid as published: train ends at 0001TP_008520, test starts at 0001TP_008550, one second later; and validation,
0016E5_07959 to 0016E5_08159, lies between 0016E5_07920 and 0016E5_08190 of train
```

## Use instead

Split by sequence: `segwright split DATA --columns '(?P<sequence>[^_/]+)_[^/]*$' --by sequence`. Where there is one long
sequence only, cut it once and leave out the frames around the cut; then accept the rest with `--baseline`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from segwright.core import few
from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule
from segwright.data.checks.sequences import NumberedFrames, Pair, alike, alike_from, numbered_frames, ordinary_from


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding a sequence that is cut between neighbours that look alike."""
    if evidence.split is None:
        return
    for sequence in numbered_frames(evidence.facts, evidence.part_of):
        cuts = sequence.cuts()
        limit = alike_from(sequence) if cuts else None
        if limit is None:
            continue
        enclosed = {at for block in sequence.enclosed(cuts) if _ordinary(sequence, block) for at in block}
        cut = [sequence.pair(at) for at in cuts if at in enclosed or alike(*sequence.pair(at)) >= limit]
        if cut:
            yield _finding(evidence, sequence, cut)


def _ordinary(sequence: NumberedFrames, block: tuple[int, int]) -> bool:
    """Whether the scene goes on at both ends of a block: the frames there are as alike as their distance says."""
    for at in block:
        limit = ordinary_from(sequence, sequence.numbers[at + 1] - sequence.numbers[at])
        if limit is None or alike(*sequence.pair(at)) < limit:
            return False
    return True


def _finding(evidence: Evidence, sequence: NumberedFrames, cut: Sequence[Pair]) -> Finding:
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


RULE = Rule("SEG034", "neighbours-across-cut", "error", judge, __doc__ or "", gate=True, needs=("split",))
