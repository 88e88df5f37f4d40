"""Why a frame's labels were refused, told from its mask file rather than from a message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from segwright.core import ClassTable
from segwright.data.checks.evidence import Evidence
from segwright.data.checks.facts import FrameFacts
from segwright.data.checks.finding import Finding

Reason = Literal["lossy", "size", "grey", "smoothed", "unknown", "other"]
GREY_VALUE = 128
_MANY = 12  # more unknown values than this are no forgotten class but a smoothed edge


def reason_of(facts: FrameFacts, classes: ClassTable) -> Reason:
    """The one reason of a frame that was refused."""
    mask = facts.mask
    if mask is not None and mask.lossy and not mask.cut:
        return "lossy"
    if (mask is not None and not mask.fits) or _says(facts, "EXIF") or _says(facts, "another size"):
        return "size"
    unknown = {} if mask is None else mask.unknown(classes)
    if not unknown:
        return "other"
    if set(unknown) == {GREY_VALUE}:
        return "grey"
    return "smoothed" if len(unknown) > _MANY else "unknown"


def _says(facts: FrameFacts, word: str) -> bool:
    """Whether the reader's message has a word: shapes in an annotation file have no mask file to look at."""
    return any(word in problem.rule for problem in facts.problems)


def refused_for(evidence: Evidence, reason: Reason, fix: str = "") -> Iterator[Finding]:
    """A finding for each frame refused for this reason, in the reader's own words."""
    for facts in evidence.facts:
        if facts.problems and reason_of(facts, evidence.dataset.classes) == reason:
            problem = facts.problems[0]
            allowed, found = problem.allowed, problem.found
            subject = f"{reason} {facts.stem} {'' if facts.mask is None else sorted(facts.mask.values.items())}"
            yield Finding(
                problem.place, problem.rule, fix or problem.fix, subject, frame=facts.stem, allowed=allowed, found=found
            )
