"""What benchmarks/instance_accuracy.py compares: each recipe learns from the same split and finds objects in frames.

maskrcnn, yolact, solov2    segwright's plan as it comes, with the flips that nuclei allow
boxinst                     solov2 that is shown boxes, no masks
watershed                   segwright's semantic plan (U-Net) on the same crops; its regions cut at their necks
                            (distance transform), by the depth that scores best on the validation part
torchvision                 torchvision's MaskRCNN class, its anchors, the optimiser of its fine-tuning tutorial
torchvision-fitted          the same with anchors of the objects' size, AdamW and a schedule, as ours has them
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from instance_sets import project_of
from kept_runs import Task

from segwright.core import Image, Instance, InstanceSet, Listener
from segwright.data import Dataset
from segwright.data.splitting import split_touching
from segwright.evaluate import evaluate_instances
from segwright.evaluate.instances.from_dataset import dataset_content
from segwright.evaluate.instances.predicted import ranking
from segwright.infer.objects.results import coco_results
from segwright.project.read import validated
from segwright.train import execute, open_run, plan_project, start_run
from segwright.train.run import Run

OURS: dict[str, dict[str, Any]] = {
    "maskrcnn": {"network": "maskrcnn"},
    "solov2": {"network": "solov2"},
    "boxinst": {"network": "solov2", "options": {"learn_from": "boxes"}},
    "yolact": {"network": "yolact"},
}
DEPTHS_PX = (0.5, 1.0, 1.5, 2.0, 3.0)

Finder = Callable[[Image], InstanceSet]


def train_ours(task: Task, recipe: str, work: Path, listener: Listener) -> tuple[Finder, dict[str, Any]]:
    """Train by the plan, or go on where a stopped run was; the finder, and what the results say of the run."""
    run = _trained(project_of(task, "instance", OURS[recipe], {}, {}), work, listener)
    assert run.plan.objects is not None
    predictor = run.object_predictor("cpu")
    ranked = replace(predictor, decision=ranking(predictor.decision, run.plan.objects.scored_from))
    settings = run.plan.optimiser
    return lambda image: ranked.predict(image).objects, {
        "precision": settings.precision,
        "rate": settings.learning_rate,
    }


def train_watershed(task: Task, recipe: str, work: Path, listener: Listener) -> tuple[Finder, dict[str, Any]]:
    """Train the semantic plan; its answer is cut by the depth that is best on the validation part."""
    del recipe  # there is one
    run = _trained(project_of(task, "semantic", {}, {}, {}), work, listener)
    predictor = run.predictor("cpu")

    def seen(image: Image) -> Any:
        return predictor.predict(image, probabilities=True)

    validation = task.part("validation")
    answers = {frame.stem: seen(validation.read_image(frame)) for frame in validation.frames}
    truth = dataset_content(validation)
    scores = {depth: _ap({stem: _cut(each, depth) for stem, each in answers.items()}, truth) for depth in DEPTHS_PX}
    best = max(scores, key=lambda depth: scores[depth])
    said = {"precision": run.plan.optimiser.precision, "rate": run.plan.optimiser.learning_rate, "depth_px": best}
    return lambda image: _cut(seen(image), best), said


def scored(find: Finder, frames: Dataset) -> dict[str, float | None]:
    """Mask AP, AP50 and the best F1 at IoU 0.5 of what is found in the frames, by `segwright.evaluate`."""
    found = [row for frame in frames.frames for row in coco_results(find(frames.read_image(frame)), frame.stem)]
    evaluation = evaluate_instances(found, dataset_content(frames), kinds=("mask",))
    best = evaluation.details["best_f1"]["mask"]["f1"]
    return {"ap": evaluation.scores["mask_ap"], "ap50": evaluation.scores["mask_ap50"], "f1": best}


def _trained(settings: dict[str, Any], work: Path, listener: Listener) -> Run:
    folder = work / "run"
    if (folder / "plan.yaml").is_file():
        run, resume = open_run(folder), True
    else:
        plan, _, _ = plan_project(validated(settings, "benchmark"), Path(), listener)
        run, resume = start_run(plan, folder), False
    return execute(run, run.dataset, run.split, resume=resume, listener=listener)


def _cut(answer: Any, depth_px: float) -> InstanceSet:
    """The regions of a semantic answer as objects; the mean probability of its pixels is an object's score."""
    objects = split_touching(answer.label_map, depth_px).objects
    classes, chances = objects.classes, answer.probabilities.values
    channel = {class_id: at for at, class_id in enumerate(classes.ids)}

    def sure(one: Instance) -> float:
        return float(chances[channel[one.class_id]][one.box.slices][one.mask].mean())

    return InstanceSet(objects.size, tuple(replace(one, score=sure(one)) for one in objects), classes)


def _ap(found: dict[str, InstanceSet], truth: dict[str, Any]) -> float:
    rows: Sequence[dict[str, Any]] = [row for stem, objects in found.items() for row in coco_results(objects, stem)]
    return evaluate_instances(rows, truth, kinds=("mask",)).scores["mask_ap"] or 0.0
