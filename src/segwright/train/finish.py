"""After the last step: score the best checkpoint on the held-out part, at native size, and write it down."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from segwright.core import Listener, silent
from segwright.data import Dataset
from segwright.evaluate import Evaluation, ObjectEvaluation, PredictedPairs, evaluate_predicted
from segwright.evaluate.instances.predicted import predicted_objects, ranking
from segwright.evaluate.panoptic.predicted import predicted_segments
from segwright.evaluate.report import worst_panels, write_report
from segwright.evaluate.report.object_page import write_object_report
from segwright.train.run import Run


def finish(
    run: Run, dataset: Dataset, *, device: str | None = None, listener: Listener = silent
) -> Evaluation | ObjectEvaluation:
    """Write the run's evaluation.json and report.html from its best checkpoint on the validation part.

    `device` as in `Run.predictor`: the best one where it is None.
    """
    plan = run.plan
    part = plan.validation.part
    if plan.task == "panoptic":
        return _finish_segments(run, dataset.only(run.split.stems(part)), device, listener)
    if plan.objects is not None:
        return _finish_objects(run, dataset.only(run.split.stems(part)), device, listener)
    pairs = PredictedPairs(run.predictor(device), dataset.only(run.split.stems(part)))
    provenance = _provenance(run)
    boundary_px = (plan.validation.boundary_px,)
    evaluation = evaluate_predicted(pairs, boundary_px=boundary_px, provenance=provenance, listener=listener)
    evaluation.write(run.path / "evaluation.json")
    write_report(run.path / "report.html", evaluation, worst_panels(evaluation, pairs), title=f"Run {plan.name}")
    return evaluation


def _provenance(run: Run) -> dict[str, Any]:
    """What an evaluation says of the run it is of."""
    plan = run.plan
    return {
        "run": plan.name,
        "part": plan.validation.part,
        "split_hash": plan.data.split_hash,
        "split_by": plan.data.split_by,
        **({} if plan.data.fold is None else {"fold": plan.data.fold}),
        "dataset_hash": plan.data.dataset_hash,
        **({} if plan.data.store_version is None else {"dataset_version": plan.data.store_version}),
        "seed": plan.optimiser.seed,
        "segwright": plan.segwright,
    }


def _finish_objects(run: Run, frames: Dataset, device: str | None, listener: Listener) -> ObjectEvaluation:
    """The same of a run of task instance: AP of masks and boxes."""
    assert run.plan.objects is not None
    predictor = run.object_predictor(device)
    ranked = replace(predictor, decision=ranking(predictor.decision, run.plan.objects.scored_from))
    asked = predicted_objects(ranked, frames, listener=listener)
    evaluation = asked.evaluated(listener, _provenance(run))
    evaluation.write(run.path / "evaluation.json")
    write_object_report(run.path / "report.html", evaluation, asked.panels(evaluation), title=f"Run {run.plan.name}")
    return evaluation


def _finish_segments(run: Run, frames: Dataset, device: str | None, listener: Listener) -> ObjectEvaluation:
    """The same of a run of task panoptic: panoptic quality."""
    asked = predicted_segments(run.panoptic_predictor(device), frames, listener)
    evaluation = asked.evaluated(listener, _provenance(run))
    evaluation.write(run.path / "evaluation.json")
    write_object_report(run.path / "report.html", evaluation, asked.panels(evaluation), title=f"Run {run.plan.name}")
    return evaluation
