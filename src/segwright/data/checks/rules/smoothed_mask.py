"""A mask has smooth edges: grey levels where class ids should be.

## What it does

Reports masks with more than twelve values outside the class table: antialiased drawings, masks resized with bilinear
interpolation, and grey pictures taken for masks.

## Why is this bad?

A smooth edge from class 0 to class 200 passes through every id between. Rounding them to the nearest class paints thin
rims of classes that are not there.

## Example

```text
masks/0412.png: 812 pixels have 94 values that are not in the class table: smoothed edges or a grey mask
```

## Use instead

Export the masks without antialiasing and resize them by nearest neighbour only. Masks of two classes can be cut:
`data: {options: {cut: 128}}`.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule
from segwright.data.checks.refusals import refused_for


def judge(evidence: Evidence) -> Iterator[Finding]:
    """Frames refused for many values nobody named."""
    return refused_for(evidence, "smoothed")


RULE = Rule("SEG006", "smoothed-mask", "error", judge, __doc__ or "", gate=True)
