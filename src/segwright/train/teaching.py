"""The objective of a plan: its loss against the labels, and a teacher beside them where it names one."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from segwright.core import ArtefactError, ConfigError, Listener, Note, silent
from segwright.models import SegmentationNetwork
from segwright.train.distillation import DistillObjective, Teacher, feature_match
from segwright.train.objective import Objective, SemanticObjective
from segwright.train.plan_distill import weights_hash
from segwright.train.run import open_run
from segwright.train.settings import Plan


def taught(
    plan: Plan,
    network: SegmentationNetwork,
    device: torch.device,
    labels: Objective,
    listener: Listener = silent,
) -> Objective:
    """What `network` learns from, on `device`: its `labels`, and a teacher where the plan names one.

    Raises:
        ArtefactError: the teacher's run is gone, or has other weights than when the plan was made.
        ConfigError: a teacher that cannot teach this network.
    """
    if plan.distill is None:
        return labels
    if not isinstance(labels, SemanticObjective):
        raise ConfigError.of(
            "training.distill_from",
            f"teaches by logits, and {plan.network.network} learns from queries",
            allowed="a student that gives a class for every pixel, such as unet",
            found=plan.network.network,
            fix="choose another --student, or leave training.distill_from out",
        )
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
    teaching = run.module()
    _warn_of_size(network, teaching, listener)
    teacher = Teacher.of(teaching, run.plan.preprocessing, plan.preprocessing, device)
    learned = feature_match(network, teacher.network) if plan.distill.features > 0 else None
    return DistillObjective(labels, teacher, plan.distill, learned)


def _warn_of_size(student: nn.Module, teacher: nn.Module, listener: Listener) -> None:
    """Say where the student is not smaller than its teacher: then nothing is won on the line."""
    mine, theirs = (sum(weight.numel() for weight in network.parameters()) for network in (student, teacher))
    if mine >= theirs:
        text = (
            f"the student has {mine / 1e6:.2f} M parameters and its teacher {theirs / 1e6:.2f} M: nothing is won by "
            "it; choose a smaller one, such as --student model.encoder=mobilenetv2_100"
        )
        listener(Note("distill", text, "warning"))
