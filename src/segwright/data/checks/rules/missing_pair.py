"""A mask or an image has no partner.

## What it does

Reports image files without a mask and mask files without an image, told from names and folders. Such files are left
out when the dataset is opened.

## Why is this bad?

A renamed folder or a lost export makes half of the data disappear, and training on the other half raises no error.
An image nobody labelled is no background frame: what it shows is unknown.

## Example

```text
images/0001.jpg   masks/0001.png
images/0002.jpg                      no mask of that name
```

## Use instead

Add the missing file under the partner's name, or move the lone file away. Where the unlabelled images are meant to be
there, accept it in `segwright.yaml`: `lint: {ignore: [SEG001]}`.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.core import few
from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule
from segwright.data.checks.notes import note_problem

PLACE = "pairs"


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding for the images, one for the masks; and one for frames that came without labels."""
    for note in evidence.dataset.notes:
        problem = note_problem(note)
        if problem.place == PLACE:
            yield Finding(
                evidence.file(), problem.rule, problem.fix, note, allowed=problem.allowed, found=problem.found
            )
    bare = [facts.stem for facts in evidence.facts if not facts.labelled]
    if bare:
        yield Finding(
            evidence.file(),
            f"{len(bare)} frames have no labels",
            "label them, or move them away",
            f"unlabelled {bare}",
            allowed="labels for each frame",
            found=few(bare),
        )


RULE = Rule("SEG001", "missing-pair", "error", judge, __doc__ or "", gate=True)
