"""The teacher of a plan: which run, with which weights, and whether it can teach these classes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from segwright.core import ArtefactError, ClassTable, ConfigError
from segwright.project.schema import Project
from segwright.train.checkpoint import BEST
from segwright.train.plan_inputs import Reasons
from segwright.train.run import Run, open_run
from segwright.train.settings import DistillPlan


def distill_plan(project: Project, classes: ClassTable, split_hash: str, reasons: Reasons) -> DistillPlan | None:
    """What `training.distill_from` and the section `distill` say; None where there is no teacher.

    `split_hash` is of the student's split: a teacher of another one may have learned what the student is judged by.

    Raises:
        ArtefactError: no such run, or one that is not finished.
        ConfigError: a run that cannot teach this project, or nothing of it is learned.
    """
    named, settings = project.training.distill_from, project.distill
    if named is None:
        return None
    run = open_run(named)
    _require_fitting(project, run, classes, split_hash)
    if settings.logits == settings.features == 0:
        raise ConfigError.of(
            "distill",
            "has a teacher and listens to nothing of it",
            allowed="distill.logits or distill.features above 0",
            found="both 0",
            fix="distill.logits=1, or leave training.distill_from out",
        )
    hashed = weights_hash(run.path)
    _require_finished(run)
    reasons.texts["distill"] = f"segwright.yaml says so: {run.plan.network.encoder} of {run.path.name} teaches"
    return DistillPlan(teacher=str(run.path), teacher_hash=hashed, **settings.model_dump())


def require_semantic(project: Project) -> None:
    """Refuse a teacher or a student that finds objects, before any frame is read; `auto` is judged by its plan.

    Raises:
        ArtefactError: the teacher is no run.
        ConfigError: one of the two is of another task than semantic.
    """
    named = project.training.distill_from
    if named is not None and project.task != "auto":
        _require_tasks(project, open_run(named))


def _require_tasks(project: Project, run: Run) -> None:
    if {project.task, run.plan.task} != {"semantic"}:
        raise ConfigError.of(
            "training.distill_from",
            "teaches a class for every pixel, and nothing of objects",
            allowed="teacher and student of task semantic",
            found=f"task {project.task}, taught by {run.path.name} of task {run.plan.task}",
            fix="let the smaller network learn from the labels alone: segwright train model.encoder=resnet18",
        )


def _require_fitting(project: Project, run: Run, classes: ClassTable, split_hash: str) -> None:
    """Raise ConfigError where `run` answers another question than the project asks, or saw its held-out frames."""
    _require_tasks(project, run)
    if run.classes.content_hash != classes.content_hash:
        raise ConfigError.of(
            "training.distill_from",
            "names a teacher that answers for other classes",
            allowed=classes.describe(),
            found=run.classes.describe(),
            fix="train a teacher on this project first: segwright train",
        )
    if run.plan.data.split_hash != split_hash:
        raise ConfigError.of(
            "training.distill_from",
            "names a teacher that was trained by another split: it may know the frames that judge the student",
            allowed=f"a teacher of this split, {split_hash[:12]}",
            found=f"{run.path.name} of split {run.plan.data.split_hash[:12]}",
            fix="train a teacher on this split first: segwright train; of a split with folds, one for each split.fold",
        )


def _require_finished(run: Run) -> None:
    """Raise ArtefactError where training was interrupted: its best checkpoint is only the best so far."""
    if run.evaluation is None:
        raise ArtefactError.of(
            str(run.path),
            "has not finished, so it cannot teach",
            allowed="a run with an evaluation.json",
            found="a best checkpoint of an interrupted or running training",
            fix=f"segwright train --resume --run {run.path}",
        )


def weights_hash(run: Path) -> str:
    """sha256 of a run's best weights.

    Raises:
        ArtefactError: it has none.
    """
    path = run / "checkpoints" / BEST
    if not path.is_file():
        raise ArtefactError.of(
            str(path),
            "does not exist, so the run cannot teach",
            allowed="a run with a best checkpoint",
            found="none",
            fix=f"segwright train --resume --run {run}",
        )
    return hashlib.sha256(path.read_bytes()).hexdigest()
