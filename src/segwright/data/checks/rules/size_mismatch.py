"""A mask does not lie on its image: another size, or it may be turned.

## What it does

Reports masks (and annotations) whose size is not that of their image, and masks of images with an EXIF orientation
where the size does not tell whether the mask was drawn on the stored or on the upright picture.

## Why is this bad?

Stretching the mask to fit puts every border in the wrong place, and a mask turned the wrong way is wrong everywhere.
Neither raises an error in most tools.

## Example

```text
images/0001.jpg   4000x3000, EXIF orientation 6 (upright it is 3000x4000)
masks/0001.png    2000x1500
```

## Use instead

Export the masks at the images' own size. Where an EXIF orientation leaves it open, look at one pair and say it:
`data: {options: {mask_orientation: upright}}`.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule
from segwright.data.checks.refusals import refused_for


def judge(evidence: Evidence) -> Iterator[Finding]:
    """Frames refused for their size."""
    return refused_for(evidence, "size")


RULE = Rule("SEG004", "size-mismatch", "error", judge, __doc__ or "", gate=True)
