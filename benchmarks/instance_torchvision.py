"""torchvision's Mask R-CNN as a rival in benchmarks/instance_accuracy.py: its class, its losses, its decisions.

What is ours in it, because nothing of torchvision's could be used here and said so in the table: the timm encoder with
the same weights (batch norm held, as torchvision holds its own), and crops that are cut by segwright's feed, uniformly,
with nothing but flips. Two of its defaults would not end on a CPU: it enlarges every input to 800 px (frames keep their
size here), and looks at 512 regions a crop (as many as ours looks at here).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from instance_recipes import Finder
from instance_sets import Task
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from segwright.core import Image, InstanceSet, Listener, Note, instance_from_mask
from segwright.infer.preprocess import Preprocessing
from segwright.models.encoder import Encoder
from segwright.models.folded import load_folded, unfold_batch_norm
from segwright.models.instance import InstanceTargets
from segwright.project.read import validated
from segwright.train import Plan, plan_project
from segwright.train.objects.task import STATISTICS_CROPS, object_feed
from segwright.train.weights import folded_layers

# crops as a plain recipe cuts them: anywhere, as they are
UNIFORM = {"rare_crops": 0.0}
AS_THEY_ARE = {"colour": 0.0, "rotate_degrees": 0.0, "scale": [1.0, 1.0]}
TUTORIAL_RATE, TUTORIAL_MOMENTUM, TUTORIAL_DECAY = 0.005, 0.9, 0.0005  # torchvision's object detection tutorial
TUTORIAL_WARM_UP = 1 / 20  # of the steps; there: the first of ten epochs, from a thousandth of the rate
MASK_CUT = 0.5


def train_torchvision(task: Task, recipe: str, work: Path, listener: Listener) -> tuple[Finder, dict[str, Any]]:
    """Train torchvision's network for the task's steps; the finder, and what the results say of the run."""
    del work  # not resumed within a run
    fitted = recipe == "torchvision-fitted"
    settings = task.project("instance", {"network": "maskrcnn"}, UNIFORM, AS_THEY_ARE)
    plan, dataset, split = plan_project(validated(settings, "benchmark"), Path(), listener)
    feed = object_feed(plan, dataset, split.stems("train"), listener)
    torch.manual_seed(task.seed)
    crops = torch.cat([feed.batch(step).frames for step in range(-(-STATISTICS_CROPS // task.batch))])
    network = _network(plan, crops, task.weights, fitted=fitted)
    optimiser, rate = _optimiser(network, plan, fitted=fitted)
    for batch in feed.batches(0, task.steps):
        factor = _factor(batch.step, plan, fitted=fitted)
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * factor
        network.transform.min_size, network.transform.max_size = (task.crop,), task.crop  # type: ignore[assignment]
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.optimiser.precision == "bf16"):
            terms = network(list(batch.frames), [_told(target) for target in batch.target])
        loss = torch.stack(list(terms.values())).sum()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), plan.optimiser.clip_gradient)
        optimiser.step()
        if (batch.step + 1) % max(1, task.steps // 5) == 0:
            listener(Note(recipe, f"step {batch.step + 1}: loss {float(loss.detach()):.3f}"))
    network.eval()
    return lambda image: _found(network, image, plan), {"precision": plan.optimiser.precision, "rate": rate}


class _Backbone(nn.Module):
    """The encoder under torchvision's pyramid, as its detectors want it: named levels, finest first."""

    def __init__(self, plan: Plan, width: int) -> None:
        super().__init__()
        self.encoder = Encoder(plan.network.encoder, plan.network.bands)
        self.fpn = FeaturePyramidNetwork(list(self.encoder.widths[1:]), width, extra_blocks=LastLevelMaxPool())
        self.out_channels = width

    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        levels = self.encoder(frames)[1:]
        return self.fpn(OrderedDict((str(number), level) for number, level in enumerate(levels)))


def _network(plan: Plan, crops: Tensor, weights: Path, *, fitted: bool) -> MaskRCNN:
    options: Any = plan.network.options  # type: ignore[union-attr]
    backbone = _Backbone(plan, plan.network.width)  # type: ignore[union-attr]
    load_folded(backbone.encoder.backbone, folded_layers(weights))
    with torch.no_grad():
        unfold_batch_norm(backbone.encoder.backbone, crops)
    own = {}
    if fitted:
        sizes = tuple((size,) for size in options.anchor_sizes_px)
        own["rpn_anchor_generator"] = AnchorGenerator(sizes, (options.aspect_ratios,) * len(sizes))
    network = MaskRCNN(
        backbone,
        1 + plan.network.channels,  # type: ignore[union-attr]
        image_mean=[0.0] * 3,  # crops come normalised
        image_std=[1.0] * 3,
        box_batch_size_per_image=options.regions_to_train,
        **own,
    ).train()
    for layer in backbone.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()
    return network


def _optimiser(network: nn.Module, plan: Plan, *, fitted: bool) -> tuple[torch.optim.Optimizer, float]:
    if not fitted:
        optimiser = torch.optim.SGD(
            network.parameters(), lr=TUTORIAL_RATE, momentum=TUTORIAL_MOMENTUM, weight_decay=TUTORIAL_DECAY
        )
        optimiser.param_groups[0]["peak"] = TUTORIAL_RATE
        return optimiser, TUTORIAL_RATE
    settings = plan.optimiser
    encoder = [value for name, value in network.named_parameters() if "encoder" in name]
    others = [value for name, value in network.named_parameters() if "encoder" not in name]
    groups = [
        {"params": encoder, "peak": settings.encoder_learning_rate},
        {"params": others, "peak": settings.learning_rate},
    ]
    rate = settings.learning_rate
    return torch.optim.AdamW(groups, lr=rate, weight_decay=settings.weight_decay), rate


def _factor(step: int, plan: Plan, *, fitted: bool) -> float:
    settings = plan.optimiser
    if fitted:
        return settings.rate_factor(step)
    return min(1.0, (step + 1) / max(1.0, settings.steps * TUTORIAL_WARM_UP))


def _told(target: InstanceTargets) -> dict[str, Tensor]:
    assert target.masks is not None
    return {"boxes": target.boxes, "labels": target.channels + 1, "masks": target.masks.to(torch.uint8)}


@torch.inference_mode()
def _found(network: MaskRCNN, image: Image, plan: Plan) -> InstanceSet:
    """The objects of a whole frame at its own size, in float32."""
    pixels = _normalised(image, plan.preprocessing)
    network.transform.min_size, network.transform.max_size = (min(pixels.shape[1:]),), max(pixels.shape[1:])  # type: ignore[assignment]
    answer = network([pixels])[0]
    rows: Sequence[tuple[Tensor, Tensor, Tensor]] = list(
        zip(answer["masks"], answer["labels"], answer["scores"], strict=True)
    )
    objects = []
    for mask, label, score in rows:
        shown = mask[0].numpy() > MASK_CUT
        if shown.any():
            class_id = plan.classes.foreground[int(label) - 1].class_id
            objects.append(instance_from_mask(shown, class_id, score=float(score)))
    return InstanceSet(image.size, tuple(objects), plan.classes)


def _normalised(image: Image, preprocessing: Preprocessing) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(preprocessing.apply(image)))
