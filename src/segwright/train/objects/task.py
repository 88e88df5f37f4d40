"""What the training loop needs to learn objects: feed, network, objective, validation; and how a run predicts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from segwright.core import Listener, Note, silent
from segwright.data import Dataset, Frame
from segwright.data.frame_objects import read_objects
from segwright.data.workers import in_threads
from segwright.evaluate import evaluate_instances
from segwright.evaluate.instances.from_dataset import coco_content
from segwright.evaluate.instances.predicted import ranking
from segwright.infer.objects import ObjectPredictor
from segwright.infer.objects.results import coco_results
from segwright.models.instance import InstanceNetwork, InstanceTargets
from segwright.models.panoptic import PanopticNetwork, PanopticTargets
from segwright.models.trainable import Trainable
from segwright.train.objective import Autocast
from segwright.train.objects.feed import ObjectFeed, Told
from segwright.train.objects.frames import ObjectFrames
from segwright.train.query_weights import load_weights_of
from segwright.train.run import object_predictor
from segwright.train.settings import Plan
from segwright.train.weight_report import WEIGHTS_FILE, write_report
from segwright.train.weights import folded_statistics

STATISTICS_CROPS = 16  # or a few more: whole batches
Targets = Sequence[InstanceTargets] | Sequence[PanopticTargets]


class OwnObjective:
    """The network's own loss of its targets: matching, masks, boxes, stuff, as its paper has them."""

    learned: None = None

    def __call__(
        self,
        network: nn.Module,
        frames: Tensor,
        target: Targets,
        autocast: Autocast,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        assert isinstance(network, InstanceNetwork | PanopticNetwork)
        with autocast():
            total, terms = cast("Any", network).loss(frames, target)
        return total.float(), {name: term.detach() for name, term in terms.items()}


def object_feed(
    plan: Plan, dataset: Dataset, stems: Sequence[str], listener: Listener = silent, told: Told | None = None
) -> ObjectFeed:
    """The crops of a plan's training frames, which are read once here; `told` as in `ObjectFeed`.

    Raises:
        DataError: frames that cannot be read, all of them.
    """
    assert plan.objects is not None
    frames = ObjectFrames(dataset, stems, plan.preprocessing, plan.sampling.cache_gb)
    frames.index(plan.sampling.workers, listener)
    return ObjectFeed(frames, plan.classes, plan.sampling, plan.preprocessing, plan.optimiser.seed, plan.objects, told)


def start_weights(
    network: Trainable, plan: Plan, feed: ObjectFeed, listener: Listener, folder: Path | None = None
) -> None:
    """Load the plan's pretrained weights into its network, and tell of them; without any they stay random.

    Batch norm that was folded into them gets its statistics from the first crops of `feed`: learning normalises by the
    batch, and without them would start from another network than the pretrained one. What was loaded into what is
    written into the run's `folder`, name by name, where one is given.
    """
    report = load_weights_of(network, plan)
    if report is None:
        listener(Note("training", f"{plan.network.encoder} from random: {plan.reasons.get('weights', '')}"))
        return
    if report.folded:
        batches = math.ceil(STATISTICS_CROPS / plan.sampling.batch)
        folded_statistics(network, torch.cat([feed.batch(step).frames for step in range(batches)]))
    said = str(report)
    if folder is not None:
        write_report(report, folder)
        said += f"; all names: {folder / WEIGHTS_FILE}"
    listener(Note("training", said))


def object_validator(plan: Plan, held_out: Dataset) -> Callable[[nn.Module], dict[str, Any]]:
    """A function that scores a network on the held-out frames at their native size, by mask AP."""
    assert plan.objects is not None
    rule = plan.objects
    truth: list[dict[str, Any]] = []  # read at the first round, and kept

    def validate(network: nn.Module) -> dict[str, Any]:
        frames = [frame for frame in held_out.frames if frame.mask is not None]
        if not truth:
            read = in_threads(lambda frame: (frame.stem, read_objects(held_out, frame)), frames)
            truth.append(coco_content(read, plan.classes))
        predictor = object_predictor(plan, network, ranking(rule.decision, rule.scored_from))
        results = [row for frame in frames for row in _found(predictor, held_out, frame)]
        evaluation = evaluate_instances(results, truth[0], kinds=("mask",))
        return {
            "scores": dict(evaluation.scores),
            "class_iou": {name: scores.get("mask_ap") for name, scores in evaluation.classes.items()},
        }

    return validate


def _found(predictor: ObjectPredictor, dataset: Dataset, frame: Frame) -> list[dict[str, Any]]:
    return coco_results(predictor.predict(dataset.read_image(frame)).objects, frame.stem)
