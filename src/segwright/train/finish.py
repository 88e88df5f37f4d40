"""After the last step: score the best checkpoint on the held-out part, at native size, and write it down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from segwright.core import Listener, Note, silent, tracked
from segwright.data import Dataset
from segwright.evaluate import Evaluation, FramePair, score_frames
from segwright.evaluate.report import FramePanel, write_report
from segwright.infer.predictor import Predictor
from segwright.train.run import Run

WORST_SHOWN = 8


def evaluate_part(
    predictor: Predictor,
    frames: Dataset,
    *,
    boundary_px: tuple[int, ...] = (3,),
    provenance: dict[str, object] | None = None,
    stage: str = "evaluating",
    listener: Listener = silent,
) -> Evaluation:
    """The evaluation of `predictor`'s whole pipeline on labelled frames."""

    def pairs() -> Iterator[FramePair]:
        for frame in tracked(frames.frames, listener, stage, len(frames.frames)):
            labelled = frames.read(frame)
            prediction = predictor.predict(labelled.image, confidence=False)
            yield FramePair(frame.stem, prediction.label_map, labelled.labels, frame.columns)

    return score_frames(pairs(), predictor.classes, boundary_px=boundary_px, provenance=provenance)


def finish(run: Run, dataset: Dataset, *, listener: Listener = silent) -> Evaluation:
    """Write the run's evaluation.json and report.html from its best checkpoint on the validation part."""
    plan = run.plan
    part = plan.validation.part
    frames = dataset.only(run.split.parts[part])
    predictor = run.predictor()
    provenance = {
        "run": plan.name,
        "part": part,
        "split": plan.data.split_hash,
        "split_by": plan.data.split_by,
        "dataset": plan.data.dataset_hash,
        "seed": plan.optimiser.seed,
        "segwright": plan.segwright,
    }
    evaluation = evaluate_part(predictor, frames, provenance=provenance, listener=listener)
    evaluation.write(run.path / "evaluation.json")
    write_worst(run.path / "report.html", evaluation, predictor, frames)
    for collapsed in evaluation.collapsed:
        listener(Note("evaluation", str(collapsed), "warning"))
    return evaluation


def write_worst(path: Path, evaluation: Evaluation, predictor: Predictor, frames: Dataset) -> None:
    """The HTML report with panels of the worst frames."""

    def panels() -> Iterator[FramePanel]:
        for row in evaluation.worst_frames(WORST_SHOWN):
            labelled = frames.read(frames.frame(row.stem))
            yield FramePanel(row.stem, labelled.image, labelled.labels, predictor.predict(labelled.image).label_map)

    write_report(path, evaluation, panels())
