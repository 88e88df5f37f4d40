"""The page of an instance or panoptic evaluation: scores, classes, precision over recall, and the worst frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from segwright.evaluate.compare_objects import outcome_of
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.report.charts import Axis, Line, line_chart
from segwright.evaluate.report.object_pictures import MEANINGS, ObjectPanel, worst_rows
from segwright.evaluate.report.templates import write_page
from segwright.evaluate.report.wording import class_colour, facts_of, foreground_first, hex_colour, ink_of, mark_worst
from segwright.evaluate.scores import Score

MAX_FRAME_ROWS = 200
CURVES_SHOWN = 8
DOMAIN_SCORES, DOMAIN_CLASSES = 3, 12  # a wider table nobody reads; the rest is in evaluation.json

# what the tables show of each task, first the score that classes are ordered by; the rest is in evaluation.json
COLUMNS: Mapping[str, Sequence[str]] = {
    "instance": ("mask_ap", "mask_ap50", "mask_ap75", "mask_ar@100", "boundary_ap", "box_ap", "box_ap50"),
    "panoptic": ("pq", "sq", "rq"),
}
HEADLINES: Mapping[str, Sequence[str]] = {
    "instance": (*COLUMNS["instance"], "mask_ap_small", "mask_ap_medium", "mask_ap_large"),
    "panoptic": ("pq", "sq", "rq", "pq_things", "pq_stuff"),
}
COUNTS: Mapping[str, Sequence[str]] = {"instance": ("truths", "images"), "panoptic": ("tp", "fp", "fn")}


def write_object_report(
    path: Path, evaluation: ObjectEvaluation, panels: Iterable[ObjectPanel] = (), *, title: str = "Evaluation"
) -> None:
    """Write `evaluation` as one HTML page that needs no network: tables, charts, and the frames of `panels`.

    `panels` are shown in their order, worst first by custom. Written to a temporary name, then renamed.
    """
    task = evaluation.task
    columns = [name for name in COLUMNS[task] if name in evaluation.scores]
    classes, absent = _classes(evaluation, columns[0])
    content = {
        "title": title,
        "evaluation": evaluation,
        "facts": facts_of(evaluation),
        "headlines": [
            (score_label(name), evaluation.scores[name]) for name in HEADLINES[task] if name in evaluation.scores
        ],
        "columns": {name: score_label(name) for name in columns},
        "counts": COUNTS[task],
        "classes": classes,
        "absent": absent,
        "domains": [
            _domain(evaluation, column, columns[0])
            for column, values in evaluation.by_domain.items()
            if len(values) > 1
        ],
        "curves": list(_curves(evaluation)),
        "frames": _worst_frames(evaluation),
        "least_score": _least_score(evaluation),
        "panels": [{**_frame(panel.row), "pictures": panel.pictures} for panel in panels],
        "legend": [(hex_colour(colour), meaning) for colour, meaning in MEANINGS[task]],
        "definitions": list(evaluation.definitions.items()),
    }
    write_page(path, "object_page.html.j2", content)


def score_label(name: str) -> str:
    """What a table calls the score: `Mask AP50`, `PQ`."""
    kind, _, rest = name.partition("_")
    if kind in ("mask", "box", "boundary"):
        return f"{kind.capitalize()} {rest[:2].upper()}{rest[2:].replace('_', ', ')}"
    return name.upper() if "_" not in name else f"{kind.upper()}, {rest}"


def _classes(evaluation: ObjectEvaluation, main: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The classes, the lowest first: that is what somebody can act on; and the names of those without the score."""
    table = evaluation.class_table
    names = [name for name in foreground_first(table) if name in evaluation.classes]
    there = [name for name in names if evaluation.classes[name][main] is not None]
    rows = [
        {"name": name, "colour": class_colour(table, name), "scores": evaluation.classes[name]}
        for name in sorted(there, key=lambda name: evaluation.classes[name][main] or 0.0)
    ]
    return rows, [name for name in names if name not in there]


def classes_in(evaluation: ObjectEvaluation, column: str, main: str) -> list[str]:
    """The classes that have the score `main` in any value of the column."""
    return [
        name
        for name in foreground_first(evaluation.class_table)
        if any(scores.classes[name][main] is not None for scores in evaluation.by_domain[column].values())
    ]


def _domain(evaluation: ObjectEvaluation, column: str, main: str) -> dict[str, Any]:
    """The overall scores in each value of a column, and the main score of each class that has it anywhere."""
    values = evaluation.by_domain[column]
    overall = [name for name in HEADLINES[evaluation.task] if name in evaluation.scores][:DOMAIN_SCORES]
    there = classes_in(evaluation, column, main)
    rows = [
        {
            "value": value,
            "images": scores.images,
            "cells": [
                {"score": score, "worst": False}
                for score in (
                    *(scores.overall[name] for name in overall),
                    *(scores.classes[name][main] for name in there[:DOMAIN_CLASSES]),
                )
            ],
        }
        for value, scores in values.items()
    ]
    for index in range(len(rows[0]["cells"])):
        mark_worst([row["cells"][index] for row in rows])
    heads = [*map(score_label, overall), *there[:DOMAIN_CLASSES]]
    return {"column": column, "heads": heads, "rows": rows, "left_out": max(0, len(there) - DOMAIN_CLASSES)}


def _curves(evaluation: ObjectEvaluation) -> list[dict[str, Any]]:
    """Precision over recall at IoU 0.5 for each kind: the classes with the lowest AP, where there are many."""
    shown = []
    for kind, curves in evaluation.details.get("precision_recall", {}).items():
        scored = [(evaluation.classes[name][f"{kind}_ap50"] or 0.0, name) for name, curve in curves.items() if curve]
        names = [name for _, name in sorted(scored)[:CURVES_SHOWN]]
        colours = {name: ink_of(class_colour(evaluation.class_table, name)) for name in names}
        lines = [
            Line(name, colours[name], list(zip(curves[name]["recall"], curves[name]["precision"], strict=True)))
            for name in names
        ]
        if lines:
            chart = line_chart(lines, Axis("recall"), "precision")
            shown.append({"kind": kind, "chart": chart, "keys": list(colours.items()), "of": len(scored)})
    return shown


def _worst_frames(evaluation: ObjectEvaluation) -> list[dict[str, Any]]:
    """Frames with errors, the most first: what was invented and what was missed."""
    return [_frame(row) for _, row in worst_rows(evaluation)[:MAX_FRAME_ROWS]]


def _frame(row: Mapping[str, Any]) -> dict[str, Any]:
    found, columns = outcome_of(row), row.get("columns", {})
    domains = ", ".join(f"{name} {value}" for name, value in columns.items())
    name = row.get("stem") or row.get("name") or row.get("image_id")
    return {"name": name, "columns": domains, "pq": row.get("pq")} | {name: found[name] for name in ("tp", "fp", "fn")}


def _least_score(evaluation: ObjectEvaluation) -> Score:
    """The confidence from which on detections are counted in the frames' rows; None where all of them are."""
    points = evaluation.details.get("best_f1", {})
    return next((points[kind]["score"] for kind in ("mask", "boundary", "box") if kind in points), None)
