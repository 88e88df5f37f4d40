"""Frames are void all over.

## What it does

Reports frames in which every pixel is void: a warning for single frames, an error where a whole part of the split, or
the whole dataset, is.

## Why is this bad?

Such a frame teaches nothing and scores nothing, but it is decoded, counted and drawn for training. If all frames are
void, foreground 255 is usually read as void: the masks are black and white.

## Example

```text
masks of 0 and 255, classes 0 background, 1 crack, 255 void
```

## Use instead

Black-and-white masks are cut: `data: {options: {cut: 128}}`. Otherwise label the frame, or remove it.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.core import few
from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule


def judge(evidence: Evidence) -> Iterator[Finding]:
    """Each such frame, and each part of nothing else."""
    void = evidence.dataset.classes.void_id
    empty = {facts.stem for facts, labels in evidence.labelled if set(labels.pixels) == {void}}
    parts = ["the dataset"] if evidence.split is None else list(evidence.split.parts)
    for part in parts:
        stems = [facts.stem for facts, _ in (evidence.labelled if evidence.split is None else evidence.in_part(part))]
        if stems and empty.issuperset(stems):
            yield Finding(
                evidence.file() if evidence.split is None else f"split: {part}",
                f"is void in every one of its {len(stems)} frames: nothing can be learned or scored",
                "cut black-and-white masks: `data: {options: {cut: 128}}`; or label the frames",
                f"all void {part}",
                allowed="pixels of the classes",
                found=few(stems),
            )
    for facts, _ in evidence.labelled:
        if facts.stem in empty:
            yield Finding(
                facts.place,
                "is void all over and teaches nothing",
                "label the frame, or remove it",
                facts.subject,
                frame=facts.stem,
                allowed="some pixel of a class",
                found="void only",
                severity="warning",
            )


RULE = Rule("SEG014", "all-void", "error", judge, __doc__ or "", gate=True)
