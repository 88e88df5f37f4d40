"""The objective of a plan: its loss against the labels, and a teacher beside them where it names one."""

from __future__ import annotations

from pathlib import Path

import torch

from segwright.core import ArtefactError
from segwright.models import SegmentationNetwork
from segwright.train.distillation import DistillObjective, Teacher, feature_match
from segwright.train.objective import Objective, SemanticObjective
from segwright.train.plan_distill import weights_hash
from segwright.train.run import open_run
from segwright.train.settings import Plan


def objective_of(plan: Plan, network: SegmentationNetwork, device: torch.device) -> Objective:
    """What `network` learns from, on `device`.

    Raises:
        ArtefactError: the teacher's run is gone, or has other weights than when the plan was made.
        ConfigError: a teacher that cannot teach this network.
    """
    labels = SemanticObjective.of(plan.loss)
    if plan.distill is None:
        return labels
    run = open_run(plan.distill.teacher)
    found = weights_hash(Path(plan.distill.teacher))
    if found != plan.distill.teacher_hash:
        raise ArtefactError.of(
            str(run.path),
            "has other weights than when it was chosen as the teacher",
            allowed=plan.distill.teacher_hash[:12],
            found=found[:12],
            fix="put its checkpoint back, or start a new run with `segwright train`",
        )
    teacher = Teacher.of(run.module(), run.plan.preprocessing, plan.preprocessing, device)
    learned = feature_match(network, teacher.network) if plan.distill.features > 0 else None
    return DistillObjective(labels, teacher, plan.distill, learned)
