"""A class has very few components.

## What it does

Reports classes that are painted in fewer than twenty separate places over all frames, or over the training part where a
split is given. The background is not counted.

## Why is this bad?

Twenty examples do not cover the ways a thing can look, and a score over the few of them that are held out moves by
several points with each one.

## Example

```text
dent: 7 components in 412 frames
```

## Use instead

Collect and label more frames of that class, or merge it with one the model may confuse it with. Report its score with
an interval: `segwright evaluate RUN --groups COLUMN`.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule

LEAST_COMPONENTS = 20


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding a class that occurs, and does so in few places."""
    frames = list(evidence.labelled if evidence.split is None else evidence.in_part("train"))
    where = "" if evidence.split is None else " of the training part"
    for spec in evidence.dataset.classes.foreground:
        count = sum(
            len(labels.components[spec.class_id].areas) for _, labels in frames if spec.class_id in labels.components
        )
        if 0 < count < LEAST_COMPONENTS:
            yield Finding(
                evidence.file(),
                f"shows '{spec.name}' in {count} places in {len(frames)} frames{where}",
                f"label more frames that show '{spec.name}', or merge it with another class",
                f"class {spec.class_id} {spec.name} {count}",
                allowed=f"at least {LEAST_COMPONENTS} components",
                found=str(count),
            )


RULE = Rule("SEG012", "rare-class", "hint", judge, __doc__ or "")
