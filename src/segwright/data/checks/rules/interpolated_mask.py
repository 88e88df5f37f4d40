"""Class ids were averaged along borders.

## What it does

Reports masks in which most borders between two ids that lie apart have a pixel of an id between them: what bilinear
resizing leaves when every value it makes happens to be a class.

## Why is this bad?

Every id is known, so no reader complains, and the classes in the middle of the table get a rim around everything. They
are scored and trained as if they were there.

## Example

```text
road (3) beside car (8), before and after a bilinear resize by 2
3 3 8 8        3 3 5 6 8 8        5 is a tree, 6 a sign
```

## Use instead

Export the masks at the images' own size, or resize them by nearest neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule

_LEAST_PX = 24
_LEAST_SHARE = 0.4


def judge(evidence: Evidence) -> Iterator[Finding]:
    """Frames whose borders between distant ids are mostly made of ids between."""
    for facts, labels in evidence.labelled:
        between, direct = labels.between, labels.direct
        if between.area_px >= _LEAST_PX and between.area_px >= _LEAST_SHARE * (between.area_px + direct):
            share = between.area_px / (between.area_px + direct)
            yield Finding(
                facts.place,
                "has ids between those of their neighbours along its borders: class ids were averaged",
                "export the mask again at the image's own size, or resize it by nearest neighbour",
                facts.subject,
                frame=facts.stem,
                box=between.box,
                allowed="ids that somebody painted",
                found=f"{between.area_px} such pixels, on {share:.0%} of the borders between distant ids",
            )


RULE = Rule("SEG007", "interpolated-mask", "warning", judge, __doc__ or "")
