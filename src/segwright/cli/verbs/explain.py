"""segwright explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from rich.table import Table


def explain(
    rule: Annotated[str | None, typer.Argument(help="A rule's code or name: SEG033.", show_default=False)] = None,
    json: JsonFlag = False,
) -> None:
    """Tell what a lint rule does, why it matters and what to do; without a rule, list them all."""
    from segwright.data.checks import RULES, page_of, rule_named

    with Face(as_json=json) as face:
        if rule is None:
            rows = [
                {"code": row.code, "name": row.name, "severity": row.severity, "gate": row.gate, "what": row.summary}
                for row in RULES.values()
            ]
            face.finish({"rules": rows}, _table())
            return
        chosen = rule_named(rule)
        text = page_of(chosen)
        payload = {"code": chosen.code, "name": chosen.name, "severity": chosen.severity, "gate": chosen.gate}
        face.finish({**payload, "fix": chosen.correct is not None, "page": text}, text.rstrip())


def _table() -> Table:
    from rich import box
    from rich.table import Table

    from segwright.data.checks import RULES

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("code", "name", "severity", "gate", "fix"):
        table.add_column(heading, no_wrap=True)
    table.add_column("what it reports", overflow="fold")
    for rule in RULES.values():
        marks = "yes" if rule.gate else "", "yes" if rule.correct is not None else ""
        table.add_row(rule.code, rule.name, rule.severity, *marks, rule.summary)
    return table
