"""Writing the page: the evaluation laid out for the template, and the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from segwright.evaluate.difference import OUTCOME_COLOURS, OUTCOME_MEANINGS
from segwright.evaluate.reliability import Reliability
from segwright.evaluate.report.charts import Axis, Line, line_chart, reliability_chart, spread_chart
from segwright.evaluate.report.further_tables import further_table, size_tables
from segwright.evaluate.report.pictures import FramePanel, draw
from segwright.evaluate.report.templates import write_page
from segwright.evaluate.report.wording import (
    COLUMNS,
    HEADLINES,
    boundary_label,
    class_colour,
    definitions_in_order,
    facts_of,
    foreground_first,
    ink_of,
    legend_of,
    mark_worst,
    units_of,
    why_misleading,
)
from segwright.evaluate.result import COLLAPSED_IOU, Evaluation, FrameRow, collapse_lines
from segwright.evaluate.scores import Score, Scores
from segwright.evaluate.threshold_curves import ThresholdCurves

# A page of more rows is slow to open and nobody reads it; the rest is in evaluation.json.
MAX_FRAME_ROWS = 200


def write_report(
    path: Path,
    evaluation: Evaluation,
    panels: Iterable[FramePanel] = (),
    *,
    title: str = "Evaluation",
    curves: ThresholdCurves | None = None,
) -> None:
    """Write `evaluation` as one HTML page that needs no network: tables, charts, and the frames of `panels`.

    `panels` are shown in their order, worst first by custom (`Evaluation.worst_frames`). `curves` adds the threshold
    curves of a calibration. Written to a temporary name, then renamed.
    """
    content = _page(evaluation, title)
    more = {"panels": _panels(evaluation, panels), "thresholds": _thresholds(curves)}
    write_page(path, "page.html.j2", content | more)


def _page(evaluation: Evaluation, title: str) -> dict[str, Any]:
    classes = evaluation.class_table
    distances = [name for name in evaluation.scores if name.startswith("boundary_f@")]
    tabled = _tabled(distances)
    singles = _single_ious(evaluation)
    return {
        "title": title,
        "evaluation": evaluation,
        "facts": facts_of(evaluation),
        "headlines": _headlines(evaluation, tabled),
        "pixel_accuracy": evaluation.scores["pixel_accuracy"],
        "misleading": why_misleading(classes),
        "columns": {**COLUMNS, **{name: boundary_label(name) for name in tabled}},
        "classes": [_class_row(evaluation, name, singles[name]) for name in foreground_first(classes)],
        "collapsed": collapse_lines(evaluation.collapsed),
        "collapsed_iou": COLLAPSED_IOU,
        "domains": [
            _domain(evaluation, column, tabled) for column, values in evaluation.by_domain.items() if len(values) > 1
        ],
        "further": further_table(evaluation),
        "sizes": size_tables(evaluation),
        "confusion": _confusion(evaluation),
        "boundary_chart": _boundary_chart(evaluation, distances),
        "reliability_chart": _reliability_chart(evaluation.reliability),
        "class_reliability": _class_reliability(evaluation),
        "frame_rows": [_frame_row(row) for row in evaluation.worst_frames(MAX_FRAME_ROWS)],
        "perfect_frames": sum(1 for row in evaluation.frames if not row.wrong_px),
        "class_names": foreground_first(classes),
        "legend": legend_of(OUTCOME_COLOURS, OUTCOME_MEANINGS),
        "definitions": definitions_in_order(evaluation),
        "units": units_of(evaluation.task),
    }


def _headlines(evaluation: Evaluation, boundary: Sequence[str]) -> list[tuple[str, Score]]:
    labels = {**HEADLINES, **{name: boundary_label(name) for name in boundary}}
    order = ["pooled_miou_foreground", "pooled_miou", *boundary, "mean_image_miou", "ece", "brier"]
    if evaluation.class_table.background is None:
        order.remove("pooled_miou_foreground")
    return [(labels[name], evaluation.scores[name]) for name in order if name in evaluation.scores]


def _tabled(distances: Sequence[str]) -> list[str]:
    """The boundary scores that tables show: F at 3 px, else at the smallest distance (the chart shows all), and IoU."""
    if not distances:
        return []
    return ["boundary_f@3" if "boundary_f@3" in distances else distances[0], "boundary_iou"]


def _single_ious(evaluation: Evaluation) -> dict[str, list[float]]:
    """The IoU of each class in the single frames that have it, gone through once."""
    found: dict[str, list[float]] = {name: [] for name in evaluation.class_table.names}
    for row in evaluation.frames:
        for name, iou in row.iou.items():
            if iou is not None:
                found[name].append(iou)
    return found


def _class_row(evaluation: Evaluation, name: str, singles: Sequence[float]) -> dict[str, Any]:
    scores, classes = evaluation.classes[name], evaluation.class_table
    colour = class_colour(classes, name)
    valid_px = sum(int(row["truth_px"] or 0) for row in evaluation.classes.values())
    return {
        "name": name,
        "colour": colour,
        "scores": scores,
        "background": name == classes.background,
        "collapsed": any(row.name == name and row.domain is None for row in evaluation.collapsed),
        "share": (scores["truth_px"] or 0) / valid_px if valid_px else None,
        "spread": spread_chart(singles, ink_of(colour)),
        "spread_images": len(singles),
    }


def _domain(evaluation: Evaluation, column: str, boundary: Sequence[str]) -> dict[str, Any]:
    values = evaluation.by_domain[column]
    names = foreground_first(evaluation.class_table)
    rows = [
        {"value": value, "images": scores.images, "cells": _domain_cells(scores, names, boundary)}
        for value, scores in values.items()
    ]
    for index in range(len(rows[0]["cells"])):
        mark_worst([row["cells"][index] for row in rows])
    heads = ["mIoU, foreground", *names, *(boundary_label(name) for name in boundary)]
    return {"column": column, "heads": heads, "rows": rows}


def _domain_cells(scores: Scores, names: Sequence[str], boundary: Sequence[str]) -> list[dict[str, Any]]:
    found = [scores.overall["pooled_miou_foreground"], *(scores.classes[name]["iou"] for name in names)]
    found += [scores.overall[name] for name in boundary]
    return [{"score": score, "worst": False} for score in found]


def _confusion(evaluation: Evaluation) -> dict[str, Any]:
    names = evaluation.class_table.names
    undecided = any(row[-1] for row in evaluation.confusion)
    width = len(names) + (1 if undecided else 0)
    rows = []
    for index, row in enumerate(evaluation.confusion):
        total = sum(row)
        cells = [
            {"pixels": row[column], "share": row[column] / total if total else None, "right": index == column}
            for column in range(width)
        ]
        rows.append({"name": names[index], "total": total, "cells": cells})
    return {"heads": [*names, "undecided"][:width], "rows": rows}


def _boundary_chart(evaluation: Evaluation, distances: Sequence[str]) -> str | None:
    """Boundary F over K for each foreground class, where more than one K was counted."""
    if len(distances) < 2:
        return None
    pixels = [int(name.partition("@")[2]) for name in distances]
    axis = Axis("K, distance in pixels", low=min(pixels), high=max(pixels), ticks=pixels)
    lines = [
        Line(
            spec.name,
            ink_of(class_colour(evaluation.class_table, spec.name)),
            [(k, evaluation.classes[spec.name][name]) for k, name in zip(pixels, distances, strict=True)],
        )
        for spec in evaluation.class_table.foreground
    ]
    return line_chart(lines, axis, "boundary F")


def _reliability_chart(found: Reliability | None) -> str | None:
    return None if found is None else reliability_chart(found.pixels, found.correct, found.confidence_sum)


def _class_reliability(evaluation: Evaluation) -> list[dict[str, Any]]:
    """ECE and Brier of each class, and the chart of each foreground class; empty where they were not counted."""
    found, table = evaluation.reliability, evaluation.class_table
    if found is None or found.classes is None:
        return []
    rows = []
    for name in foreground_first(table):  # the background has a row, but no chart
        bins = found.classes[name]
        x_label, y_label = f"probability of {name}", f"share that is {name}"
        rows.append({
            "name": name,
            "colour": class_colour(table, name),
            "background": name == table.background,
            "scores": bins,
            "share": sum(bins.truth_px) / sum(bins.pixels) if any(bins.pixels) else None,
            "chart": None if name == table.background else reliability_chart(
                bins.pixels, bins.truth_px, bins.probability_sum, x_label=x_label, y_label=y_label
            ),
        })  # fmt: skip
    return rows


def _thresholds(curves: ThresholdCurves | None) -> list[dict[str, str]]:
    """Precision, recall and F1 over the threshold, a chart a foreground class."""
    if curves is None:
        return []
    colours = {"precision": "#0072b2", "recall": "#d55e00", "f1": "#1c232b"}
    charts = []
    for name, curve in curves.to_json().items():
        if name != curves.classes.background and curves.truth_px(name):
            lines = [
                Line(score, colour, list(zip(curve["threshold"], curve[score], strict=True)))
                for score, colour in colours.items()
            ]
            charts.append({"name": name, "chart": line_chart(lines, Axis("threshold"), "score")})
    return charts


def _panels(evaluation: Evaluation, panels: Iterable[FramePanel]) -> list[dict[str, Any]]:
    rows = {row.stem: row for row in evaluation.frames}
    return [
        {
            "stem": panel.stem,
            "row": _frame_row(rows[panel.stem]) if panel.stem in rows else None,
            "pictures": draw(panel),
        }
        for panel in panels
    ]


def _frame_row(row: FrameRow) -> dict[str, Any]:
    score = row.image_miou if row.image_miou_foreground is None else row.image_miou_foreground
    columns = ", ".join(f"{name} {value}" for name, value in row.columns.items())
    return {"stem": row.stem, "columns": columns, "score": score, "iou": row.iou, "wrong_px": row.wrong_px}
