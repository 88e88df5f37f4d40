"""What the training loop needs to learn objects: feed, network, objective, validation; and how a run predicts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

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
from segwright.models.instance import InstanceTargets
from segwright.models.panoptic import PanopticTargets
from segwright.models.trainable import Trainable
from segwright.train.called import own_loss
from segwright.train.feeds import shared_sampling
from segwright.train.objective import Autocast
from segwright.train.objects.feed import ObjectFeed, Told
from segwright.train.objects.frames import ObjectFrames
from segwright.train.processes import ALONE, Processes
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
        with autocast():
            total, terms = own_loss(network, frames, target)
        return total.float(), {name: term.detach() for name, term in terms.items()}


def object_feed(
    plan: Plan,
    dataset: Dataset,
    stems: Sequence[str],
    listener: Listener = silent,
    told: Told | None = None,
    processes: Processes = ALONE,
) -> ObjectFeed:
    """The crops of a plan's training frames, which are read once here; `told` as in `ObjectFeed`.

    Threads and memory in the plan are a machine's, and its processes divide them.

    Raises:
        DataError: frames that cannot be read, all of them.
    """
    assert plan.objects is not None
    sampling = shared_sampling(plan.sampling, processes)
    frames = ObjectFrames(dataset, stems, plan.preprocessing, sampling.cache_gb)
    frames.index(sampling.workers, listener)
    slots, seed = processes.share(range(sampling.batch)), plan.optimiser.seed
    return ObjectFeed(frames, plan.classes, sampling, plan.preprocessing, seed, plan.objects, told, slots)


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


def object_validator(
    plan: Plan, held_out: Dataset, processes: Processes = ALONE
) -> Callable[[nn.Module], dict[str, Any]]:
    """A function that scores a network on the held-out frames at their native size, by mask AP.

    Of several processes each looks at its share of the frames; the first one scores what all have found.
    """
    assert plan.objects is not None
    rule = plan.objects
    truth: list[dict[str, Any]] = []  # read at the first round, and kept

    def validate(network: nn.Module) -> dict[str, Any]:
        frames = [frame for frame in held_out.frames if frame.mask is not None]
        if not truth and processes.is_first:
            read = in_threads(lambda frame: (frame.stem, read_objects(held_out, frame)), frames)
            truth.append(coco_content(read, plan.classes))
        predictor = object_predictor(plan, network, ranking(rule.decision, rule.scored_from))
        own = [row for frame in processes.share(frames) for row in _found(predictor, held_out, frame)]
        results = [row for part in processes.gathered(own) for row in part]
        return processes.from_first(_scored(results, truth[0]) if processes.is_first else None)

    return validate


def _scored(results: list[dict[str, Any]], truth: dict[str, Any]) -> dict[str, Any]:
    evaluation = evaluate_instances(results, truth, kinds=("mask",))
    by_class = {name: scores.get("mask_ap") for name, scores in evaluation.classes.items()}
    return {"scores": dict(evaluation.scores), "class_iou": by_class}


def _found(predictor: ObjectPredictor, dataset: Dataset, frame: Frame) -> list[dict[str, Any]]:
    return coco_results(predictor.predict(dataset.read_image(frame)).objects, frame.stem)
