"""A class of the table is never painted.

## What it does

Reports classes without a pixel in any frame that could be read.

## Why is this bad?

The network gets an output it never learns, the class has no score, and a mean over classes silently leaves it out. Most
often the id in the table is not the id in the masks.

## Example

```text
classes: 0 background, 1 scratch, 2 dent, 3 rust
masks hold 0, 1, 2
```

## Use instead

Correct the id in the class table, label frames that show the class, or leave the class out.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding a class."""
    if not evidence.labelled:
        return
    seen = {class_id for _, labels in evidence.labelled for class_id in labels.pixels}
    for spec in evidence.dataset.classes:
        if spec.class_id not in seen:
            yield Finding(
                evidence.file(),
                f"has no pixel of class {spec.class_id} '{spec.name}' in {len(evidence.labelled)} frames",
                f"correct the id of '{spec.name}', label frames that show it, or leave the class out",
                f"class {spec.class_id} {spec.name}",
                allowed="each class in some frame",
                found=f"ids {', '.join(str(value) for value in sorted(seen))}",
            )


RULE = Rule("SEG010", "absent-class", "warning", judge, __doc__ or "")
