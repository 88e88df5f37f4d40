"""A mask is a JPEG.

## What it does

Reports masks in a lossy format. Masks of class ids are refused. Masks of two classes that are cut at a grey level can
be read, and are a warning.

## Why is this bad?

JPEG changes the value of most pixels near an edge. In a mask of class ids that makes other classes, and nothing brings
the ids back. In a mask of two classes it moves the border by a pixel here and there.

## Example

```text
masks/0412.jpg
```

## Use instead

Export the masks again as PNG from the annotation tool. Converting the JPEG keeps the damage.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule
from segwright.data.checks.refusals import refused_for


def judge(evidence: Evidence) -> Iterator[Finding]:
    """Refused masks of ids, and masks that are cut."""
    yield from refused_for(evidence, "lossy")
    for facts in evidence.facts:
        if facts.mask is not None and facts.mask.lossy and facts.mask.cut:
            yield Finding(
                str(facts.mask.path),
                f"is a {facts.mask.format}, whose compression moves the border of what is painted",
                "export the masks again as PNG",
                facts.subject,
                frame=facts.stem,
                allowed="PNG, TIFF, BMP, GIF or lossless WebP masks",
                found=f"lossy {facts.mask.format}",
                severity="warning",
            )


RULE = Rule("SEG009", "lossy-mask", "error", judge, __doc__ or "", gate=True)
