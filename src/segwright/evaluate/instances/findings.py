"""Findings of one kind in a file, told once with their number and the first of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from segwright.core import Problem

MAX_NAMED = 3
MOST_LETTERS = 200


@dataclass
class Findings:
    """Collects what is wrong with the entries of one file, by rule."""

    place: str
    entry: str  # what one entry is called: annotation, result, image
    _found: dict[tuple[str, str, str], list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, where: object, rule: str, *, found: object = "", allowed: str = "", fix: str) -> None:
        """Entry `where` breaks `rule`."""
        self._found[rule, allowed, fix].append((str(where), str(found)[:MOST_LETTERS]))

    def problems(self) -> list[Problem]:
        """One problem a rule."""
        return [
            Problem(
                f"{self.place}: {self._named([where for where, _ in entries])}", rule, allowed, _values(entries), fix
            )
            for (rule, allowed, fix), entries in self._found.items()
        ]

    def _named(self, entries: list[str]) -> str:
        named = f"{self.entry}{'s' if len(entries) > 1 else ''} {', '.join(entries[:MAX_NAMED])}"
        hidden = len(entries) - MAX_NAMED
        return named if hidden <= 0 else f"{named} and {hidden} more"


def _values(entries: list[tuple[str, str]]) -> str:
    values = list(dict.fromkeys(value for _, value in entries if value))
    hidden = len(values) - MAX_NAMED
    return "; ".join(values[:MAX_NAMED]) + (f"; and {hidden} others" if hidden > 0 else "")
