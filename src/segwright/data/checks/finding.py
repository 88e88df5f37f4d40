"""What a rule is, and what it finds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from segwright.core import Box, LabelMap, Problem

if TYPE_CHECKING:
    from segwright.data.checks.evidence import Evidence

Severity = Literal["error", "warning", "hint"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "hint")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a rule found: where (file, frame, box), what, and the next command.

    `subject` says which content was judged: digests of the frames' pixels and labels, or a class or group by name. A
    finding accepted in a baseline comes back when its subject changes. `severity` None is the rule's own; `rank`
    orders findings of a rule that ranks, highest first.
    """

    place: str
    what: str
    fix: str
    subject: str
    frame: str | None = None
    box: Box | None = None
    allowed: str = ""
    found: str = ""
    severity: Severity | None = None
    rank: float | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """A finding with the code, name and severity it is reported under."""

    code: str
    name: str
    severity: Severity
    finding: Finding

    @property
    def key(self) -> str:
        """What a baseline remembers it by: rule and content, not name or folder."""
        return hashlib.sha256(f"{self.code}\n{self.finding.subject}".encode()).hexdigest()[:32]

    def problem(self) -> Problem:
        """The finding in the four parts every error has."""
        finding = self.finding
        where = finding.place if finding.box is None else f"{finding.place} ({box_text(finding.box)})"
        return Problem(where, f"{self.code} {finding.what}", finding.allowed, finding.found, finding.fix)

    def to_json(self) -> dict[str, object]:
        """One machine-readable row."""
        finding, box = self.finding, self.finding.box
        return {
            "code": self.code,
            "rule": self.name,
            "severity": self.severity,
            "place": finding.place,
            "frame": finding.frame,
            "box": None if box is None else [box.top, box.left, box.bottom, box.right],
            "what": finding.what,
            "allowed": finding.allowed,
            "found": finding.found,
            "fix": finding.fix,
            "rank": finding.rank,
            "key": self.key,
        }


def box_text(box: Box) -> str:
    """A box for people: its rows and columns, half-open."""
    return f"rows {box.top}-{box.bottom}, columns {box.left}-{box.right}"


Judge = Callable[["Evidence"], Iterator[Finding]]
Correction = Callable[[LabelMap], LabelMap]


@dataclass(frozen=True)
class Rule:
    """A rule: its code and name, how bad a finding is, and how it judges the evidence.

    `page` is what `segwright explain` prints. `gate`: training refuses while an error-level finding is left.
    `correct` is given where labels can be corrected safely. `needs` names what must be given for the rule to judge at
    all: a split, a model, a project file.
    """

    code: str
    name: str
    severity: Severity
    judge: Judge
    page: str
    gate: bool = False
    correct: Correction | None = None
    needs: tuple[Literal["split", "model", "project"], ...] = field(default=())

    @property
    def summary(self) -> str:
        """The page's first line."""
        return self.page.strip().partition("\n")[0]
