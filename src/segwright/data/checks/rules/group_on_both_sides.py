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
from collections.abc import Iterator, Mapping
from contextlib import suppress

from segwright.core import ConfigError, few
from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule
from segwright.data.dataset import Dataset
from segwright.data.given_parts import says_parts
from segwright.data.split import Split
from segwright.data.split.grouping import group_name, grouped

_PHOTOGRAPHED = {
    "sequence", "session", "patient", "subject", "tile", "video", "clip", "scene", "slide", "drive", "part", "serial",
}  # fmt: skip


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding a value of the split's own columns, one a column of the others."""
    if evidence.split is None:
        return
    own = dict(_own_groups(evidence, evidence.split))
    for by, straddling in own.items():
        for value, parts in straddling.items():
            counts = ", ".join(f"{count} in {part}" for part, count in parts.items())
            yield Finding(
                f"split: {by} {value}",
                "is on both sides of the split: scores would be of frames seen in training",
                f"segwright split {evidence.data} --by {by}",
                f"{by} {value} {sorted(parts)}",
                allowed="each value in one part",
                found=counts,
            )
    for column in evidence.dataset.column_names:
        if column in own or column.lower() not in _PHOTOGRAPHED:
            continue
        values = _values(evidence.dataset, column)
        straddling = {} if says_parts(values.values()) else _straddling(evidence, values)
        if straddling:
            yield Finding(
                f"split: column {column}",
                f"has {len(straddling)} values on both sides of the split, which does not go by it",
                f"segwright split {evidence.data} --by {column}, where its frames show the same thing",
                f"{column} {sorted(straddling)}",
                allowed="each value in one part",
                found=few(sorted(straddling)),
                severity="warning",
            )


Parts = dict[str, Counter[str]]


def _own_groups(evidence: Evidence, split: Split) -> Iterator[tuple[str, Parts]]:
    """What the split goes by, and what `split.by` of the project file names, with the values on several sides."""
    dataset, wanted = evidence.dataset, evidence.project.split_by if evidence.project else None
    if split.by in dataset.column_names and split.grouping.block is None:
        yield split.by, _straddling(evidence, _values(dataset, split.by))
    elif not split.grouping.is_random:
        with suppress(ConfigError):  # columns that these frames lack are another rule's to tell
            keys = grouped(dataset, split.grouping).keys
            yield (
                split.grouping.describe(),
                _straddling(evidence, {stem: group_name(key) for stem, key in keys.items()}),
            )
    if wanted in dataset.column_names and wanted != split.by:
        yield wanted, _straddling(evidence, _values(dataset, wanted))


def _values(dataset: Dataset, column: str) -> dict[str, str]:
    return {frame.stem: frame.columns[column] for frame in dataset.frames if column in frame.columns}


def _straddling(evidence: Evidence, values: Mapping[str, str]) -> Parts:
    """The values that lie in several parts, with the frames in each; `values` maps a stem to its value."""
    parts: Parts = defaultdict(Counter)
    for stem, value in values.items():
        if stem in evidence.part_of:
            parts[value][evidence.part_of[stem]] += 1
    return {value: counts for value, counts in sorted(parts.items()) if len(counts) > 1}


RULE = Rule("SEG032", "group-on-both-sides", "error", judge, __doc__ or "", gate=True, needs=("split",))
