"""One group is on both sides of the split.

## What it does

Reports values of the column the split goes by (and of `split.by` in `segwright.yaml`) whose frames are in more than one
part: an error. Other columns that name what was photographed (sequence, session, patient, tile, video) are a warning
where their values straddle the cut.

## Why is this bad?

Frames of one sequence, patient or part show the same thing. A model that has seen one half of them is asked about the
other, answers from memory, and the score will not be seen again on the line.

## Example

```text
tile 17: 4 frames in train, 2 in validation
```

## Use instead

`segwright split DATA --by COLUMN` keeps each value in one part.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence, few
from segwright.data.checks.finding import Finding, Rule

_PHOTOGRAPHED = {
    "sequence", "session", "patient", "subject", "tile", "video", "clip", "scene", "slide", "drive", "part", "serial",
}  # fmt: skip


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding a value of the split's own columns, one a column of the others."""
    if evidence.split is None:
        return
    own = {evidence.split.by, evidence.project.split_by if evidence.project else None} - {None}
    for column in evidence.dataset.column_names:
        straddling = _straddling(evidence, column)
        if column in own:
            for value, parts in straddling.items():
                counts = ", ".join(f"{count} in {part}" for part, count in parts.items())
                yield Finding(
                    f"split: {column} {value}",
                    "is on both sides of the split: scores would be of frames seen in training",
                    f"segwright split {evidence.data} --by {column}",
                    f"{column} {value} {sorted(parts)}",
                    allowed="each value in one part",
                    found=counts,
                )
        elif straddling and column.lower() in _PHOTOGRAPHED:
            yield Finding(
                f"split: column {column}",
                f"has {len(straddling)} values on both sides of the split, which does not go by it",
                f"segwright split {evidence.data} --by {column}, where its frames show the same thing",
                f"{column} {sorted(straddling)}",
                allowed="each value in one part",
                found=few(sorted(straddling)),
                severity="warning",
            )


def _straddling(evidence: Evidence, column: str) -> dict[str, Counter[str]]:
    """The values of a column that lie in several parts, with the frames in each."""
    parts: dict[str, Counter[str]] = defaultdict(Counter)
    for frame in evidence.dataset.frames:
        if column in frame.columns and frame.stem in evidence.part_of:
            parts[frame.columns[column]][evidence.part_of[frame.stem]] += 1
    return {value: counts for value, counts in sorted(parts.items()) if len(counts) > 1}


RULE = Rule("SEG032", "group-on-both-sides", "error", judge, __doc__ or "", gate=True, needs=("split",))
