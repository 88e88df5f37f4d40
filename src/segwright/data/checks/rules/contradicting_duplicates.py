"""Two frames show the same picture and carry different masks.

## What it does

Finds frames that show one picture to its full extent (also flipped, turned, encoded again or at another exposure), and
reports pairs whose labels agree on less than half of what either of them paints.

## Why is this bad?

At most one of the two is right. The network is pulled both ways, and a score on either is partly luck.

## Example

```text
a/0007.png and b/0112.png: 100 % of the detail agrees, the labels agree on 0 % of what is painted
```

## Use instead

Look at both, keep the better mask, and remove the other frame or give it the same mask.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from segwright.core import LabelMap, Size
from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule
from segwright.data.checks.near.descriptor import turned

_LEAST_SAME = 0.5
_LEAST_PX = 30  # a few pixels more or less on an object of a few pixels is no contradiction


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding a pair."""
    for first, second, pair in evidence.duplicates_within:
        if first.labels is None or second.labels is None or first.label_digest == second.label_digest:
            continue
        one = evidence.dataset.read_labels(evidence.dataset.frame(first.stem))
        two = evidence.dataset.read_labels(evidence.dataset.frame(second.stem))
        same, painted = agreement(one, two, pair.symmetry)
        if painted >= _LEAST_PX and same < _LEAST_SAME:
            yield Finding(
                second.place,
                f"shows the picture of {first.stem} and is labelled otherwise",
                "look at both, keep the better mask, and remove or correct the other",
                " ".join(sorted((first.subject, second.subject))),
                frame=second.stem,
                allowed=f"labels that agree on {_LEAST_SAME:.0%} of what is painted",
                found=f"{same:.0%}; pictures: {pair.describe()}",
            )


def agreement(first: LabelMap, second: LabelMap, symmetry: int) -> tuple[float, int]:
    """The share of pixels painted in either that have one id in both, and how many are painted.

    The first is turned as its picture was and brought to the second's size (nearest). Void pixels of either are left
    out; so is what is background in both.
    """
    ids = turned(first.ids, symmetry)
    if ids.shape != second.ids.shape:
        size = Size(*second.ids.shape)
        ids = LabelMap(ids, first.classes).resized(size).ids
    classes = second.classes
    counted = (ids != classes.void_id) & (second.ids != classes.void_id)
    if classes.background_id is not None:
        counted &= (ids != classes.background_id) | (second.ids != classes.background_id)
    painted = int(np.count_nonzero(counted))
    same = int(np.count_nonzero(counted & (ids == second.ids)))
    return (same / painted if painted else 1.0), painted


RULE = Rule("SEG030", "contradicting-duplicates", "warning", judge, __doc__ or "")
