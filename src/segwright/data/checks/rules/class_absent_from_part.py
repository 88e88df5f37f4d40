"""A class is missing from a part of the split.

## What it does

Reports classes that some frames show and a whole part of the split does not.

## Why is this bad?

A class missing from `train` cannot be learned. Missing from `validation` or `test` it has no score, and from
`calibration` no threshold, and the mean over classes is of other classes than it says.

## Example

```text
               train  validation
scratch       41,203       9,870
rust           1,120           0
```

## Use instead

Split again with another seed, another column or other held-out groups: `segwright split DATA --by COLUMN --seed 1`. If
only one group shows the class, label more groups.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding a class and part."""
    if evidence.split is None:
        return
    everywhere = {class_id for _, labels in evidence.labelled for class_id in labels.pixels}
    for part in evidence.split.parts:
        frames = list(evidence.in_part(part))
        seen = {class_id for _, labels in frames for class_id in labels.pixels}
        for spec in evidence.dataset.classes:
            if frames and spec.class_id in everywhere and spec.class_id not in seen:
                yield Finding(
                    f"split: {part}",
                    f"has no pixel of '{spec.name}', which other parts show",
                    "segwright split again with another --seed, --by or --hold-out",
                    f"class {spec.class_id} {spec.name} in {part}",
                    allowed="each class in each part",
                    found=f"{len(frames)} frames without it",
                )


RULE = Rule("SEG011", "class-absent-from-part", "warning", judge, __doc__ or "", needs=("split",))
