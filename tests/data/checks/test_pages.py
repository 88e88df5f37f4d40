"""The pages in docs/rules are the rules' own text."""

from __future__ import annotations

from pathlib import Path

from segwright.data.checks.pages import INDEX, file_name, index_page, page_of
from segwright.data.checks.rules import RULES

DOCS = Path(__file__).parents[3] / "docs" / "rules"
AGAIN = "python -m segwright.data.checks docs/rules writes them again"


def test_pages__are_what_the_rules_say() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}
    wanted = {file_name(rule): page_of(rule) for rule in RULES.values()} | {INDEX: index_page()}
    stale = [name for name, text in wanted.items() if written.get(name) != text]
    assert stale == [], AGAIN
    assert written.keys() - wanted.keys() == {"near-duplicates.md"}
