"""Panoptic predictions beside their truth -> counts -> an `ObjectEvaluation`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from segwright.core import ClassTable, DataError, Listener, Note, Problem, Progress, raise_collected, silent
from segwright.data.workers import in_threads
from segwright.evaluate.domains import NO_COLUMNS, ColumnSource, scores_by_domain
from segwright.evaluate.evaluation import no_frame_to_score
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.panoptic.counts import PanopticCounts, PanopticRow, count_panoptic_frame, require_rule
from segwright.evaluate.panoptic.matching import Rule
from segwright.evaluate.panoptic.scores import DEFINITIONS, RULE_DEFINITIONS, frame_pq, score_panoptic_rows
from segwright.evaluate.panoptic.sources import PanopticSource, open_panoptic
from segwright.evaluate.sources import few

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
    require_rule(rule)
    true = open_panoptic(Path(truth), classes)
    predicted = open_panoptic(Path(predictions), true.classes)
    partners, notes = _partners(predicted, true)
    for note in notes:
        listener(Note("evaluate", note, "warning"))
    described, column_notes = columns.of(true.stems, true.place)
    counted = in_threads(partial(_counted, predicted, true, partners, rule), true.stems, workers)
    rows, stale = _gathered(counted, len(true.stems), listener)
    if stale:
        notes += (f"{stale} segments of {true.place} have another area in the JSON than in the PNG; the PNG counts",)
    rows = tuple(replace(row, columns=described[row.stem]) for row in rows)
    known = {"predictions": predicted.place, "truth": true.place}
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


def _counted(
    predicted: PanopticSource, true: PanopticSource, partners: Mapping[str, str], rule: Rule, stem: str
) -> _Counted | list[Problem]:
    problems: list[Problem] = []
    frames = []
    for source, name in ((predicted, partners[stem]), (true, stem)):
        try:
            frames.append(source.read(name))
        except DataError as error:
            problems += error.problems
    if problems:
        return problems
    try:
        return _Counted(count_panoptic_frame(*frames, rule=rule), true.stale_areas(frames[1]))
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


def _partners(predicted: PanopticSource, true: PanopticSource) -> tuple[dict[str, str], tuple[str, ...]]:
    """The prediction's stem for each stem of the truth, and a note on predictions that have no truth."""
    ids = {image_id: stem for stem, image_id in predicted.image_ids.items()}
    if ids.keys() & set(true.image_ids.values()):
        found = {stem: ids[each] for stem, each in true.image_ids.items() if each in ids}
    else:
        found = {stem: stem for stem in set(true.stems) & set(predicted.stems)}
    missing = set(true.stems) - found.keys()
    if missing:
        raise DataError.of(
            predicted.place,
            f"lacks predictions for {len(missing)} of {len(true.stems)} frames",
            allowed=f"a panoptic map for every frame of {true.place}",
            found=f"missing: {few(missing)}; there: {few(predicted.stems, 4)}",
            fix="predict the missing frames, or evaluate only the part that was predicted",
        )
    extra = set(predicted.stems) - set(found.values())
    if extra:
        return found, (f"{len(extra)} predictions have no truth and were left out: {few(extra)}",)
    return found, ()


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
        "matched": [
            {"class": class_id, "truth": true, "prediction": predicted, "iou": intersection / union}
            for class_id, true, predicted, intersection, union in row.matched[:MAX_LISTED].tolist()
        ],
        "false_positives": [list(each) for each in row.invented[:MAX_LISTED].tolist()],
        "false_negatives": [list(each) for each in row.missed[:MAX_LISTED].tolist()],
    }
