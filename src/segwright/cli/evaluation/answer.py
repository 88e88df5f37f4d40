"""How an evaluation looks in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

    from segwright.evaluate import Evaluation
    from segwright.evaluate.objects import ObjectEvaluation
    from segwright.evaluate.scores import Score


# how the names of scores that are counted on request begin
FURTHER = ("nsd@", "hd95", "assd", "cldice", "component_")


def answer_of(evaluation: Evaluation, written: Sequence[Path], more: Sequence[RenderableType]) -> RenderableType:
    """What collapsed, then the tables by class, the overall scores, what else was asked for, and what was written."""
    from rich.console import Group
    from rich.text import Text

    from segwright.evaluate import collapse_lines

    lines = [Text(f"{path} written") for path in written]
    collapsed = [Text(f"{name} {line}", "bold red") for name, line in collapse_lines(evaluation.collapsed).items()]
    return Group(*collapsed, *_class_tables(evaluation), _overall(evaluation), *more, *lines)


def object_answer(
    evaluation: ObjectEvaluation, written: Sequence[Path], more: Sequence[RenderableType]
) -> RenderableType:
    """The main scores by class, all of them overall, what else was asked for, notes, what was written."""
    from rich.console import Group
    from rich.text import Text

    from segwright.evaluate.report.object_page import COLUMNS, COUNTS

    names = [name for name in COLUMNS[evaluation.task] if name in evaluation.scores]
    title = f"{evaluation.images} images, {evaluation.task}, rule {evaluation.provenance['rule']}"
    table = _table(title, evaluation.classes, names, COUNTS[evaluation.task])
    overall = Text("\n".join(f"{name} {_text(score)}" for name, score in evaluation.scores.items()))
    notes = [Text(f"note: {note}") for note in evaluation.notes]
    return Group(table, overall, *more, *notes, *(Text(f"{path} written") for path in written))


def _class_tables(evaluation: Evaluation) -> list[RenderableType]:
    """The usual scores by class, and one more table where further ones were asked for."""
    from segwright.evaluate.report.wording import units_of

    usual = ["iou", "dice", "precision", "recall"]
    usual += [name for name in evaluation.scores if name.startswith("boundary_")]
    frames = units_of(evaluation.task)["frames"]
    tables = [_table(f"{evaluation.images} {frames}", evaluation.classes, usual, ["truth_px", "images"])]
    foreground = {spec.name: evaluation.classes[spec.name] for spec in evaluation.class_table.foreground}
    there = next(iter(foreground.values()), {})
    further = [name for name in evaluation.scores if name.startswith(FURTHER) and name in there]
    return tables + [_table("further scores", foreground, names, []) for names in _in_rows(further)]


def _in_rows(names: Sequence[str]) -> list[Sequence[str]]:
    """As many columns as a terminal of 80 characters shows."""
    return [names[start : start + 6] for start in range(0, len(names), 6)]


def _table(
    title: str, rows: Mapping[str, Mapping[str, Score]], names: Sequence[str], counts: Sequence[str]
) -> RenderableType:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=title, title_justify="left", title_style="bold")
    table.add_column("class", overflow="fold")  # on a narrow terminal names wrap, numbers never
    for name in (*names, *counts):
        table.add_column(name.replace("_", "\n"), justify="right", no_wrap=True)
    for name, row in rows.items():
        table.add_row(name, *(_text(row[score]) for score in names), *(str(row[count]) for count in counts))
    return table


def _overall(evaluation: Evaluation) -> RenderableType:
    from rich.text import Text

    from segwright.evaluate.report.wording import why_misleading

    scores = [f"{name} {_text(score)}" for name, score in evaluation.scores.items() if name != "pixel_accuracy"]
    accuracy, why = _text(evaluation.scores["pixel_accuracy"]), why_misleading(evaluation.class_table)
    return Text("\n".join([*scores, f"pixel_accuracy {accuracy} (misleading: {why})"]))


def _text(score: float | None) -> str:
    return "-" if score is None else str(score) if isinstance(score, int) else f"{score:.4f}"
