"""Annotators of the same picture disagree.

## What it does

Where a column names the annotator (`annotator`, `labeller`, `rater`, `author`) and several frames hold one picture,
each labelled by another, reports the pairs that agree on less than 70 % of what either paints.

## Why is this bad?

No model can be better than the agreement of those who taught it. Where two people draw one scratch differently, the
guide does not say where a scratch ends.

## Example

```text
0007, annotators anna and ben: agree on 41 % of what either paints
```

## Use instead

Discuss the worst pairs, write the answer into the annotation guide with a picture, and paint void where it stays
unclear.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.facts import FrameFacts
from segwright.data.checks.finding import Finding, Rule
from segwright.data.checks.rules.contradicting_duplicates import agreement

COLUMNS = ("annotator", "labeller", "labeler", "rater", "author", "annotated_by")
_LEAST_SAME = 0.7


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding a pair of annotators and picture."""
    pictures: dict[str, list[tuple[str, FrameFacts]]] = defaultdict(list)
    for facts in evidence.facts:
        annotator = next((value for name, value in facts.columns.items() if name.lower() in COLUMNS), None)
        if annotator is not None and facts.labels is not None:
            pictures[facts.image_digest].append((annotator, facts))
    for rows in pictures.values():
        for (one, first), (two, second) in combinations(rows, 2):
            if one != two and first.label_digest != second.label_digest:
                yield from _compared(evidence, (one, first), (two, second))


def _compared(evidence: Evidence, first: tuple[str, FrameFacts], second: tuple[str, FrameFacts]) -> Iterator[Finding]:
    maps = [evidence.dataset.read_labels(evidence.dataset.frame(facts.stem)) for _, facts in (first, second)]
    same, painted = agreement(maps[0], maps[1], 0)
    if painted and same < _LEAST_SAME:
        yield Finding(
            second[1].place,
            f"is one picture that {first[0]} and {second[0]} labelled differently",
            "discuss it, write the answer into the annotation guide, and keep one mask",
            " ".join(sorted((first[1].subject, second[1].subject))),
            frame=second[1].stem,
            allowed=f"labels that agree on {_LEAST_SAME:.0%} of what is painted",
            found=f"{same:.0%}; the other is {first[1].stem}",
            rank=1 - same,
        )


RULE = Rule("SEG031", "annotator-disagreement", "warning", judge, __doc__ or "")
