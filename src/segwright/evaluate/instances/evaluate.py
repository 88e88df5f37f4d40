"""COCO JSON on both sides -> AP and AR, as an `ObjectEvaluation`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from segwright.core import ClassTable, DataError, Listener, silent
from segwright.data.listing import stem_of
from segwright.evaluate.boundary_iou import DILATION_RATIO
from segwright.evaluate.domains import NO_COLUMNS, ColumnSource, KnownColumns, scores_by_domain
from segwright.evaluate.instances.counts import FrameMatches, InstanceCounts, count_instances
from segwright.evaluate.instances.curves import Accumulated, accumulate
from segwright.evaluate.instances.kept import kept
from segwright.evaluate.instances.outcomes import OperatingPoint, best_f1
from segwright.evaluate.instances.pairs import InstancePairs, Predictions, Truth, pair_instances
from segwright.evaluate.instances.rules import Kind
from segwright.evaluate.instances.scores import definitions_of, precision_recall, score_instances, scores_of
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.scores import Scores


def evaluate_instances(
    predictions: Predictions,
    truth: Truth,
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
    precision-recall curve of each class at IoU 0.5, the confidence of the best F1 and, for each frame, true positives,
    false positives and misses at IoU 0.5, of all its detections and of those from that confidence up.

    Raises:
        DataError: a file is not what it should be: unknown images or categories, segmentations of another size or
            missing, scores missing or not finite; every finding at once.
        ConfigError: an unknown rule or kind, or categories that make no class table.

    Source: COCOeval of pycocotools, LVISEval of lvis-dataset/lvis-api, and bowenc0221/boundary-iou-api; on the same
    two files the numbers are theirs (tests/evaluate/instances).
    """
    pairs = pair_instances(
        predictions, truth, kinds=kinds, rule=rule, class_table=class_table, boundary_ratio=boundary_ratio
    )
    return evaluate_instance_pairs(pairs, columns=columns, workers=workers, listener=listener)


def evaluate_instance_pairs(
    pairs: InstancePairs,
    *,
    columns: ColumnSource | KnownColumns = NO_COLUMNS,
    workers: int | None = None,
    listener: Listener = silent,
) -> ObjectEvaluation:
    """What `evaluate_instances` gives, of sides that were read before."""
    truth = pairs.frames.truth
    counts = count_instances(
        pairs.frames, truth.classes, kinds=pairs.kinds, rule=pairs.rule, boundary_ratio=pairs.boundary_ratio,
        workers=workers, listener=listener,
    )  # fmt: skip
    counts, column_notes = _with_columns(counts, columns, pairs.place)
    notes = (*pairs.notes, *column_notes)
    return summarise_instances(counts, frequency=truth.frequency, provenance=pairs.known, notes=notes)


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
    points: dict[Kind, OperatingPoint] = {kind: best_f1(counts, kind) for kind in counts.kinds}
    scores = scores_of(curves, counts, frequency)
    by_domain, domain_notes = scores_by_domain(counts.frames, lambda rows: _part(counts, rows, frequency))
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
            "best_f1": {kind: asdict(point) for kind, point in points.items()},
            "frames": [_frame_row(row, points) for row in counts.frames],
        },
        provenance={"class_table_hash": counts.classes.content_hash, "rule": counts.rule.name, **(provenance or {})},
        notes=(*notes, *domain_notes, *_absent_notes(scores.classes)),
    )


def _part(counts: InstanceCounts, rows: Sequence[FrameMatches], frequency: Mapping[str, str] | None) -> Scores:
    """The scores of some of the frames."""
    return score_instances(replace(counts, frames=tuple(rows)), frequency=frequency)


def _frame_row(frame: FrameMatches, points: Mapping[Kind, OperatingPoint]) -> dict[str, Any]:
    """Image, and for each kind true positives, false positives and misses at IoU 0.5.

    Of all detections whatever the score, and of those from the score of the best F1 up.
    """
    rows = {}
    for kind, point in points.items():
        least = np.inf if point.score is None else point.score
        matches = frame.kinds[kind]
        rows[kind] = {
            **_outcome(matches.outcome()),
            "at_best_f1": _outcome(matches.outcome(least_score=least)),
            "matches": kept(matches),
        }
    return {"image_id": frame.image_id, "name": frame.name, "columns": dict(frame.columns), **rows}


def _outcome(counted: tuple[int, int, int]) -> dict[str, Any]:
    return dict(zip(("tp", "fp", "fn"), counted, strict=True))


def _with_columns(
    counts: InstanceCounts, source: ColumnSource | KnownColumns, place: str
) -> tuple[InstanceCounts, tuple[str, ...]]:
    """The counts with the columns of each frame, and notes on them."""
    columns, notes = source.of([stem_of(row.name) for row in counts.frames], place)
    frames = tuple(replace(row, columns=columns[stem_of(row.name)]) for row in counts.frames)
    return replace(counts, frames=frames), notes


def _absent_notes(classes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    absent = [name for name, row in classes.items() if not row["truths"]]
    shown = ", ".join(absent[:10]) + (f" and {len(absent) - 10} more" if len(absent) > 10 else "")
    return [f"no score, and in no mean, for want of a truth: {shown}"] if absent else []
