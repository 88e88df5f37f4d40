"""A file cannot be read.

## What it does

Reports images, masks and annotations that cannot be opened or decoded, or that are refused for a reason no other rule
has: truncated files, several pages in one file, colours where class ids should be.

## Why is this bad?

The frame is lost. A truncated file often means that a copy was interrupted, and then others are missing.

## Example

```text
images/0412.jpg: cannot be decoded: the file ends early
```

## Use instead

Copy or export the file again from its source, or remove the frame.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule
from segwright.data.checks.refusals import reason_of


def judge(evidence: Evidence) -> Iterator[Finding]:
    """What no rule about masks explains."""
    for facts in evidence.facts:
        if facts.problems and reason_of(facts, evidence.dataset.classes) == "other":
            for problem in facts.problems:
                yield Finding(
                    problem.place,
                    problem.rule,
                    problem.fix,
                    facts.subject,
                    frame=facts.stem,
                    allowed=problem.allowed,
                    found=problem.found,
                )


RULE = Rule("SEG003", "unreadable", "error", judge, __doc__ or "", gate=True)
