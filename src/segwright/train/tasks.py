"""What each task gives the training loop: a network, its batches, and who judges it."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, cast

import torch
from torch import nn

from segwright.core import Listener, Note, silent
from segwright.data import Dataset, Split
from segwright.evaluate import PredictedPairs
from segwright.evaluate.counts import Counts
from segwright.evaluate.evaluation import count_frames, summarise
from segwright.infer.predictor import Predictor
from segwright.infer.runtimes.torch_runtime import TorchRuntime
from segwright.models import NetworkSpec, SegmentationNetwork, build_network
from segwright.models.any_network import build_any
from segwright.models.query import QueryNetwork
from segwright.models.trainable import Trainable
from segwright.train.feed import Batches
from segwright.train.feeds import feed_of
from segwright.train.loop import Judges
from segwright.train.objective import Objective
from segwright.train.objects.feed import ObjectFeed, Told
from segwright.train.objects.segment_task import segment_feed, segment_validator
from segwright.train.objects.segments import segment_targets
from segwright.train.objects.task import OwnObjective, object_feed, object_validator, start_weights
from segwright.train.plan_inputs import InputNeeds
from segwright.train.processes import ALONE, Processes
from segwright.train.query_objective import QueryObjective, labels_objective
from segwright.train.query_weights import load_weights_of
from segwright.train.run import Run
from segwright.train.settings import Plan
from segwright.train.teaching import taught
from segwright.train.weight_report import WEIGHTS_FILE, write_report
from segwright.train.weights import folded_statistics

STATISTICS_BATCHES = 2


@dataclass(frozen=True)
class Given:
    """A run with its data, the process it is trained by, and on what; `resume`: a checkpoint gives every weight."""

    run: Run
    dataset: Dataset
    split: Split
    processes: Processes
    device: torch.device
    resume: bool
    listener: Listener


Prepared = tuple[Trainable, Batches, Judges]


def _semantic(given: Given) -> Prepared:
    plan, listener = given.run.plan, given.listener
    feed = feed_of(plan, given.dataset, given.split, given.processes, listener)
    # A checkpoint replaces every weight: pretrained ones need not be there, or reachable, a second time.
    spec = cast("NetworkSpec", plan.network)
    network = build_network(spec) if given.resume else _network(plan, feed, given)
    labels = labels_objective(network, plan.loss, listener, per_crop=feed.hard is not None)
    objective = taught(plan, network, given.device, labels, listener)
    held_out = given.dataset.only(given.split.parts[plan.validation.part])
    return network, feed, Judges(objective, validator(plan, held_out, given.processes))


def _instance(given: Given) -> Prepared:
    plan = given.run.plan
    network = build_any(plan.network)
    told = Told.objects(plan.classes, segment_targets) if isinstance(network, QueryNetwork) else None
    feed = object_feed(plan, given.dataset, given.split.parts["train"], given.listener, told, given.processes)
    _start(network, feed, given)
    validate = object_validator(plan, _held_out(given), given.processes)
    return network, feed, Judges(_own_objective(network), validate, class_score="mask_ap")


def _panoptic(given: Given) -> Prepared:
    plan = given.run.plan
    network = build_any(plan.network)
    feed = segment_feed(plan, given.dataset, given.split.parts["train"], given.listener, given.processes)
    _start(network, feed, given)
    validate = segment_validator(plan, _held_out(given), given.processes)
    return network, feed, Judges(_own_objective(network), validate, class_score="pq")


def _start(network: Trainable, feed: ObjectFeed, given: Given) -> None:
    """Pretrained weights into a network that is not gone on with; the first process writes what was taken."""
    if not given.resume:
        folder = given.run.path if given.processes.is_first else None
        start_weights(network, given.run.plan, feed, given.listener, folder)


def _own_objective(network: Trainable) -> Objective:
    """The loss of the network's own paper."""
    return QueryObjective.of(network.options) if isinstance(network, QueryNetwork) else OwnObjective()


def _held_out(given: Given) -> Dataset:
    """The frames that choose the checkpoint."""
    return given.dataset.only(given.split.parts[given.run.plan.validation.part])


# task -> what it gives the training loop
PREPARED: dict[str, Callable[[Given], Prepared]] = {
    "semantic": _semantic,
    "instance": _instance,
    "panoptic": _panoptic,
}


def make_feed(plan: Plan, dataset: Dataset, split: Split, listener: Listener = silent) -> Batches:
    """The batches of the split's training frames: what training and its preview see; raises as `feed_of`."""
    return feed_of(plan, dataset, split, ALONE, listener)


def validator(plan: Plan, held_out: Dataset, processes: Processes = ALONE) -> Callable[[nn.Module], dict[str, Any]]:
    """A function that scores a network on the held-out frames at their native size, by largest probability.

    Of several processes each looks at its share of the frames; their counts add up to the same scores for all.
    """
    share = (
        held_out if processes.count == 1 else held_out.only(frame.stem for frame in processes.share(held_out.frames))
    )

    def validate(network: nn.Module) -> dict[str, Any]:
        counts = _count(plan, network, share)
        evaluation = summarise(reduce(operator.add, processes.gathered(counts)))
        ious = {name: scores["iou"] for name, scores in evaluation.classes.items()}
        return {"scores": dict(evaluation.scores), "class_iou": ious}

    return validate


def _count(plan: Plan, network: nn.Module, frames: Dataset) -> Counts:
    precision = "bfloat16" if plan.optimiser.precision == "bf16" else "float32"  # fp16: a machine without bf16
    stride = InputNeeds.of(network).stride_px
    runtime = TorchRuntime(network, channels=len(plan.classes), stride_px=stride, precision=precision)
    predictor = Predictor(runtime, plan.classes, plan.preprocessing, plan.tiles)
    return count_frames(PredictedPairs(predictor, frames), plan.classes, boundary_px=())


def _network(plan: Plan, feed: Batches, given: Given) -> SegmentationNetwork:
    network = build_network(cast("NetworkSpec", plan.network))
    counts = [plan.fingerprint["classes"][name]["pixels"] for name in plan.classes.names]
    network.expect([count / max(1, sum(counts)) for count in counts])
    report = load_weights_of(network, plan)
    if report is None:
        why = plan.reasons.get("weights", "")
        given.listener(Note("training", f"{plan.network.encoder} from random: {why}"))
        return network
    if report.folded:
        crops = torch.cat([feed.batch(number, plan.sampling.crop).frames for number in range(STATISTICS_BATCHES)])
        folded_statistics(network, crops)
    if given.processes.is_first:
        write_report(report, given.run.path)
    complete = bool(report.missing or report.unexpected or report.misfits)
    text = f"{report}; all names: {given.run.path / WEIGHTS_FILE}" if complete else str(report)
    given.listener(Note("training", text))
    return network
