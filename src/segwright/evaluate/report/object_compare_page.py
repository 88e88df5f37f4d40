"""The comparison page of instances and panoptic maps: what changed in numbers, and in the frames themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from segwright.evaluate.changes import Change
from segwright.evaluate.compare_objects import FRAME_SCORES, ObjectComparison, ObjectFrameChange, name_of
from segwright.evaluate.gate import losses
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.report.compare_page import (
    MAX_FRAME_ROWS,
    SURE,
    TOLERANCE,
    cell_of,
    frame_counts,
    origins_of,
    scatter_of,
    shifted,
    tested_facts,
)
from segwright.evaluate.report.object_changed import CHANGE_MEANINGS, ObjectChangedPanel
from segwright.evaluate.report.object_page import COLUMNS, HEADLINES, classes_in, score_label
from segwright.evaluate.report.object_pictures import MEANINGS
from segwright.evaluate.report.templates import write_page
from segwright.evaluate.report.wording import class_colour, facts_of, foreground_first, hex_colour

WORDS: Mapping[str, Mapping[str, str]] = {
    "instance": {"score": "AP", "unit": "objects", "errors": "Errors", "count": "Images"},
    "panoptic": {"score": "PQ", "unit": "px", "errors": "Errors", "count": "True segments"},
}


@dataclass(frozen=True)
class ComparedObjects:
    """Two evaluations of the same frames and their `ObjectComparison`; the rest as in `Compared`."""

    old: ObjectEvaluation
    new: ObjectEvaluation
    comparison: ObjectComparison
    names: tuple[str, str] = ("old", "new")
    tolerance: float = TOLERANCE
    note: str = ""


def write_object_comparison(
    path: Path,
    compared: ComparedObjects,
    lost: Iterable[ObjectChangedPanel] = (),
    won: Iterable[ObjectChangedPanel] = (),
) -> None:
    """Write the comparison as one HTML page that needs no network. Written to a temporary name, then renamed."""
    columns = {name_of(row): row.get("columns", {}) for row in compared.new.details["frames"]}
    sides = {"lost": lost, "won": won}
    panels = {
        key: [
            {
                **_frame(panel.change, columns),
                "pictures": panel.pictures,
                "missing": panel.missing or compared.note,
            }
            for panel in rows
        ]
        for key, rows in sides.items()
    }
    write_page(path, "compare_page.html.j2", {**_page(compared, columns), **panels})


def _page(compared: ComparedObjects, columns: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    new, comparison = compared.new, compared.comparison
    changed = _changed_rows(comparison, columns)
    main = next(name for name in COLUMNS[new.task] if name in new.scores)
    label = score_label(main)
    overall = [name for name in HEADLINES[new.task] if name in comparison.scores]
    return {
        "title": "{1} against {0}".format(*compared.names),
        "names": compared.names,
        "facts": [*facts_of(new)[: 1 if new.void_fraction is None else 2], *tested_facts(comparison)],
        "origins": origins_of(compared.old, new),
        "losses": {_loss_label(name): row for name, row in losses(comparison, compared.tolerance).items()},
        "collapsed": (),
        "tolerance": compared.tolerance,
        "overall": [
            {**row, "label": score_label(name), "marked": False}
            for name, row in zip(overall, shifted(comparison.scores, overall), strict=True)
        ],
        "intervals": any(row.low is not None for row in comparison.scores.values()),
        "untested": comparison.untested,
        "columns": {name: score_label(name) for name in COLUMNS[new.task] if name in new.scores},
        "classes": _classes(compared, main),
        "domains": _domains(compared, main),
        "smallest_p": 2 / 2**comparison.groups if comparison.exact else 1 / max(1, comparison.rounds),
        "comparison": comparison,
        "sure": SURE,
        "counts": frame_counts(comparison),
        "scatter": scatter_of(comparison, WORDS[new.task]["score"]),
        "frame_rows": changed[:MAX_FRAME_ROWS],
        "more_rows": max(0, len(changed) - MAX_FRAME_ROWS),
        "outcome_legend": [(hex_colour(colour), meaning) for colour, meaning in MEANINGS[new.task]],
        "change_legend": [(hex_colour(colour), meaning) for colour, meaning in CHANGE_MEANINGS[new.task]],
        "note": compared.note,
        "definitions": list(new.definitions.items()),
        "evaluation": new,
        "words": {**WORDS[new.task],
            "frame_score": FRAME_SCORES[new.task], "fine": f"Neither {label} nor that of any class", "domains": label,
        },
    }  # fmt: skip


def _loss_label(name: str) -> str:
    """`person.mask_ap` as `person Mask AP`."""
    owner, _, score = name.rpartition(".")
    return f"{owner} {score_label(score)}".strip()


def _classes(compared: ComparedObjects, main: str) -> list[dict[str, Any]]:
    """The classes that either has, the largest loss first."""
    table, comparison = compared.new.class_table, compared.comparison
    counts = ("images",) if compared.new.task == "instance" else ("tp", "fn")
    rows = []
    for name in foreground_first(table):
        changes = comparison.classes.get(name, {})
        if main not in changes or (changes[main].old is None and changes[main].new is None):
            continue
        cells = [
            cell_of(changes.get(score, Change.between(None, None)), score)
            for score in COLUMNS[compared.new.task]
            if score in compared.new.scores
        ]
        images = sum(compared.new.classes[name][count] or 0 for count in counts)
        rows.append(
            {"name": name, "colour": class_colour(table, name), "background": False, "cells": cells, "images": images}
        )
    return sorted(rows, key=lambda row: row["cells"][0]["change"].difference or 0.0)


def _domains(compared: ComparedObjects, main: str) -> list[dict[str, Any]]:
    """The main score in the columns and values that both evaluations have, overall and by class."""
    old, new = compared.old.by_domain, compared.new.by_domain
    domains = []
    for column in new:
        values = [value for value in new[column] if value in old.get(column, {})]
        if len(values) < 2:
            continue
        sides = [(old[column][value], new[column][value]) for value in values]
        cells = [
            cell_of(Change.between(before.overall.get(main), after.overall.get(main)), main) for before, after in sides
        ]
        rows: list[dict[str, Any]] = [{"name": score_label(main), "colour": None, "cells": cells}]
        for name in classes_in(compared.new, column, main):
            cells = [
                cell_of(Change.between(*(side.classes.get(name, {}).get(main) for side in pair)), main)
                for pair in sides
            ]
            rows.append({"name": name, "colour": class_colour(compared.new.class_table, name), "cells": cells})
        heads = [(value, after.images) for value, (_, after) in zip(values, sides, strict=True)]
        domains.append({"column": column, "heads": heads, "rows": rows})
    return domains


def _changed_rows(comparison: ObjectComparison, columns: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """Every frame that changed, the largest change first, whichever way."""
    count = len(comparison.frames)
    rows: Sequence[ObjectFrameChange] = sorted(
        chain(comparison.lost(count), comparison.won(count)),
        key=lambda row: (-abs(row.difference), -abs(row.new_errors - row.old_errors), row.stem),
    )
    return [_frame(row, columns) for row in rows]


def _frame(row: ObjectFrameChange, columns: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    change = Change.between(row.old, row.new)
    domains = ", ".join(f"{name} {value}" for name, value in columns.get(row.stem, {}).items())
    return {"row": row, "columns": domains, "errors": (row.old_errors, row.new_errors), **cell_of(change, "ap")}
