"""After the last step: score the best checkpoint on the held-out part, at native size, and write it down."""

from __future__ import annotations

from segwright.core import Listener, silent
from segwright.data import Dataset
from segwright.evaluate import Evaluation, PredictedPairs, evaluate_predicted
from segwright.evaluate.report import worst_panels, write_report
from segwright.train.run import Run


def finish(run: Run, dataset: Dataset, *, device: str | None = None, listener: Listener = silent) -> Evaluation:
    """Write the run's evaluation.json and report.html from its best checkpoint on the validation part.

    `device` as in `Run.predictor`: the best one where it is None.
    """
    plan = run.plan
    part = plan.validation.part
    pairs = PredictedPairs(run.predictor(device), dataset.only(run.split.stems(part)))
    provenance = {
        "run": plan.name,
        "part": part,
        "split_hash": plan.data.split_hash,
        "split_by": plan.data.split_by,
        **({} if plan.data.fold is None else {"fold": plan.data.fold}),
        "dataset_hash": plan.data.dataset_hash,
        **({} if plan.data.store_version is None else {"dataset_version": plan.data.store_version}),
        "seed": plan.optimiser.seed,
        "segwright": plan.segwright,
    }
    boundary_px = (plan.validation.boundary_px,)
    evaluation = evaluate_predicted(pairs, boundary_px=boundary_px, provenance=provenance, listener=listener)
    evaluation.write(run.path / "evaluation.json")
    write_report(run.path / "report.html", evaluation, worst_panels(evaluation, pairs), title=f"Run {plan.name}")
    return evaluation
