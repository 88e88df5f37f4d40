"""The batches of a run: this process's slots, from labelled frames and, for a teacher, from frames without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from segwright.core import ConfigError, Listener
from segwright.data import Dataset, Split
from segwright.train.crops import channels_apart
from segwright.train.feed import Batches, Feed
from segwright.train.frames import TrainingFrames
from segwright.train.processes import Processes
from segwright.train.sampling_plan import SamplingPlan
from segwright.train.settings import Plan
from segwright.train.unlabelled import MixedFeed, divided, unlabelled_frames


def feed_of(plan: Plan, dataset: Dataset, split: Split, processes: Processes, listener: Listener) -> Batches:
    """The batches of `plan`; threads and memory in it are a machine's, and its processes divide them.

    Raises:
        ConfigError: fewer crops in a batch than processes.
        DataError: frames that cannot be read; none is skipped.
    """
    sampling = shared_sampling(plan.sampling, processes)
    stems = split.parts["train"]
    folder = None if plan.distill is None else plan.distill.unlabelled
    if plan.distill is None or folder is None:
        return _feed(plan, sampling, (dataset, stems), processes.share(range(sampling.batch)), listener)
    slots, others = divided(sampling.batch, plan.distill.unlabelled_share)
    require_crops(len(others), processes)
    held_out = [stem for part, named in split.parts.items() if part != "train" for stem in named]
    hashes = dataset.only(held_out).image_hashes.values()
    unlabelled = unlabelled_frames(Path(folder), plan.classes, set(hashes), listener)
    half = replace(sampling, cache_gb=sampling.cache_gb / 2)
    all_of_them = tuple(frame.stem for frame in unlabelled.frames)
    return MixedFeed(
        _feed(plan, half, (dataset, stems), processes.share(slots), listener),
        _feed(plan, replace(half, rare_share=0.0), (unlabelled, all_of_them), processes.share(others), listener),
    )


def shared_sampling(plan: SamplingPlan, processes: Processes) -> SamplingPlan:
    """The plan with one process's part of the threads and memory, which are a machine's."""
    workers = max(1, plan.workers // processes.local_count)
    return replace(plan, workers=workers, cache_gb=plan.cache_gb / processes.local_count)


def require_crops(crops: int, processes: Processes) -> None:
    """Refuse a batch of which some process would get nothing.

    Raises:
        ConfigError: fewer crops than processes.
    """
    if processes.count > crops:
        raise ConfigError.of(
            "training.batch",
            "has fewer crops than there are processes",
            allowed=f"{processes.count} or more of each kind",
            found=str(crops),
            fix=f"training.batch={processes.count}, twice that with unlabelled frames, or fewer processes",
        )


def _feed(
    plan: Plan, sampling: SamplingPlan, source: tuple[Dataset, Sequence[str]], slots: Sequence[int], listener: Listener
) -> Feed:
    frames = TrainingFrames(*source, plan.preprocessing, sampling.cache_gb)
    frames.index(sampling.workers, listener, apart=channels_apart(plan.classes, sampling))
    return Feed(frames, plan.classes, sampling, plan.preprocessing, plan.optimiser.seed, slots)
