"""Void is never painted.

## What it does

Reports datasets of at least fifty frames in which no pixel is void.

## Why is this bad?

Real frames have glare, occlusion and borders nobody can place. Where annotators had no way to say so they guessed, and
the guesses are trained and scored as truth. That is fine for some sets (cut masks have no void), so this is a hint.

## Example

```text
412 frames, void 0.00 %
```

## Use instead

Say in the annotation guide what is painted void, and correct the frames where it matters most: glare and unclear
borders.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule

_FRAMES = 50


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding for the dataset."""
    void = evidence.dataset.classes.void_id
    frames = evidence.labelled
    if len(frames) >= _FRAMES and not any(void in labels.pixels for _, labels in frames):
        yield Finding(
            evidence.file(),
            f"has no void pixel in {len(frames)} frames",
            "say in the annotation guide what is painted void: glare, occlusion, unclear borders",
            f"void {void} unused",
            allowed=f"{void} where nobody can tell",
            found="none",
        )


RULE = Rule("SEG013", "unused-void", "hint", judge, __doc__ or "")
