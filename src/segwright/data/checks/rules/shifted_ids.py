"""The ids in the masks are one off the class table.

## What it does

Reports two traces of a "reduce zero label" step that was done once too often, or not at all: the table's first id never
occurs while the masks hold one id above its last; and id 0, in the table, never occurs while 255 is in most frames.

## Why is this bad?

Every class is trained under its neighbour's name. Scores look normal, because prediction and truth are wrong alike.

## Example

```text
classes: 0 wall, 1 floor, 2 door
masks hold 1, 2, 3        the step was not done: subtract one
masks hold 1, 2, 255      the step was done for a table whose first class was background: 0 became 255
```

## Use instead

Number the classes as the masks do, or rename the values: `data: {options: {map: [1=0, 2=1, 3=2]}}`. Switch the step off
in the tool that wrote the masks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule

_USUAL_VOID = 255
_MOST_FRAMES = 0.8
_LARGE_SHARE = 0.2


def judge(evidence: Evidence) -> Iterator[Finding]:
    """At most one finding for the dataset."""
    ids = evidence.dataset.classes.ids
    frames: Counter[int] = Counter()
    pixels: Counter[int] = Counter()
    total = 0
    for facts in evidence.facts:
        values = facts.labels.pixels if facts.labels is not None else facts.mask.values if facts.mask else {}
        if facts.mask is not None and facts.mask.cut:
            continue
        total += bool(values)
        frames.update(values.keys())
        pixels.update(dict(values))
    first, above = min(ids), max(ids) + 1
    consecutive = len(ids) > 1 and ids == tuple(range(first, above))
    rest = frames.keys() - {evidence.dataset.classes.void_id}
    if consecutive and total and frames[first] == 0 and frames[above] and rest == set(range(first + 1, above + 1)):
        yield _shifted(evidence, first, above)
    elif (
        total and first == 0 and len(ids) > 1 and frames[0] == 0 and _zero_became_void(evidence, frames, pixels, total)
    ):
        share = pixels[_USUAL_VOID] / sum(pixels.values())
        yield Finding(
            evidence.file(),
            f"never has id 0 '{evidence.dataset.classes.names[0]}', and 255 in most frames: 0 may have become 255",
            "switch off `reduce_zero_label` where the masks were written, or `options: {map: [255=0]}`",
            "zero became void",
            allowed=evidence.dataset.classes.describe(),
            found=f"255 on {share:.0%} of all pixels, in {frames[_USUAL_VOID]} of {total} frames",
        )


def _zero_became_void(evidence: Evidence, frames: Counter[int], pixels: Counter[int], total: int) -> bool:
    """Void in nearly every frame, on a good part of it, beside other classes."""
    if evidence.dataset.classes.void_id != _USUAL_VOID or len(frames) < 2:
        return False
    return frames[_USUAL_VOID] >= _MOST_FRAMES * total and pixels[_USUAL_VOID] >= _LARGE_SHARE * sum(pixels.values())


def _shifted(evidence: Evidence, first: int, above: int) -> Finding:
    renamed = ", ".join(f"{value}={value - 1}" for value in range(first + 1, above + 1))
    return Finding(
        evidence.file(),
        f"holds ids {first + 1} to {above} where the class table has {first} to {above - 1}: they are one off",
        f"number the classes from {first + 1}, or set `options: {{map: [{renamed}]}}`",
        "ids one off",
        allowed=evidence.dataset.classes.describe(),
        found=f"no pixel of {first}; pixels of {above}",
    )


RULE = Rule("SEG015", "shifted-ids", "warning", judge, __doc__ or "")
