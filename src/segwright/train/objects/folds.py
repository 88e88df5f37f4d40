"""What folds of objects or segments say together: every frame as the network saw it that had not trained on it.

Objects of several networks are not averaged: nobody can say which of one is which of the other. So there is a report
over all folds, and neither a cleanup nor a bundle of all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from segwright.core import Listener, silent
from segwright.data import Dataset, Frame
from segwright.evaluate import ObjectEvaluation
from segwright.evaluate.instances.predicted import PredictedObjects, answered_objects, ranking
from segwright.evaluate.panoptic.predicted import PredictedSegments, answered_segments
from segwright.evaluate.report.object_page import write_object_report
from segwright.infer.objects import ObjectPredictor, PanopticPredictor
from segwright.train.folds import EVALUATION, FoldRuns, require_finished
from segwright.train.out_of_fold import provenance_of
from segwright.train.run import Run


def finish_object_folds(folds: FoldRuns, *, device: str | None = None, listener: Listener = silent) -> ObjectEvaluation:
    """Score all folds as one, at native size; writes evaluation.json and report.html.

    Average precision ranks the candidates of all networks in one list: one that is surer than the others throughout
    costs precision, as it would if it were shown beside them.

    Raises:
        ArtefactError: a fold that has not finished.
        DataError: frames that cannot be read.
    """
    require_finished(folds)
    asked = _asked(folds, device, listener)
    evaluation = asked.evaluated(listener, provenance_of(folds))
    evaluation.write(folds.path / EVALUATION)
    title = f"{len(folds.runs)} folds of {folds.path.name.removesuffix('-folds')}"
    write_object_report(folds.path / "report.html", evaluation, asked.panels(evaluation), title=title)
    return evaluation


def _asked(folds: FoldRuns, device: str | None, listener: Listener) -> PredictedObjects | PredictedSegments:
    """Every held-out frame of every fold with what its own network found, beside its truth."""
    run_of = {stem: run for run in folds.runs for stem in run.split.stems(run.plan.validation.part)}
    dataset = folds.runs[0].dataset.only(run_of)
    if folds.plan.task == "panoptic":
        segments = _answers(dataset, run_of, lambda run: run.panoptic_predictor(device))
        return answered_segments(lambda frame: segments(frame).panoptic, dataset, listener)
    objects = _answers(dataset, run_of, lambda run: _ranked(run, device))
    return answered_objects(lambda frame: objects(frame).objects, dataset, listener=listener)


def _ranked(run: Run, device: str | None) -> ObjectPredictor:
    """A run's pipeline with the candidates that average precision ranks."""
    assert run.plan.objects is not None
    predictor = run.object_predictor(device)
    return replace(predictor, decision=ranking(predictor.decision, run.plan.objects.scored_from))


def _answers(
    dataset: Dataset, run_of: dict[str, Run], opened: Callable[[Run], ObjectPredictor | PanopticPredictor]
) -> Callable[[Frame], Any]:
    """What the network says of a frame that had not seen it; each network is opened when it is first asked."""
    networks: dict[str, ObjectPredictor | PanopticPredictor] = {}

    def answer(frame: Frame) -> Any:
        run = run_of[frame.stem]
        if run.path.name not in networks:
            networks[run.path.name] = opened(run)
        return networks[run.path.name].predict(dataset.read_image(frame))

    return answer
