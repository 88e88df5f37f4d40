"""A dataset's notes, which are text, back in the parts they were made of."""

from __future__ import annotations

from segwright.core import Problem


def note_problem(note: str) -> Problem:
    """The problem a note says: its first line is `place: rule`, the indented ones below name their part."""
    head, *rest = note.splitlines()
    place, _, rule = head.partition(": ")
    parts = dict.fromkeys(("allowed", "found", "fix"), "")
    for line in rest:
        name, _, text = line.strip().partition(":")
        if name in parts:
            parts[name] = text.strip()
    return Problem(place, rule or place, parts["allowed"], parts["found"], fix=parts["fix"])
