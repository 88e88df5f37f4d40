"""Can a network learn twenty crops by heart? The plan's network and rates, no augmentation, the same crops scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from instance_recipes import OURS
from instance_sets import Task
from torch import nn

from segwright.core import ClassTable, InstanceSet, Listener, Note, Size, instance_from_mask
from segwright.evaluate import evaluate_instances
from segwright.evaluate.instances.from_dataset import coco_content
from segwright.evaluate.instances.predicted import ranking
from segwright.infer.objects.decision import objects_of
from segwright.infer.objects.results import coco_results
from segwright.infer.runtimes.torch_runtime import TorchObjectRuntime
from segwright.models.instance import InstanceTargets, build_instance_network
from segwright.project.read import validated
from segwright.train import plan_project
from segwright.train.objects.task import object_feed, start_weights
from segwright.train.transfer import freeze, parameter_groups

CROPS = 20
NETWORKS = ("maskrcnn", "solov2", "yolact")
AS_THEY_ARE = {"colour": 0.0, "rotate_degrees": 0.0, "scale": [1.0, 1.0], "valid_flips": []}


def overfit(task: Task, recipe: str, listener: Listener) -> tuple[dict[str, Any], dict[str, Any]]:
    """AP and AP50 on the crops that were learned, and what the results say of the run."""
    settings = task.project("instance", OURS[recipe], {}, AS_THEY_ARE)
    plan, dataset, split = plan_project(validated(settings, "benchmark"), Path(), listener)
    feed = object_feed(plan, dataset, split.stems("train"), listener)
    torch.manual_seed(task.seed)
    network = build_instance_network(plan.network)  # type: ignore[arg-type]
    start_weights(network, plan, feed, listener)
    batches = [feed.batch(step) for step in range(-(-CROPS // task.batch))]
    frames = torch.cat([batch.frames for batch in batches])[:CROPS]
    targets: list[InstanceTargets] = [target for batch in batches for target in batch.target][:CROPS]
    rates = plan.optimiser
    groups = parameter_groups(
        network,
        learning_rate=rates.learning_rate,
        encoder_learning_rate=rates.encoder_learning_rate,
        weight_decay=0.0,
    )
    optimiser = torch.optim.AdamW(groups)
    order = np.random.default_rng(task.seed)
    network.train()
    freeze(network, 0, batch_norm=rates.freeze_batch_norm)
    for step in range(task.steps):
        chosen = order.choice(len(targets), task.batch, replace=False)
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * rates.rate_factor(step)
        with torch.autocast("cpu", torch.bfloat16, enabled=rates.precision == "bf16"):
            loss, _ = network.loss(frames[chosen], [targets[at] for at in chosen])  # type: ignore[operator]
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), rates.clip_gradient)
        optimiser.step()
        if (step + 1) % 50 == 0:
            listener(Note(recipe, f"step {step + 1}: loss {float(loss.detach()):.3f}"))
    scores = _scores(network.eval(), frames, targets, plan)
    return scores, {"precision": rates.precision, "rate": rates.learning_rate, "objects": sum(map(len, targets))}


def _scores(network: nn.Module, frames: torch.Tensor, targets: list[InstanceTargets], plan: Any) -> dict[str, Any]:
    decision = ranking(plan.objects.decision, plan.objects.scored_from)
    runtime, size = TorchObjectRuntime(network), Size(*frames.shape[2:])
    found: list[dict[str, Any]] = []
    for number, frame in enumerate(frames):
        objects = objects_of(runtime(frame[None].numpy())[0], decision, plan.classes)
        found += coco_results(InstanceSet(size, tuple(objects), plan.classes), str(number))
    truth = coco_content(
        ((str(number), _objects(target, size, plan.classes)) for number, target in enumerate(targets)), plan.classes
    )
    scores = evaluate_instances(found, truth, kinds=("mask",)).scores
    return {"crops": {"ap": scores["mask_ap"], "ap50": scores["mask_ap50"]}}


def _objects(target: InstanceTargets, size: Size, classes: ClassTable) -> InstanceSet:
    """The objects of a crop; what is ignored there is void."""
    assert target.masks is not None
    things = [
        instance_from_mask(mask.numpy().astype(bool), classes.foreground[int(channel)].class_id)
        for mask, channel in zip(target.masks, target.channels, strict=True)
    ]
    return InstanceSet(size, tuple(one for one in things if one is not None), classes, target.ignored.numpy())
