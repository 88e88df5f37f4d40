"""The comparison page: what a new evaluation changed against an old one, in numbers and in the frames themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from segwright.evaluate.changes import Change, changed_scores, gain
from segwright.evaluate.compare import Comparison, FrameChange
from segwright.evaluate.compare_objects import ObjectComparison
from segwright.evaluate.difference import CHANGE_COLOURS, CHANGE_MEANINGS, OUTCOME_COLOURS, OUTCOME_MEANINGS
from segwright.evaluate.gate import losses
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.report.changed import ChangedPanel, draw_changed
from segwright.evaluate.report.charts import scatter_chart
from segwright.evaluate.report.templates import write_page
from segwright.evaluate.report.wording import (
    class_colour,
    definitions_in_order,
    facts_of,
    foreground_first,
    legend_of,
    score_label,
)
from segwright.evaluate.result import Evaluation
from segwright.evaluate.scores import Scores

FRAMES_SHOWN = 6  # that got worse, and as many that got better
MAX_FRAME_ROWS = 200
SURE = 0.05  # a p-value below it is set in bold: convention, not truth
TOLERANCE = 0.01

# How strong a cell is coloured: from this change on, fully.
FULL_COLOUR = 0.15

# what the page calls the score and the errors of a frame
WORDS: Mapping[str, str] = {
    "score": "mIoU",
    "frame_score": "mean IoU of its foreground classes",
    "fine": "Neither the mean IoU nor any class's IoU or boundary F",
    "domains": "the pooled IoU",
    "errors": "Wrong pixels",
    "unit": "px",
    "count": "Images",
}

_LAST = "pixel_accuracy"
_MARKED = (_LAST, "frequency_weighted_iou")  # the background decides them
_ABSENT = Change(None, None, None, None)


@dataclass(frozen=True)
class Compared:
    """Two evaluations of the same frames and their `Comparison`; `names` of the old and the new, for people.

    `tolerance` is how far a guarded score may fall before the page opens with it. `note` says why no old prediction
    can be shown, where none can.
    """

    old: Evaluation
    new: Evaluation
    comparison: Comparison
    names: tuple[str, str] = ("old", "new")
    tolerance: float = TOLERANCE
    note: str = ""


def write_comparison(
    path: Path, compared: Compared, lost: Iterable[ChangedPanel] = (), won: Iterable[ChangedPanel] = ()
) -> None:
    """Write the comparison as one HTML page that needs no network: tables, and the frames of `lost` and `won`.

    The panels are shown in their order, the largest change first by custom (`Comparison.lost`, `Comparison.won`).
    Written to a temporary name, then renamed.
    """
    content = {
        **_page(compared),
        "lost": [_panel(row, compared) for row in lost],
        "won": [_panel(row, compared) for row in won],
    }
    write_page(path, "compare_page.html.j2", content)


def _page(compared: Compared) -> dict[str, Any]:
    new, comparison = compared.new, compared.comparison
    names, changed = foreground_first(new.class_table), _changed_rows(compared)
    return {
        "title": "{1} against {0}".format(*compared.names),
        "names": compared.names,
        "facts": [*facts_of(new)[:2], *tested_facts(comparison)],
        "origins": origins_of(compared.old, new),
        "losses": {_loss_label(name): row for name, row in losses(comparison, compared.tolerance).items()},
        "collapsed": _newly_collapsed(compared),
        "tolerance": compared.tolerance,
        "overall": _overall(compared),
        "columns": _class_columns(compared),
        "classes": [_class_row(compared, name) for name in names],
        "domains": _domains(compared),
        "smallest_p": 2 / 2**comparison.groups if comparison.exact else 1 / comparison.rounds,
        "comparison": comparison,
        "sure": SURE,
        "counts": frame_counts(comparison),
        "scatter": scatter_of(comparison, WORDS["score"]),
        "frame_rows": changed[:MAX_FRAME_ROWS],
        "more_rows": max(0, len(changed) - MAX_FRAME_ROWS),
        "outcome_legend": legend_of(OUTCOME_COLOURS, OUTCOME_MEANINGS),
        "change_legend": legend_of(CHANGE_COLOURS, CHANGE_MEANINGS),
        "note": compared.note,
        "definitions": definitions_in_order(new),
        "evaluation": new,
        "words": WORDS,
        "intervals": False,
        "untested": "",
    }


def tested_facts(comparison: Comparison | ObjectComparison) -> list[tuple[str, str]]:
    """How the difference was tested, as label and value."""
    how = "every swap" if comparison.exact else "random swaps"
    swapped = (
        f"{comparison.groups} groups by {comparison.by}" if comparison.by else f"{comparison.groups} single frames"
    )
    return [("swapped in the test", swapped), ("rounds", f"{comparison.rounds:,} ({how})")]


def origins_of(
    old_side: Evaluation | ObjectEvaluation, new_side: Evaluation | ObjectEvaluation
) -> list[tuple[str, str, str]]:
    """What is known of both evaluations: label, old, new; equal values too, that readers see they are equal."""
    old, new = (
        {label: value for label, value in facts_of(side) if label not in ("images", "void")}
        for side in (old_side, new_side)
    )
    labels = [*dict.fromkeys([*old, *new])]
    return [(label, old.get(label, "–"), new.get(label, "–")) for label in labels]


def _loss_label(name: str) -> str:
    """`scratch.iou` as `scratch IoU`."""
    owner, _, score = name.rpartition(".")
    return f"{owner} {score_label(score)}".strip()


def _newly_collapsed(compared: Compared) -> list[str]:
    """Classes that collapsed overall in the new evaluation and had not in the old one."""
    before, after = (
        {row.name for row in side.collapsed if row.domain is None} for side in (compared.old, compared.new)
    )
    return sorted(after - before)


def _overall(compared: Compared) -> list[dict[str, Any]]:
    """A row an overall score: those that were tested with their p, then the others both have; accuracy last."""
    changes = {**changed_scores(compared.old.scores, compared.new.scores), **compared.comparison.scores}
    idle = {_LAST} if compared.new.class_table.background else {_LAST, "pooled_miou_foreground"}
    order = [name for name in compared.new.scores if name in changes and name not in idle]
    order += [_LAST] if _LAST in changes else []
    return [
        {**row, "label": score_label(name), "marked": name in _MARKED}
        for name, row in zip(order, shifted(changes, order), strict=True)
    ]


def shifted(changes: Mapping[str, Change], order: Sequence[str]) -> list[dict[str, Any]]:
    """A row a score, with the width in percent of the bar that shows how far it moved."""
    widest = max([0.02, *(abs(row.difference or 0.0) for row in changes.values() if _is_share(row))])
    rows = []
    for name in order:
        width = 50 * min(1.0, abs(changes[name].difference or 0.0) / widest)
        rows.append({**cell_of(changes[name], name), "width": width})
    return rows


def _is_share(change: Change) -> bool:
    return change.difference is not None and max(change.old or 0.0, change.new or 0.0) <= 1.0


def _class_changes(compared: Compared, name: str) -> dict[str, Change]:
    tested = compared.comparison.classes.get(name, {})
    return {**changed_scores(compared.old.classes[name], compared.new.classes[name]), **tested}


def _class_columns(compared: Compared) -> dict[str, str]:
    """Score name -> label, of the scores by class that both evaluations have."""
    names = compared.new.class_table.names
    return {score: score_label(score) for name in names for score in _class_changes(compared, name)}


def _class_row(compared: Compared, name: str) -> dict[str, Any]:
    table, changes = compared.new.class_table, _class_changes(compared, name)
    return {
        "name": name,
        "colour": class_colour(table, name),
        "background": name == table.background,
        "cells": [cell_of(changes.get(score, _ABSENT), score) for score in _class_columns(compared)],
        "images": compared.new.classes[name]["images"],
    }


def _domains(compared: Compared) -> list[dict[str, Any]]:
    """The changes by domain, in the columns and values that both evaluations have; one value divides nothing.

    A column a value, a row a class: there may be many classes, and seldom many values.
    """
    old, new = compared.old.by_domain, compared.new.by_domain
    shared = {column: [value for value in values if value in old.get(column, {})] for column, values in new.items()}
    domains = []
    for column, values in shared.items():
        if len(values) > 1:
            sides = [(old[column][value], new[column][value]) for value in values]
            heads = [(value, after.images) for value, (_, after) in zip(values, sides, strict=True)]
            domains.append({"column": column, "heads": heads, "rows": _domain_rows(compared, sides)})
    return domains


def _domain_rows(compared: Compared, sides: Sequence[tuple[Scores, Scores]]) -> list[dict[str, Any]]:
    """The foreground mean IoU in each domain, then the IoU of each class."""
    mean, table = "pooled_miou_foreground", compared.new.class_table
    cells = [cell_of(Change.between(old.overall.get(mean), new.overall.get(mean)), mean) for old, new in sides]
    label = score_label(mean if table.background else "pooled_miou")
    rows: list[dict[str, Any]] = [{"name": label, "colour": None, "cells": cells}]
    for name in foreground_first(table):
        ious = [tuple(side.classes.get(name, {}).get("iou") for side in pair) for pair in sides]
        cells = [cell_of(Change.between(before, after), "iou") for before, after in ious]
        rows.append({"name": name, "colour": class_colour(table, name), "cells": cells})
    return rows


def cell_of(change: Change, name: str) -> dict[str, Any]:
    """A change with what the page colours it by: `gain` above 0 is better, whichever way the score goes."""
    better = gain(name, change)
    strength = 0.0 if abs(better) < 5e-4 else 0.06 + 0.5 * min(1.0, abs(better) / FULL_COLOUR) ** 0.7
    sure = change.p_value is not None and change.p_value < SURE
    return {"change": change, "gain": better, "strength": strength, "sure": sure}


def frame_counts(comparison: Comparison | ObjectComparison) -> Mapping[str, int]:
    """How many frames got worse and better, and how many stayed."""
    count = len(comparison.frames)
    worse, better = len(comparison.lost(count)), len(comparison.won(count))
    return {"worse": worse, "better": better, "same": count - worse - better, "all": count}


def scatter_of(comparison: Comparison | ObjectComparison, score: str) -> str:
    """A dot a frame; `score` is what its score is called."""
    points = [
        (row.old, row.new, f"{row.stem}: {row.old:.3f} → {row.new:.3f}")
        for row in comparison.frames
        if row.old is not None and row.new is not None
    ]
    return scatter_chart(points, f"{score} of the frame, old", f"{score} of the frame, new")


def _changed_rows(compared: Compared) -> list[dict[str, Any]]:
    """Every frame that changed, the largest change first, whichever way."""
    comparison = compared.comparison
    count, columns = len(comparison.frames), _columns(compared.new)
    rows = sorted(
        chain(comparison.lost(count), comparison.won(count)),
        key=lambda row: (-abs(row.difference), -abs(row.new_wrong_px - row.old_wrong_px), row.stem),
    )
    return [_frame(row, columns) for row in rows]


def _frame(row: FrameChange, columns: Mapping[str, str]) -> dict[str, Any]:
    change = Change.between(row.old, row.new)
    errors = (row.old_wrong_px, row.new_wrong_px)
    return {"row": row, "columns": columns.get(row.stem, ""), "errors": errors, **cell_of(change, "image_miou")}


def _panel(panel: ChangedPanel, compared: Compared) -> dict[str, Any]:
    missing = panel.missing or compared.note
    return {**_frame(panel.change, _columns(compared.new)), "pictures": draw_changed(panel), "missing": missing}


def _columns(evaluation: Evaluation) -> dict[str, str]:
    return {row.stem: ", ".join(f"{name} {value}" for name, value in row.columns.items()) for row in evaluation.frames}
