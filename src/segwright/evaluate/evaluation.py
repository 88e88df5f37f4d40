"""A stream of frame pairs -> counts -> an `Evaluation`. The engine under every face of `evaluate`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import length_hint
from typing import Any, NamedTuple

from segwright.core import ClassTable, DataError, Listener, Note, Problem, Progress, SegwrightError, silent
from segwright.data.workers import in_threads
from segwright.evaluate.counts import Counts, FramePair, PixelCounts, count_frame, pair_problems
from segwright.evaluate.domains import scores_by_domain
from segwright.evaluate.frame_counts import FrameCounts
from segwright.evaluate.frame_rows import FrameRows
from segwright.evaluate.further import added, further
from segwright.evaluate.packed import FramePacker
from segwright.evaluate.reliability import Reliability
from segwright.evaluate.result import COLLAPSED_IOU, Collapsed, Evaluation, collapse_lines
from segwright.evaluate.scores import Scores, definitions_of, further_definitions, score_counts


def score_frames(
    pairs: Iterable[FramePair],
    classes: ClassTable,
    *,
    boundary_px: Sequence[int] = (3,),
    also: Sequence[str] = (),
    listener: Listener = silent,
    provenance: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Score a stream of frames; holds one frame at a time, and a few numbers a frame.

    `boundary_px` are the distances of boundary F; with none, boundaries are not looked at (faster). `also` names
    further families: surface (or `surface@1,2.5` for other tolerances), cldice, components.

    Raises:
        ConfigError: a family that is not known.
        DataError: every frame whose size or class table differs from its truth's, a stem that comes twice, no frame.
    """
    return summarise(
        count_frames(pairs, classes, boundary_px=boundary_px, also=also, listener=listener),
        listener=listener,
        provenance=provenance,
    )


def count_frames(
    pairs: Iterable[FramePair],
    classes: ClassTable,
    *,
    boundary_px: Sequence[int] = (3,),
    also: Sequence[str] = (),
    listener: Listener = silent,
) -> Counts:
    """The counts of a stream of frames, to be added to those of other workers before `summarise`.

    Frames are counted on all cores while the stream goes on; only a few of them are in memory at a time.

    Raises:
        ConfigError, DataError: as `score_frames`, but no frame at all is fine.
    """
    families = tuple(sorted(set(also)))
    for name in families:
        further(name)
    distances = tuple(sorted(set(boundary_px)))
    pixels, rows, problems = PixelCounts.none(classes), FramePacker(), []
    total = length_hint(pairs)

    def counted(pair: FramePair) -> tuple[PixelCounts, FrameCounts] | list[Problem]:
        return _pair_problems(pair, classes) or count_frame(pair, boundary_px=distances, also=families)

    for done, answer in enumerate(in_threads(counted, pairs), start=1):
        if isinstance(answer, list):
            problems += answer
        else:
            pixels += answer[0]
            rows.add(answer[1])
        listener(Progress("evaluate", done, max(total, done)))
    if problems:
        raise DataError(*problems)
    return Counts(classes, distances, pixels, rows.packed(), families)


def summarise(
    counts: Counts, *, listener: Listener = silent, provenance: Mapping[str, Any] | None = None
) -> Evaluation:
    """The evaluation of counts, however many workers and machines they were added up from.

    Raises:
        DataError: the counts hold no frame.
    """
    if not counts.frames:
        raise no_frame_to_score()
    classes, distances = counts.classes, counts.boundary_px
    packed = counts.packed
    scores = score_counts(packed, classes, distances)
    by_domain, notes = scores_by_domain(
        [_Placed(*row) for row in enumerate(packed.columns)],
        lambda rows: score_counts(packed.taken([row.position for row in rows]), classes, distances),
    )
    collapsed = tuple(_collapsed(scores, by_domain))
    for name, line in collapse_lines(collapsed).items():
        listener(Note("evaluate", f"{name} {line}", "warning"))
    all_px = counts.pixels.valid_px + counts.pixels.void_px
    names = [*scores.overall, *next(iter(scores.classes.values()))]
    return Evaluation(
        class_table=classes,
        images=scores.images,
        void_fraction=counts.pixels.void_px / all_px,
        scores=scores.overall,
        classes=scores.classes,
        by_domain=by_domain,
        confusion=tuple(tuple(int(cell) for cell in row) for row in counts.pixels.confusion),
        definitions={**definitions_of(names), **further_definitions(names, counts.also)},
        details=_details(counts),
        frames=FrameRows(packed, classes),
        collapsed=collapsed,
        provenance={"class_table_hash": classes.content_hash, **(provenance or {})},
        notes=notes,
    )


class _Placed(NamedTuple):
    """A frame's position among the packed ones, and what divides frames into domains."""

    position: int
    columns: Mapping[str, str]


def _details(counts: Counts) -> dict[str, Any]:
    """What the further families say beyond scores."""
    found: dict[str, Any] = {}
    for name in counts.also:
        found |= further(name).details(added([row[name] for row in counts.packed.further]))
    return found


def no_frame_to_score() -> SegwrightError:
    """Nothing to score is an error: a mean over no frame has no value."""
    return DataError.of(
        "evaluation",
        "has no frame to score",
        allowed="at least one frame with prediction and truth",
        found="none",
        fix="name frames that have a prediction and a truth of one name",
    )


def with_reliability(evaluation: Evaluation, reliability: Reliability) -> Evaluation:
    """The evaluation with the reliability of the probabilities, and `ece` and `brier` among its scores.

    Where the reliability has bins by class, `classwise_ece` is among them too, and `ece` and `brier` among the scores
    of each class.

    Raises:
        ValueError: the reliability has other classes than the evaluation.
    """
    by_class = reliability.classes
    if by_class is not None and set(by_class) != set(evaluation.classes):
        raise ValueError("the reliability is of other classes than the evaluation")
    scores = {name: score for name, score in evaluation.scores.items() if name != "pixel_accuracy"}
    scores["ece"] = reliability.ece
    classes = evaluation.classes
    if by_class is not None:
        scores["classwise_ece"] = reliability.classwise_ece
        classes = {
            name: {**row, "ece": by_class[name].ece, "brier": by_class[name].brier} for name, row in classes.items()
        }
    scores |= {"brier": reliability.brier, "pixel_accuracy": evaluation.scores["pixel_accuracy"]}
    definitions = {**evaluation.definitions, **definitions_of(list(scores))}
    return replace(evaluation, scores=scores, classes=classes, definitions=definitions, reliability=reliability)


def _pair_problems(pair: FramePair, classes: ClassTable) -> list[Problem]:
    problems = pair_problems(pair.prediction, pair.truth, place=pair.stem)
    if pair.truth.classes is not classes and pair.truth.classes.content_hash != classes.content_hash:
        fix = "read the truth with the class table that is scored"
        problems.append(
            Problem(
                pair.stem, "has a truth of another class table", classes.describe(), pair.truth.classes.describe(), fix
            )
        )
    return problems


def _collapsed(overall: Scores, by_domain: Mapping[str, Mapping[str, Scores]]) -> Iterable[Collapsed]:
    """Overall and by domain; a column of a single value divides nothing and would say the same twice."""
    domains = [
        (f"{column}={value}", scores)
        for column, values in by_domain.items()
        for value, scores in values.items()
        if len(values) > 1
    ]
    for domain, scores in [(None, overall), *domains]:
        for name, row in scores.classes.items():
            iou, pixels = row["iou"], int(row["truth_px"] or 0)
            if pixels and iou is not None and iou < COLLAPSED_IOU:
                yield Collapsed(name, domain, iou, pixels)
