"""COCO JSON on both sides -> AP and AR, as an `ObjectEvaluation`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from segwright.core import ClassTable, DataError, Listener, silent
from segwright.data.listing import stem_of
from segwright.evaluate.boundary_iou import DILATION_RATIO
from segwright.evaluate.domains import NO_COLUMNS, ColumnSource, scores_by_domain
from segwright.evaluate.instances.counts import InstanceCounts, count_instances
from segwright.evaluate.instances.curves import Accumulated, accumulate
from segwright.evaluate.instances.frames import PairedFrames
from segwright.evaluate.instances.results import read_results
from segwright.evaluate.instances.rules import Kind, require_kinds, rule_called
from segwright.evaluate.instances.scores import definitions_of, precision_recall, score_instances, scores_of
from segwright.evaluate.instances.truth import read_truth
from segwright.evaluate.objects import ObjectEvaluation


def evaluate_instances(
    predictions: Path | str | Sequence[Mapping[str, Any]],
    truth: Path | str | Mapping[str, Any],
    *,
    kinds: Iterable[Kind] = ("mask", "box"),
    rule: str = "coco",
    class_table: ClassTable | None = None,
    boundary_ratio: float = DILATION_RATIO,
    columns: ColumnSource = NO_COLUMNS,
    workers: int | None = None,
    listener: Listener = silent,
) -> ObjectEvaluation:
    """AP and AR of COCO results against COCO (or LVIS) instances, 0..1; None where absent.

    `predictions` is a results file, a folder of predictions with `instances.json`, or the list itself; `truth` an
    annotation file or its content. `kinds` are `mask`, `box` and `boundary`; `rule` is `coco` or `lvis`. `class_table`
    names the classes to score; None takes the truth's categories. `columns` says what the images' file names tell of
    their domains. `workers` is as in `count_instances`.

    Images without detections count, and so do detections in images without truths. `details` has, by kind, the
    precision-recall curve of each class at IoU 0.5 and, for each frame, true positives, false positives and misses of
    all its detections at IoU 0.5.

    Raises:
        DataError: a file is not what it should be: unknown images or categories, segmentations of another size or
            missing, scores missing or not finite; every finding at once.
        ConfigError: an unknown rule or kind, or categories that make no class table.

    Source: COCOeval of pycocotools, LVISEval of lvis-dataset/lvis-api, and bowenc0221/boundary-iou-api; on the same
    two files the numbers are theirs (tests/evaluate/instances).
    """
    kinds, chosen = require_kinds(kinds), rule_called(rule)
    true = read_truth(truth, kinds, chosen, class_table)
    found = read_results(predictions, true, kinds)
    counts = count_instances(
        PairedFrames(true, found), true.classes, kinds=kinds, rule=chosen, boundary_ratio=boundary_ratio,
        workers=workers, listener=listener,
    )  # fmt: skip
    place = str(truth) if isinstance(truth, Path | str) else "the truth"
    counts, column_notes = _with_columns(counts, columns, place)
    notes = (*true.notes, *found.notes, *column_notes)
    if not len(found.frame):
        notes = (f"no detection at all for {len(true.pictures)} images: every truth is missed", *notes)
    known = {
        name: str(side)
        for name, side in (("predictions", predictions), ("truth", truth))
        if isinstance(side, Path | str)
    }
    return summarise_instances(counts, frequency=true.frequency, provenance=known, notes=notes)


def summarise_instances(
    counts: InstanceCounts,
    *,
    frequency: Mapping[str, str] | None = None,
    provenance: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> ObjectEvaluation:
    """The evaluation of counts, however many workers and machines they were added up from.

    `frequency` is as in `score_instances`; `provenance` says what was scored, `notes` what was found while reading.

    Raises:
        DataError: the counts hold no frame.
    """
    if not counts.frames:
        raise DataError.of(
            "evaluation", "has no image to score", allowed="at least one image in the truth", found="none",
            fix="name annotations that list their images",
        )  # fmt: skip
    curves: dict[Kind, Accumulated] = {kind: accumulate(counts, kind) for kind in counts.kinds}
    scores = scores_of(curves, counts, frequency)
    by_domain, domain_notes = scores_by_domain(
        counts.frames, lambda rows: score_instances(replace(counts, frames=tuple(rows)), frequency=frequency)
    )
    names = [*scores.overall, *next(iter(scores.classes.values()))]
    return ObjectEvaluation(
        task="instance",
        class_table=counts.classes,
        images=scores.images,
        scores=scores.overall,
        classes=scores.classes,
        definitions=definitions_of(names),
        by_domain=by_domain,
        details={
            "precision_recall": {kind: precision_recall(curve, counts.classes.names) for kind, curve in curves.items()},
            "frames": [_frame_row(counts, position) for position in range(len(counts.frames))],
        },
        provenance={"class_table_hash": counts.classes.content_hash, "rule": counts.rule.name, **(provenance or {})},
        notes=(*notes, *domain_notes, *_absent_notes(scores.classes)),
    )


def _frame_row(counts: InstanceCounts, position: int) -> dict[str, Any]:
    """Image, and for each kind true positives, false positives and misses at IoU 0.5, whatever the score."""
    frame = counts.frames[position]
    outcomes = {kind: frame.kinds[kind].outcome() for kind in counts.kinds}
    rows = {kind: dict(zip(("tp", "fp", "fn"), outcome, strict=True)) for kind, outcome in outcomes.items()}
    return {"image_id": frame.image_id, "name": frame.name, "columns": dict(frame.columns), **rows}


def _with_columns(counts: InstanceCounts, source: ColumnSource, place: str) -> tuple[InstanceCounts, tuple[str, ...]]:
    """The counts with the columns of each frame, and notes on them."""
    columns, notes = source.of([stem_of(row.name) for row in counts.frames], place)
    frames = tuple(replace(row, columns=columns[stem_of(row.name)]) for row in counts.frames)
    return replace(counts, frames=frames), notes


def _absent_notes(classes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    absent = [name for name, row in classes.items() if not row["truths"]]
    shown = ", ".join(absent[:10]) + (f" and {len(absent) - 10} more" if len(absent) > 10 else "")
    return [f"no score, and in no mean, for want of a truth: {shown}"] if absent else []
