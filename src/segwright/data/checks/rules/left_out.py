"""Something was found and left out.

## What it does

Reports what opening the dataset left out, other than lone images and masks (SEG001): annotated images that are not
there, shapes that paint nothing, rows of a CSV that name no frame, frames without a row.

## Why is this bad?

What is left out is not learned and not scored. Usually that is a wrong path or another spelling, not a decision.

## Example

```text
groups.csv: 3 rows name no frame: a/0001.jpg, a/0002.jpg, a/0003.jpg
```

## Use instead

Correct the path or the name in the file that the finding names, or remove the entry.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule
from segwright.data.checks.notes import note_problem
from segwright.data.checks.rules.missing_pair import PLACE

ALL = "names of frames and files that are there"


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding a note."""
    for note in evidence.dataset.notes:
        problem = note_problem(note)
        if problem.place != PLACE:
            fix = problem.fix or "correct the entry it names, or remove it"
            yield Finding(problem.place, problem.rule, fix, note, allowed=problem.allowed or ALL, found=problem.found)


RULE = Rule("SEG002", "left-out", "warning", judge, __doc__ or "")
