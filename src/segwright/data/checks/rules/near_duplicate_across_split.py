"""The same picture is on both sides of the split.

## What it does

Compares every frame with every frame in another part and reports those that show the same picture: copied, flipped,
turned by 90, 180 or 270 degrees, rescaled, encoded again, at another exposure, or cropped to 60 % of the side and more.
[How it is found, and how well](near-duplicates.md).

## Why is this bad?

The model has seen the answer. One such pair in twenty lifts a score by more than most changes to a network do, and the
lift is gone on the line.

## Example

```text
validation b/0112.jpg   shows   train a/0007.jpg      turned by 90 degrees; 96 % of the detail agrees
```

## Use instead

Give frames that belong together a common value in a column and split by it: `segwright split DATA --by COLUMN`. A
copy with nothing of its own is better removed. A pair that is no copy is accepted with `--baseline FILE
--write-baseline`; a project that knows better says `lint: {ignore: [SEG033]}`.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.facts import FrameFacts
from segwright.data.checks.finding import Finding, Rule


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding a pair, told of the frame that is not trained on."""
    if evidence.split is None:
        return
    for first, second, pair in evidence.duplicates_across:
        seen, held = (second, first) if evidence.part_of[second.stem] == "train" else (first, second)
        yield Finding(
            held.place,
            f"{_named(evidence, held)} shows the picture of {_named(evidence, seen)}",
            f"segwright split {evidence.data} --by COLUMN, with a column that keeps the two together; or remove one",
            " ".join(sorted((first.image_digest, second.image_digest))),
            frame=held.stem,
            allowed="each picture in one part",
            found=pair.describe(),
            rank=pair.agreement,
        )


def _named(evidence: Evidence, facts: FrameFacts) -> str:
    return f"{evidence.part_of[facts.stem]} {facts.stem}"


RULE = Rule("SEG033", "near-duplicate-across-split", "error", judge, __doc__ or "", gate=True, needs=("split",))
