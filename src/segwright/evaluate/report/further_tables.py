"""The parts of the report that stand there only where further scores were counted: their table, and objects by size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segwright.evaluate.report.wording import class_colour, score_label, units_of
from segwright.evaluate.result import Evaluation

# how the names begin, and whether they are shares (0..1, drawn as bars) or lengths and counts
_SHARES = ("nsd@", "cldice", "topology_", "component_precision", "component_recall", "component_f1")
_NUMBERS = ("hd95", "assd", "one_sided", "component_splits", "component_merges")


def further_table(evaluation: Evaluation) -> dict[str, Any] | None:
    """Columns and rows of the further scores of the foreground classes; None where none were counted."""
    names = [spec.name for spec in evaluation.class_table.foreground]
    scores = evaluation.classes[names[0]] if names else {}
    shares = [name for name in scores if name.startswith(_SHARES)]
    numbers = [name for name in scores if name.startswith(_NUMBERS)]
    if not shares and not numbers:
        return None
    unit = f" {units_of(evaluation.task)['distance']}"
    return {
        "shares": {name: score_label(name).replace(" px", unit) for name in shares},
        "numbers": {name: score_label(name) for name in numbers},
        "rows": [
            {"name": name, "colour": class_colour(evaluation.class_table, name), "scores": evaluation.classes[name]}
            for name in names
        ],
    }


def size_tables(evaluation: Evaluation) -> list[dict[str, Any]]:
    """True objects by area and by width, of all foreground classes: bins that hold any; empty where not counted."""
    sizes: Mapping[str, Any] = evaluation.details.get("sizes", {})
    units = {"area": "px of area", "width": "px of width"}
    return [
        {"measure": measure, "unit": units[measure], "rows": _bins(sizes[measure]["all"])}
        for measure in ("area", "width")
        if measure in sizes
    ]


def _bins(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "range": _range(row["over_px"], row["up_to_px"])} for row in rows if row["objects"]]


def _range(over: int, up_to: int | None) -> str:
    return f"over {over}" if up_to is None else f"up to {up_to}" if over == 0 else f"{over + 1} to {up_to}"
