"""Panoptic predictions beside their truth -> counts -> an `ObjectEvaluation`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from segwright.core import ClassTable, DataError, Listener, Note, Problem, Progress, raise_collected, silent
from segwright.data.workers import in_threads
from segwright.evaluate.domains import NO_COLUMNS, ColumnSource, KnownColumns, scores_by_domain
from segwright.evaluate.evaluation import no_frame_to_score
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.panoptic.counts import PanopticCounts, PanopticRow, count_panoptic_frame, require_rule
from segwright.evaluate.panoptic.matching import Rule
from segwright.evaluate.panoptic.pairs import PanopticPairs, pair_panoptic
from segwright.evaluate.panoptic.scores import DEFINITIONS, RULE_DEFINITIONS, frame_pq, frame_sums, score_panoptic_rows

# Segments listed of a frame, in each of its three lists; the counts beside them are of all.
MAX_LISTED = 100


def evaluate_panoptic(
    predictions: Path | str,
    truth: Path | str,
    *,
    classes: ClassTable | None = None,
    rule: Rule = "coco",
    columns: ColumnSource = NO_COLUMNS,
    workers: int | None = None,
    listener: Listener = silent,
) -> ObjectEvaluation:
    """PQ, SQ and RQ (0..1) of stored panoptic predictions, frame by frame at the truth's native size.

    Both places hold COCO panoptic JSON with its PNG folder, what `segwright predict` writes, or BDD100K bitmasks (see
    `sources.open_panoptic`). Frames are matched by image id where both places have image ids in common, else by the
    stem of their PNG. `rule` is how void counts (`matching`). `columns` says what the stems tell of domains.
    `classes` None takes the truth's own table. Frames are streamed through `workers` threads (None: as many as cores,
    at most 8), two or three held by each.

    Raises:
        DataError: frames without prediction, maps that cannot be read, other sizes, ids nobody named; all at once.
        ConfigError: no such rule; no class table, or two that contradict each other.
    """
    pairs = pair_panoptic(predictions, truth, classes)
    return evaluate_panoptic_pairs(pairs, rule=rule, columns=columns, workers=workers, listener=listener)


def evaluate_panoptic_pairs(
    pairs: PanopticPairs,
    *,
    rule: Rule = "coco",
    columns: ColumnSource | KnownColumns = NO_COLUMNS,
    workers: int | None = None,
    listener: Listener = silent,
) -> ObjectEvaluation:
    """What `evaluate_panoptic` gives, of sides that were opened before."""
    require_rule(rule)
    true, notes = pairs.true, pairs.notes
    for note in notes:
        listener(Note("evaluate", note, "warning"))
    described, column_notes = columns.of(true.stems, true.place)
    rows, stale = _gathered(in_threads(partial(_counted, pairs, rule), true.stems, workers), len(true.stems), listener)
    if stale:
        notes += (f"{stale} segments of {true.place} have another area in the JSON than in the PNG; the PNG counts",)
    rows = tuple(replace(row, columns=described[row.stem]) for row in rows)
    known = {"predictions": pairs.predicted.place, "truth": true.place}
    notes = (*notes, *column_notes)
    return summarise_panoptic(PanopticCounts(true.classes, rule, rows), provenance=known, notes=notes)


def summarise_panoptic(
    counts: PanopticCounts, *, provenance: Mapping[str, Any] | None = None, notes: Sequence[str] = ()
) -> ObjectEvaluation:
    """The evaluation of counts, however many workers and machines they were added up from.

    Raises:
        DataError: the counts hold no frame.
    """
    if not counts.frames:
        raise no_frame_to_score()
    classes = counts.classes
    scores = score_panoptic_rows(counts.frames, classes)
    by_domain, domain_notes = scores_by_domain(counts.frames, lambda rows: score_panoptic_rows(rows, classes))
    there = [spec for spec in classes if scores.classes[spec.name]["pq"] is not None]
    in_means = {"all": len(there)} | {
        part: sum(spec.kind == kind for spec in there) for part, kind in (("things", "thing"), ("stuff", "stuff"))
    }
    return ObjectEvaluation(
        task="panoptic",
        class_table=classes,
        images=scores.images,
        scores=scores.overall,
        classes=scores.classes,
        definitions={**DEFINITIONS, "void": RULE_DEFINITIONS[counts.rule]},
        by_domain=by_domain,
        void_fraction=sum(row.void_px for row in counts.frames) / sum(row.frame_px for row in counts.frames),
        details={
            "rule": counts.rule,
            "classes_in_means": in_means,
            "frames": [_frame_json(row) for row in counts.frames],
        },
        provenance={"class_table_hash": classes.content_hash, "rule": counts.rule, **(provenance or {})},
        notes=(*notes, *domain_notes),
    )


@dataclass(frozen=True)
class _Counted:
    row: PanopticRow
    stale_areas: int


def _counted(pairs: PanopticPairs, rule: Rule, stem: str) -> _Counted | list[Problem]:
    try:
        predicted, true = pairs.pair(stem)
        return _Counted(count_panoptic_frame(predicted, true, rule=rule), pairs.true.stale_areas(true))
    except DataError as error:
        return list(error.problems)


def _gathered(
    counted: Iterable[_Counted | list[Problem]], total: int, listener: Listener
) -> tuple[tuple[PanopticRow, ...], int]:
    """All rows and the number of stale areas; raises DataError with the problems of all frames."""
    rows: list[PanopticRow] = []
    problems: list[Problem] = []
    stale = 0
    for done, found in enumerate(counted, start=1):
        if isinstance(found, _Counted):
            rows.append(found.row)
            stale += found.stale_areas
        else:
            problems += found
        listener(Progress("evaluate", done, total))
    raise_collected(problems)
    return tuple(rows), stale


def _frame_json(row: PanopticRow) -> dict[str, Any]:
    """A frame's row: its counts in full, and the first of its segments; classes and segments by id."""
    return {
        "stem": row.stem,
        "columns": dict(row.columns),
        "pq": frame_pq(row),
        "tp": len(row.matched),
        "fp": len(row.invented),
        "fn": len(row.missed),
        "void_px": row.void_px,
        "by_class": frame_sums(row),
        "matched": [
            {"class": class_id, "truth": true, "prediction": predicted, "iou": intersection / union}
            for class_id, true, predicted, intersection, union in row.matched[:MAX_LISTED].tolist()
        ],
        "false_positives": [list(each) for each in row.invented[:MAX_LISTED].tolist()],
        "false_negatives": [list(each) for each in row.missed[:MAX_LISTED].tolist()],
    }
