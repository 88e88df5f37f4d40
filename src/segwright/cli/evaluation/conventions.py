"""What `segwright evaluate --reconcile` adds to the answer: the same predictions by the conventions of libraries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

    from segwright.evaluate.reconcile import Convention


def with_conventions(content: dict[str, Any], conventions: Sequence[Convention]) -> dict[str, Any]:
    """The answer's JSON, with `conventions` where there are any."""
    return {**content, "conventions": [row.to_json() for row in conventions]} if conventions else content


def write_with_conventions(path: Path, content: dict[str, Any], conventions: Sequence[Convention]) -> None:
    """Write `evaluation.json`, its content with `conventions` in it; `Evaluation.read` reads it as any other."""
    from segwright.evaluate.rows import write_json

    write_json(path, with_conventions(content, conventions))


def conventions_table(conventions: Sequence[Convention]) -> RenderableType:
    """A row a number: library, its name there, value, and why it is not ours.

    Six digits: who compares with a log has to tell 0.3195 from 0.3204, and rounding from another rule.
    """
    from rich import box
    from rich.table import Table

    title = "the same predictions by the conventions of other libraries"
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=title, title_justify="left", title_style="bold")
    for name in ("library", "name"):
        table.add_column(name, overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    for row in conventions:
        table.add_row(row.library, row.name, "-" if row.value is None else f"{row.value:.6f}", row.why)
    return table
