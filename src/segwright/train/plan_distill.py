"""The teacher of a plan: which run, with which weights, and whether it can teach these classes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from segwright.core import ArtefactError, ClassTable, ConfigError
from segwright.project.schema import Project
from segwright.train.checkpoint import BEST
from segwright.train.plan_inputs import Reasons
from segwright.train.run import open_run
from segwright.train.settings import DistillPlan


def distill_plan(project: Project, classes: ClassTable, reasons: Reasons) -> DistillPlan | None:
    """What `training.distill_from` and the section `distill` say; None where there is no teacher.

    Raises:
        ArtefactError: no such run, or one without a best checkpoint.
        ConfigError: the run answers for other classes, or nothing of it is learned.
    """
    named, settings = project.training.distill_from, project.distill
    if named is None:
        return None
    run = open_run(named)
    if run.classes.content_hash != classes.content_hash:
        raise ConfigError.of(
            "training.distill_from",
            "names a teacher that answers for other classes",
            allowed=classes.describe(),
            found=run.classes.describe(),
            fix="train a teacher on this project first: segwright train",
        )
    if settings.logits == settings.features == 0:
        raise ConfigError.of(
            "distill",
            "has a teacher and listens to nothing of it",
            allowed="distill.logits or distill.features above 0",
            found="both 0",
            fix="distill.logits=1, or leave training.distill_from out",
        )
    reasons.texts["distill"] = f"segwright.yaml says so: {run.plan.network.encoder} of {run.path.name} teaches"
    return DistillPlan(teacher=str(run.path), teacher_hash=weights_hash(run.path), **settings.model_dump())


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
