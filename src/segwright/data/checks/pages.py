"""The page of a rule, as `segwright explain` prints it and as docs/rules/ shows it.

    python -m segwright.data.checks docs/rules

writes the pages of all rules and their index from the rules' own text.
"""

from __future__ import annotations

from pathlib import Path

from segwright.data.checks.finding import Rule
from segwright.data.checks.rules import RULES

INDEX = "index.md"


def page_of(rule: Rule) -> str:
    """The whole page: title, what kind of rule it is, then the rule's own text."""
    summary, _, rest = rule.page.strip().partition("\n")
    facts = [f"{rule.severity}", "a gate: training waits for it" if rule.gate else "no gate"]
    facts += ["corrected by `--fix`"] if rule.correct is not None else []
    facts += [f"needs a {need}" for need in rule.needs]
    return f"# {rule.code} {rule.name}\n\n**{summary}**\n\nSeverity: {'; '.join(facts)}.\n{rest.rstrip()}\n"


def index_page() -> str:
    """The table of all rules."""
    lines = [
        "# Lint rules",
        "",
        "[`segwright lint`](../commands/lint.md) judges a dataset by these rules, and `segwright explain CODE` prints",
        "a rule's page. `segwright train` refuses to start while a gate has an error.",
        "",
        "| code | name | severity | gate | `--fix` | what it reports |",
        "|---|---|---|---|---|---|",
    ]
    for rule in RULES.values():
        marks = ("yes" if rule.gate else "", "yes" if rule.correct is not None else "")
        lines.append(
            f"| [{rule.code}]({file_name(rule)}) | {rule.name} | {rule.severity} | {marks[0]} | {marks[1]} "
            f"| {rule.summary} |"
        )
    lines += ["", "How near-duplicates are found, and how well: [Near-duplicates](near-duplicates.md)."]
    return "\n".join(lines) + "\n"


def file_name(rule: Rule) -> str:
    """The page's file below docs/rules."""
    return f"{rule.code.lower()}.md"


def write_pages(folder: Path) -> None:
    """Write every page and the index."""
    folder.mkdir(parents=True, exist_ok=True)
    for rule in RULES.values():
        (folder / file_name(rule)).write_text(page_of(rule), encoding="utf-8")
    (folder / INDEX).write_text(index_page(), encoding="utf-8")
