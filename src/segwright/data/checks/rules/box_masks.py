"""The masks of a class are boxes.

## What it does

Reports classes of which at least half of the components (of 64 px and more, ten of them at least) fill their bounding
box to 98 %.

## Why is this bad?

A box holds background in its corners. A network trained on boxes learns to answer with boxes, and its borders say
nothing. Where boxes came from a detector, they are a start for labelling and not the labels.

## Example

```text
scratch: 212 of 230 components fill their bounding box
```

## Use instead

Refine the boxes to outlines before training. Where the things really are rectangular (printed labels, windows), accept
the finding: `segwright lint DATA --baseline lint.json --write-baseline`.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule

_LEAST_COMPONENTS = 10
_LEAST_SHARE = 0.5


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding a class, with the frame that shows it best."""
    for spec in evidence.dataset.classes.foreground:
        rows = [
            (facts, labels.components[spec.class_id])
            for facts, labels in evidence.labelled
            if spec.class_id in labels.components
        ]
        large = sum(components.large for _, components in rows)
        boxes = sum(components.boxes.count for _, components in rows)
        if large < _LEAST_COMPONENTS or boxes < _LEAST_SHARE * large:
            continue
        facts, components = max(rows, key=lambda row: row[1].boxes.area_px)
        yield Finding(
            facts.place,
            f"shows what most components of '{spec.name}' are: boxes",
            "paint outlines instead of boxes, or accept it where the things are rectangular",
            f"class {spec.class_id} {spec.name} boxes",
            frame=facts.stem,
            box=components.boxes.box,
            allowed=f"less than {_LEAST_SHARE:.0%} of the components fill their bounding box",
            found=f"{boxes} of {large} components of 64 px and more",
        )


RULE = Rule("SEG021", "box-masks", "warning", judge, __doc__ or "")
