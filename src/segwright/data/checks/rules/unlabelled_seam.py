"""A thin unlabelled line runs between two classes.

## What it does

Reports lines of void or background, one or two pixels wide, with one class on one side and another on the other: what
polygons that nearly touch leave between them.

## Why is this bad?

Where the line is background the model is taught a rim that is not there, and boundary scores count it twice. Where it
is void, the one place that tells two classes apart is never trained. Borders that are void on purpose are wider.

## Example

```text
1 1 0 2 2
1 1 0 2 2
1 1 0 2 2
```

## Use instead

`segwright lint DATA --select SEG022 --fix DIR` gives each pixel of such a line the nearer class and writes the masks to
a new folder. In the annotation tool, draw neighbouring outlines with shared points.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from segwright.core import LabelMap, adopt
from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule
from segwright.data.checks.label_facts import nearest_painted, seam_pixels

_LEAST_PX = 12


def judge(evidence: Evidence) -> Iterator[Finding]:
    """Frames with seams, the longest one boxed."""
    for facts, labels in evidence.labelled:
        if labels.seams.area_px >= _LEAST_PX:
            yield Finding(
                facts.place,
                f"has {labels.seams.count} unlabelled lines of 1-2 px between two classes",
                f"segwright lint {evidence.data} --select SEG022 --fix DIR",
                facts.subject,
                frame=facts.stem,
                box=labels.seams.box,
                allowed="classes that touch, or void on purpose and wider",
                found=f"{labels.seams.area_px} px",
            )


def correct(labels: LabelMap) -> LabelMap:
    """Each seam pixel gets the class of its nearest painted neighbour, of equally near ones the one to the left."""
    seam = seam_pixels(labels)
    if not seam.any():
        return labels
    ids, classes = labels.ids, labels.classes
    empty = [classes.void_id] if classes.background_id is None else [classes.void_id, classes.background_id]
    blank = np.isin(ids, empty)
    corrected = ids.astype(np.int32)
    for axis in (1, 0):
        before, after = nearest_painted(ids, blank, axis, 1), nearest_painted(ids, blank, axis, -1)
        across = seam & (corrected == ids) & (before >= 0) & (after >= 0) & (before != after)
        nearer = np.where(_one_away(before, ids, axis, 1) | ~_one_away(after, ids, axis, -1), before, after)
        corrected = np.where(across, nearer, corrected)
    return LabelMap(adopt(corrected.astype(ids.dtype)), classes)


def _one_away(found: np.ndarray, ids: np.ndarray, axis: int, step: int) -> np.ndarray:
    """Where the nearest painted pixel is the direct neighbour."""
    return np.roll(ids, step, axis) == found


RULE = Rule("SEG022", "unlabelled-seam", "warning", judge, __doc__ or "", correct=correct)
