"""A mask holds an id that is not in the class table.

## What it does

Reports masks with values that are neither a class nor void.

## Why is this bad?

Nobody says what these pixels are. Tools that do not look count them as background, clip them to the last class, or
fail in the middle of an epoch on a GPU, where the message does not name the file.

## Example

```text
classes: 0 background, 1 scratch, 2 dent, 255 void
masks/0412.png: 37 pixels have value 7
```

## Use instead

Add the class under `classes:` in `segwright.yaml`, or rename the value where the masks are read:
`data: {options: {map: [7=void]}}`.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule
from segwright.data.checks.refusals import refused_for


def judge(evidence: Evidence) -> Iterator[Finding]:
    """Frames refused for a few values nobody named."""
    return refused_for(evidence, "unknown")


RULE = Rule("SEG005", "unknown-id", "error", judge, __doc__ or "", gate=True)
