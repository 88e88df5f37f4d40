"""The one exception tree.

SegwrightError                 carries one or more `Problem`s; exit code 2
├── DataError                  a frame, a mask, an annotation file, a split
├── ConfigError                the project file or a command line
├── ArtefactError              a run, a bundle, predictions: missing, foreign, damaged
├── DependencyMissing          an extra that is not installed
└── GateFailed                 everything was read, and the answer is no; exit code 1
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_PROBLEMS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, which rule, what is allowed, what was found, what to type next."""

    place: str
    rule: str
    allowed: str = ""
    found: str = ""
    fix: str = ""

    def __str__(self) -> str:
        parts = [f"{self.place}: {self.rule}"]
        parts += [
            f"  {name + ':':<9}{text}"
            for name, text in (("allowed", self.allowed), ("found", self.found), ("fix", self.fix))
            if text
        ]
        return "\n".join(parts)


class SegwrightError(Exception):
    """Something the user must change. Holds every problem found, not only the first."""

    exit_code = 2

    def __init__(self, *problems: Problem) -> None:
        if not problems:
            raise ValueError("a SegwrightError carries at least one Problem")
        self.problems: tuple[Problem, ...] = problems
        super().__init__(_as_text(problems))

    def __reduce__(self) -> tuple[type[SegwrightError], tuple[Problem, ...]]:
        """Pickled by its problems: `Exception` would hand the text to the other process as if it were a problem."""
        return type(self), self.problems

    @classmethod
    def of(cls, place: str, rule: str, *, allowed: str = "", found: str = "", fix: str = "") -> SegwrightError:
        """The error for a single problem, as an instance of the class it is called on."""
        return cls(Problem(place, rule, allowed, found, fix))


class DataError(SegwrightError):
    """A frame, mask, annotation file or split that cannot be read as what it claims to be."""


class ConfigError(SegwrightError):
    """A project file or a command line that asks for something that does not exist."""


class ArtefactError(SegwrightError):
    """A run, bundle, prediction folder or evaluation that is missing, damaged or from elsewhere."""


class DependencyMissing(SegwrightError):
    """A library that only some commands need is not installed."""


class GateFailed(SegwrightError):
    """A check the user asked for was made and did not hold."""

    exit_code = 1


def raise_collected(problems: Iterable[Problem], error: type[SegwrightError] = DataError) -> None:
    """Raise `error` with all `problems`, or return when there are none."""
    collected = tuple(problems)
    if collected:
        raise error(*collected)


def _as_text(problems: Sequence[Problem]) -> str:
    shown = "\n".join(str(problem) for problem in problems[:MAX_PROBLEMS_SHOWN])
    hidden = len(problems) - MAX_PROBLEMS_SHOWN
    return shown if hidden <= 0 else f"{shown}\n... and {hidden} more problems of {len(problems)}"


def few(names: Sequence[str], shown: int = 8) -> str:
    """The first names and, where there are more, how many: `a, b ... (12)`; for what a message says was found."""
    return ", ".join(names[:shown]) + (f" ... ({len(names)})" if len(names) > shown else "")
