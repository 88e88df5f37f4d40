"""A mask has a grey level in the middle, and nobody says what it means.

## What it does

Reports masks whose only unknown value is 128, and masks that are cut at a grey level although a good part of what is
painted lies in the middle of the scale.

## Why is this bad?

128 means "unsure" in a trimap, "class one" where someone divided 255 by the classes, and "painted" where a mask was
saved at half opacity. A cut at 128 settles that without asking.

## Example

```text
masks/0412.png: 0 (71 %), 128 (11 %), 255 (18 %)
```

## Use instead

Look at one such mask. If grey means unsure: `data: {options: {map: [128=void, 255=1]}}`. If it means painted, set
`cut` well below it.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.facts import FrameFacts
from segwright.data.checks.finding import Finding, Rule
from segwright.data.checks.mask_values import MaskValues
from segwright.data.checks.refusals import GREY_VALUE, refused_for

_MIDDLE = range(96, 161)
_LEAST_PX = 30
_LEAST_SHARE = 0.25  # of what is painted; the smooth edges of a drawn mask stay far below


def judge(evidence: Evidence) -> Iterator[Finding]:
    """Masks of 0, 128 and 255, and cut masks with one strong middle level."""
    fix = f"say what {GREY_VALUE} means: `options: {{map: [{GREY_VALUE}=void]}}`, or cut masks of two classes"
    yield from refused_for(evidence, "grey", fix)
    for facts in evidence.facts:
        if facts.mask is not None and facts.mask.cut and not facts.problems:
            yield from _in_the_middle(facts, facts.mask)


def _in_the_middle(facts: FrameFacts, mask: MaskValues) -> Iterator[Finding]:
    painted = sum(count for value, count in mask.values.items() if value >= _MIDDLE.start)
    level, count = max(((value, mask.values.get(value, 0)) for value in _MIDDLE), key=lambda pair: pair[1])
    if count >= max(_LEAST_PX, _LEAST_SHARE * painted):
        yield Finding(
            str(mask.path),
            f"has {count} pixels of grey level {level}, which the cut puts on one side",
            f"look at the mask; then say what {level} means with `map`, or move `cut` away from it",
            f"{facts.subject} {level}",
            frame=facts.stem,
            allowed="dark for background, light for painted",
            found=f"{count / painted:.0%} of what is painted",
            severity="warning",
        )


RULE = Rule("SEG008", "grey-value", "error", judge, __doc__ or "", gate=True)
