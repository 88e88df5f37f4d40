"""segwright evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segwright.cli.datasets import FoldOption
from segwright.cli.evaluation.judgement import Demands
from segwright.cli.evaluation.objects import require_task, score_objects
from segwright.cli.evaluation.sides import predicted_pairs, refuse_mixed, stored_pairs
from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from segwright.evaluate import Evaluation, PredictedPairs, StoredPairs
    from segwright.evaluate.reconcile import Convention


Words = Annotated[
    list[Path] | None, typer.Argument(help="[RUN|BUNDLE]; and, after --json, the FILE to write.", show_default=False)
]
Predictions = Annotated[Path | None, typer.Option(help="A mask file, a folder of them, or predictions.")]
Truth = Annotated[Path | None, typer.Option(help="A mask file, a folder of them, or a dataset.")]
Data = Annotated[Path | None, typer.Option(help="The dataset, or segwright.yaml, a RUN or BUNDLE is asked about.")]
SplitFile = Annotated[Path | None, typer.Option(help="A split file; a RUN brings its own.")]
Part = Annotated[str | None, typer.Option(help="The part of the split to score.  [default: validation]")]
Classes = Annotated[Path | None, typer.Option(help="Class table: lines such as `0 background`, or JSON.")]
Renamings = Annotated[list[str] | None, typer.Option("--map", help="Rename a mask value first: --map 255=1.")]
Images = Annotated[Path | None, typer.Option(help="Folder of the frames' images, for the report.")]
Distances = Annotated[list[int] | None, typer.Option(help="Distance of boundary F; repeatable.  [default: 3]")]
Report = Annotated[Path | None, typer.Option(help="Write an HTML report here.")]
Groups = Annotated[str | None, typer.Option(help="Column drawn whole in intervals and tests: line, session, patient.")]
FailIf = Annotated[list[str] | None, typer.Option(help="Exit 1 where it holds: 'scratch.iou < 0.74'; repeatable.")]
NoWorse = Annotated[Path | None, typer.Option(help="Exit 1 where a score fell below this evaluation.json's.")]
Compare = Annotated[Path | None, typer.Option(help="Say what changed since this evaluation.json; fails nothing.")]
CompareReport = Annotated[Path | None, typer.Option(help="Write an HTML report of what changed here.")]
Reconcile = Annotated[
    bool, typer.Option("--reconcile", help="Also score as torchmetrics, mmsegmentation and others do.")
]
Also = Annotated[list[str] | None, typer.Option(help="Count more, slower: surface, cldice, components; repeatable.")]
Task = Annotated[str, typer.Option(help="semantic, instance or panoptic.")]
Rule = Annotated[
    str | None, typer.Option(help="Of instances: coco, lvis. Of panoptic void: coco, bdd100k.  [default: coco]")
]
Kind = Annotated[
    list[str] | None, typer.Option(help="Of instances: mask, box, boundary; repeatable.  [default: mask, box]")
]
Tolerance = Annotated[float | None, typer.Option(min=0, help="By how much it may fall.  [default: 0.01]")]


def evaluate(
    context: typer.Context,
    arguments: Words = None,
    predictions: Predictions = None,
    truth: Truth = None,
    data: Data = None,
    split: SplitFile = None,
    part: Part = None,
    fold: FoldOption = None,
    classes: Classes = None,
    map_: Renamings = None,
    images: Images = None,
    boundary_px: Distances = None,
    also: Also = None,
    task: Task = "semantic",
    rule: Rule = None,
    kind: Kind = None,
    groups: Groups = None,
    fail_if: FailIf = None,
    no_worse_than: NoWorse = None,
    compare: Compare = None,
    compare_report: CompareReport = None,
    tolerance: Tolerance = None,
    reconcile: Reconcile = False,
    report: Report = None,
    json: JsonFlag = False,
) -> None:
    """Score predictions against truth: per class, per domain, with a report; and fail where you say so.

    segwright evaluate --predictions DIR|FILE --truth DIR|FILE, or segwright evaluate RUN|BUNDLE --data DATA
    """
    model, json_file = _words(arguments or [], json)
    require_task(task, rule, kind)
    with Face(as_json=json and json_file is None) as face:
        if task != "semantic":
            return score_objects(face, context.params, model, json_file)
        demands = Demands.read(fail_if or [], no_worse_than, compare, compare_report, tolerance, groups)
        stored, of_model = (predictions, truth, classes, map_ or [], images), (data, split, part, fold)
        pairs, evaluation = _scored(face, model, of_model, stored, boundary_px or [3], also or [])
        return _finish(face, evaluation, pairs, demands, report, json_file, reconcile)


def _scored(
    face: Face,
    model: Path | None,
    of_model: tuple[Path | None, Path | None, str | None, int | None],
    stored: tuple[Path | None, Path | None, Path | None, list[str], Path | None],
    distances: Sequence[int],
    also: Sequence[str],
) -> tuple[StoredPairs | PredictedPairs, Evaluation]:
    """The pairs that were asked for, and their evaluation; `of_model` and `stored` are the options of either side."""
    from segwright.evaluate import evaluate_predicted, evaluate_stored

    refuse_mixed(model, of_model, stored)
    if model is None:
        pairs, known = stored_pairs(*stored)
        return pairs, evaluate_stored(pairs, boundary_px=distances, also=also, listener=face.listener, provenance=known)
    pairs, known = predicted_pairs(model, *of_model)
    return pairs, evaluate_predicted(pairs, boundary_px=distances, also=also, listener=face.listener, provenance=known)


def _finish(
    face: Face,
    evaluation: Evaluation,
    pairs: StoredPairs | PredictedPairs,
    demands: Demands,
    report: Path | None,
    json_file: Path | None,
    reconcile: bool,
) -> None:
    """Write what was asked for, print the answer, then fail where a demand is not met."""
    from segwright.cli.evaluation.answer import answer_of
    from segwright.cli.evaluation.comparison import write_comparison_report
    from segwright.cli.evaluation.conventions import conventions_table, with_conventions, write_with_conventions
    from segwright.cli.evaluation.judgement import judged

    conventions = _conventions(evaluation) if reconcile else ()
    _write(evaluation, pairs, report)
    if json_file is not None:
        write_with_conventions(json_file, evaluation, conventions)
    judgement = judged(evaluation, demands)
    write_comparison_report(judgement, pairs)
    written = [path for path in (json_file, report, demands.report) if path is not None]
    more = [*judgement.tables(), *([conventions_table(conventions)] if conventions else [])]
    answer = with_conventions(judgement.to_json(), conventions)
    face.finish(answer, answer_of(evaluation, written, more), gate=judgement.enforce)


def _words(arguments: Sequence[Path], as_json: bool) -> tuple[Path | None, Path | None]:
    """The model and the JSON file among the bare words: `--json FILE` leaves FILE as one, with its suffix."""
    from segwright.core import ConfigError

    files = [word for word in arguments if as_json and word.suffix == ".json"]
    models = [word for word in arguments if word not in files]
    if len(models) > 1 or len(files) > 1:
        raise ConfigError.of(
            "arguments", "name more than one model or JSON file",
            allowed="one RUN or BUNDLE, one FILE after --json", found=" ".join(str(word) for word in arguments),
            fix="score one at a time",
        )  # fmt: skip
    return (models[0] if models else None), (files[0] if files else None)


def _conventions(evaluation: Evaluation) -> tuple[Convention, ...]:
    """From the evaluation's own counts: nothing is read or predicted again."""
    from segwright.evaluate.reconcile import reconcile_evaluation

    return reconcile_evaluation(evaluation)


def _write(evaluation: Evaluation, pairs: Any, report: Path | None) -> None:
    if report is not None:
        from segwright.evaluate.report import worst_panels, write_report

        scored = evaluation.provenance.get("model") or evaluation.provenance["predictions"]
        title = f"Evaluation of {Path(str(scored)).name}"
        write_report(report, evaluation, worst_panels(evaluation, pairs), title=title)
