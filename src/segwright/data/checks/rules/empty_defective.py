"""A frame that is said to be defective has no defect painted.

## What it does

Reports frames that are background all over although their folder or a column names a class, or says that they are
defective: `crack/0007.jpg`, or a column `defective` with yes, true or 1.

## Why is this bad?

The model is taught that this very defect is background. A handful of such frames is enough to lower recall on a rare
class.

## Example

```text
MT_Uneven/Imgs/exp3_num_45042.jpg      the folder says uneven, the mask is empty
```

## Use instead

Paint the defect, or move the frame to where frames without defects are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from segwright.core import ClassTable
from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule

_COLUMNS = ("defective", "defect", "is_defective", "anomaly", "anomalous", "class", "label", "verdict")
_YES = {"yes", "true", "1", "defective", "defect", "bad", "ng", "anomaly", "reject"}


def judge(evidence: Evidence) -> Iterator[Finding]:
    """Frames of background alone, void aside, that something calls defective."""
    classes = evidence.dataset.classes
    if classes.background_id is None:
        return
    nothing = {classes.background_id, classes.void_id}
    for facts, labels in evidence.labelled:
        if set(labels.pixels) <= nothing and classes.background_id in labels.pixels:
            said = _says_defective(facts.stem, facts.columns, classes)
            if said:
                yield Finding(
                    facts.place,
                    f"is background all over, although {said}",
                    "paint the defect, or move the frame to those without defects",
                    facts.subject,
                    frame=facts.stem,
                    allowed="a painted defect in a frame that is called defective",
                    found="background only",
                )


def _says_defective(stem: str, columns: Mapping[str, str], classes: ClassTable) -> str:
    """What calls the frame defective; empty where nothing does."""
    names = {spec.name.lower() for spec in classes.foreground}
    for folder in PurePosixPath(stem).parent.parts:
        if folder.lower() in names | {"defective", "ng", "anomaly"}:
            return f"its folder is {folder}"
    for name, value in columns.items():
        if name.lower() in _COLUMNS and value.strip().lower() in names | _YES:
            return f"its column {name} is {value}"
    return ""


RULE = Rule("SEG020", "empty-defective", "warning", judge, __doc__ or "")
