"""What the training loop needs to learn segments: the feed, and validation by panoptic quality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import nn

from segwright.core import ClassTable, Listener, silent
from segwright.data import Dataset
from segwright.evaluate.panoptic.predicted import DatasetSegments, predicted_row
from segwright.evaluate.panoptic.scores import score_panoptic_rows
from segwright.models.query import QUERY_NETWORKS
from segwright.train.feeds import shared_sampling
from segwright.train.objects.feed import ObjectFeed, Told
from segwright.train.objects.frames import ObjectFrames
from segwright.train.objects.segments import (
    panoptic_targets,
    read_segment_layers,
    segment_targets,
    stuff_of,
    table_channels,
    things_of,
)
from segwright.train.processes import ALONE, Processes
from segwright.train.run import panoptic_predictor
from segwright.train.settings import Plan


def segment_feed(
    plan: Plan, dataset: Dataset, stems: Sequence[str], listener: Listener = silent, processes: Processes = ALONE
) -> ObjectFeed:
    """The crops of a plan's training frames, which are read once here, as its network is told of them.

    Raises:
        DataError: frames that cannot be read, all of them.
    """
    assert plan.objects is not None
    sampling = shared_sampling(plan.sampling, processes)
    frames = ObjectFrames(dataset, stems, plan.preprocessing, sampling.cache_gb, read_segment_layers)
    frames.index(sampling.workers, listener)
    seed, told = plan.optimiser.seed, told_segments(plan.classes, queries=plan.network.network in QUERY_NETWORKS)
    slots = processes.share(range(sampling.batch))
    return ObjectFeed(frames, plan.classes, sampling, plan.preprocessing, seed, plan.objects, told, slots)


def told_segments(classes: ClassTable, *, queries: bool) -> Told:
    """Segments as a network of queries is told them, or one of regions."""
    things, stuff = things_of(classes), stuff_of(classes)
    names = tuple(spec.name for spec in (*things, *stuff))
    if queries:
        return Told(names, len(things), partial(segment_targets, channels=table_channels(classes)))
    return Told(names, len(things), partial(panoptic_targets, things=len(things), stuff=len(stuff)))


def segment_validator(
    plan: Plan, held_out: Dataset, processes: Processes = ALONE
) -> Callable[[nn.Module], dict[str, Any]]:
    """A function that scores a network on the held-out frames at their native size, by panoptic quality.

    Of several processes each looks at its share of the frames; their counts add up to the same scores for all.
    """
    truth = DatasetSegments.of(held_out)

    def validate(network: nn.Module) -> dict[str, Any]:
        predictor = panoptic_predictor(plan, network)
        own = [predicted_row(predictor, truth, stem) for stem in processes.share(truth.stems)]
        rows = [row for part in processes.gathered(own) for row in part]
        scores = score_panoptic_rows(rows, plan.classes)
        return {"scores": dict(scores.overall), "class_iou": {name: row["pq"] for name, row in scores.classes.items()}}

    return validate
