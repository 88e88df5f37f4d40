"""`segwright evaluate --task instance` and `--task panoptic`: stored predictions beside their truth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.evaluation.object_sides import ObjectSides, model_sides, sides_of
from segwright.cli.face import Face

if TYPE_CHECKING:
    from segwright.core import Listener
    from segwright.evaluate.objects import ObjectEvaluation
    from segwright.evaluate.reconcile import Convention


def score_objects(face: Face, given: Mapping[str, Any], model: Path | None, json_file: Path | None) -> None:
    """Score, write what was asked for, print the answer, then fail where a demand is not met; `given` are the options.

    Raises:
        ConfigError: options that say nothing here, a missing side, conditions that cannot be read.
        DataError: everything that cannot be read or compared.
        GateFailed: demands that are not met.
    """
    from segwright.cli.evaluation.answer import object_answer
    from segwright.cli.evaluation.conventions import conventions_table, with_conventions, write_with_conventions
    from segwright.cli.evaluation.object_judgement import ObjectDemands, judged, write_comparison

    demands, report = ObjectDemands.read(given), given["report"]
    sides = sides_of(given) if model is None else model_sides(given, model, face.listener)
    if demands.conditions:
        sides.check(demands.conditions)
    evaluation = sides.evaluated(face.listener)
    judgement = judged(evaluation, demands)
    conventions = _conventions(given, model, evaluation, sides, face.listener) if given["reconcile"] else ()
    if json_file is not None:
        write_with_conventions(json_file, evaluation.to_json(), conventions)
    if report is not None:
        _write_report(report, evaluation, sides, face.listener)
    write_comparison(judgement, sides, face.listener)
    written = [path for path in (json_file, report, demands.report) if path is not None]
    more = [*judgement.tables(), *([conventions_table(conventions)] if conventions else [])]
    answer = with_conventions(judgement.to_json(), conventions)
    face.finish(answer, object_answer(evaluation, written, more), gate=judgement.enforce)


def _write_report(report: Path, evaluation: ObjectEvaluation, sides: ObjectSides, listener: Listener) -> None:
    from segwright.evaluate.report.object_page import write_object_report

    known = evaluation.provenance
    scored = known.get("model") or known.get("predictions", evaluation.task)
    panels = sides.panels(evaluation, listener)
    write_object_report(report, evaluation, panels, title=f"Evaluation of {Path(str(scored)).name}")


def _conventions(
    given: Mapping[str, Any],
    model: Path | None,
    evaluation: ObjectEvaluation,
    sides: ObjectSides,
    listener: Listener,
) -> tuple[Convention, ...]:
    """The same predictions under the rules of the libraries: what was not scored yet is scored now."""
    from segwright.evaluate.instances import InstancePairs
    from segwright.evaluate.reconcile.objects import instance_conventions, panoptic_conventions

    def under(rule: str) -> ObjectEvaluation:
        scored = evaluation.provenance["rule"] == rule
        return evaluation if scored else under_rule(rule).evaluated(listener)

    def under_rule(rule: str) -> ObjectSides:
        return (
            sides_of({**given, "rule": rule})
            if model is None
            else model_sides({**given, "rule": rule}, model, listener)
        )

    if not isinstance(sides.pairs, InstancePairs):
        return panoptic_conventions(under("coco"), under("bdd100k"))
    lvis = evaluation if evaluation.provenance["rule"] == "lvis" else None
    # under lvis no truth is marked as a crowd, which other libraries go by
    pairs = sides.pairs if lvis is None else under_rule("coco").pairs
    return instance_conventions(under("coco"), lvis, pairs if isinstance(pairs, InstancePairs) else None)
