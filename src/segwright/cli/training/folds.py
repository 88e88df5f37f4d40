"""`segwright train --folds`: every fold, one report, one choice of cleanup."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.face import Face
from segwright.cli.interrupted import saying_how_to_go_on

if TYPE_CHECKING:
    from segwright.core import Listener
    from segwright.evaluate import Evaluation, ObjectEvaluation
    from segwright.evaluate.cleanup_search import CleanupSearch
    from segwright.project.schema import Cleanup
    from segwright.train.folds import FoldRuns


def train_all_folds(face: Face, words: list[str], run: Path | None, *, plan_only: bool) -> None:
    """Plan and train every fold, then score them as one and choose the cleanup."""
    from segwright.cli.project_words import project_with_folds

    path, project = project_with_folds(words)
    from segwright.train.folds import plan_folds, train_folds

    names = (path.parent / "runs", project.name) if run is None else (run.parent, run.name)
    folds = plan_folds(project, path.parent, names, face.listener)
    face.say(
        f"{len(folds.runs)} folds: {folds.path}\n" + "\n".join(f"  {row.path / 'plan.yaml'}" for row in folds.runs)
    )
    if plan_only:
        plans = {row.path.name: row.plan.to_json() for row in folds.runs}
        face.finish({"folds": str(folds.path), "plans": plans})
        return
    again = ["train", "--folds", *words, *([] if run is None else ["--run", str(run)])]
    with saying_how_to_go_on(face.listener, "folds", again, ", and keeps what is finished"):
        train_folds(folds, face.listener)
        payload, said = _finished(folds, project.cleanup, face.listener)
    face.finish(payload, said)


def _finished(folds: FoldRuns, cleanup: Cleanup, listener: Listener) -> tuple[dict[str, Any], str]:
    """What all folds say together, written into their folder: for machines, and for people."""
    if folds.plan.objects is None:
        from segwright.train.out_of_fold import finish_folds

        evaluation, found = finish_folds(folds, cleanup, listener=listener)
        return _payload(folds, evaluation, found), _answer(folds, evaluation, found)
    from segwright.train.objects.folds import finish_object_folds

    scored = finish_object_folds(folds, listener=listener)
    return _payload(folds, scored), _object_answer(folds, scored)


def _payload(
    folds: FoldRuns, evaluation: Evaluation | ObjectEvaluation, found: CleanupSearch | None = None
) -> dict[str, Any]:
    return {
        "folds": str(folds.path),
        "runs": [str(run.path) for run in folds.runs],
        "scores": dict(evaluation.scores),
        "images": evaluation.images,
        **({} if found is None else {"cleanup": found.to_json()}),
    }


def _answer(folds: FoldRuns, evaluation: Evaluation, found: CleanupSearch) -> str:
    from segwright.cli.training.answer import score_rows

    headline = evaluation.scores["pooled_miou"]
    shown = "absent" if headline is None else f"{headline:.3f}"
    return "\n".join(
        [
            f"{_head(folds, evaluation)}, pooled mIoU {shown}",
            *score_rows(evaluation),
            f"cleanup, chosen by {found.score} on these frames ({found.before or 0:.4f} -> {found.after or 0:.4f}):",
            *(f"  {row.setting}: {row.reason}" for row in found.trials),
            f"report: {folds.path / 'report.html'}",
            f"next: segwright export {folds.path} --to onnx",
        ]
    )


def _object_answer(folds: FoldRuns, evaluation: ObjectEvaluation) -> str:
    from segwright.cli.training.answer import SHOWN, object_rows

    return "\n".join(
        [
            _head(folds, evaluation),
            *object_rows(evaluation, SHOWN[evaluation.task]),
            f"report: {folds.path / 'report.html'}",
            "objects of several networks are not averaged: a bundle is made of one run",
            f"next: segwright export {folds.path.parent / folds.runs[0].path.name} --to onnx",
        ]
    )


def _head(folds: FoldRuns, evaluation: Evaluation | ObjectEvaluation) -> str:
    return f"{folds.path}: {evaluation.images} frames, each by the network that had not seen it"
