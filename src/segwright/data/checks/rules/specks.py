"""Specks and pinholes.

## What it does

Reports components and holes of at most 4 px of classes whose components are usually much larger (median of 40 px and
more). Classes of small things are left alone.

## Why is this bad?

They are slips of the brush, and each counts as a whole object wherever objects are counted, and as a border of its own
in every boundary score.

## Example

```text
. . . . 1 . .        a speck
1 1 1 1 . . .
1 1 0 1 . . .        a pinhole
1 1 1 1 . . .
```

## Use instead

`segwright lint DATA --select SEG023 --fix DIR` gives specks the id around them and fills pinholes, and writes the masks
to a new folder.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from segwright.core import LabelMap, adopt
from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule
from segwright.data.checks.label_facts import SMALL_PX

_USUAL_PX = 40


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding a frame and class."""
    for spec in evidence.dataset.classes.foreground:
        rows = [
            (facts, labels.components[spec.class_id])
            for facts, labels in evidence.labelled
            if spec.class_id in labels.components
        ]
        areas = [components.areas[components.areas > SMALL_PX] for _, components in rows]
        if not rows or np.median(np.concatenate(areas) if sum(map(len, areas)) else [0]) < _USUAL_PX:
            continue
        for facts, components in rows:
            specks, holes = components.specks, components.pinholes
            if specks.count + holes.count:
                yield Finding(
                    facts.place,
                    f"has {specks.count} specks and {holes.count} pinholes of at most {SMALL_PX} px in '{spec.name}'",
                    f"segwright lint {evidence.data} --select SEG023 --fix DIR",
                    f"{facts.subject} {spec.class_id}",
                    frame=facts.stem,
                    box=specks.box or holes.box,
                    allowed=f"components and holes of more than {SMALL_PX} px",
                    found=f"{specks.area_px} and {holes.area_px} px",
                )


def correct(labels: LabelMap) -> LabelMap:
    """Components of at most 4 px, of any id but void, get the most frequent id around them where that is one id."""
    corrected = np.array(labels.ids)
    for class_id in np.unique(labels.ids):
        if class_id == labels.classes.void_id:
            continue
        painted = (labels.ids == class_id).view(np.uint8)
        count, numbered, stats, _ = cv2.connectedComponentsWithStats(painted, connectivity=8)
        for number in range(1, count):
            if stats[number, cv2.CC_STAT_AREA] <= SMALL_PX:
                _give_away(corrected, labels.ids, numbered == number, stats[number])
    return LabelMap(adopt(corrected), labels.classes)


def _give_away(corrected: np.ndarray, ids: np.ndarray, component: np.ndarray, stats: np.ndarray) -> None:
    """Paint one small component with the id around it; left alone where several ids meet there."""
    left, top, width, height, _ = (int(value) for value in stats)
    near = slice(max(0, top - 1), top + height + 1), slice(max(0, left - 1), left + width + 1)
    inside = component[near]
    around = cv2.dilate(inside.view(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~inside
    neighbours = np.unique(ids[near][around])
    if len(neighbours) == 1:
        corrected[near][inside] = neighbours[0]


RULE = Rule("SEG023", "specks", "hint", judge, __doc__ or "", correct=correct)
