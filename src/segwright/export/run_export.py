"""A run to a bundle: which frames prove it, and what the bundle says of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np

from segwright.core import Listener, silent
from segwright.data import Dataset
from segwright.export.bundle_export import export_bundle
from segwright.export.bundling import BundleFacts
from segwright.export.object_export import export_object_bundle, export_segment_bundle
from segwright.export.object_parity import ObjectFrameOfProof
from segwright.export.parity import ParityFrame, Tolerance
from segwright.infer.bundle import Bundle, Lineage
from segwright.train.run import Run
from segwright.train.settings import Plan

# What a bundle keeps of evaluation.json; rows a frame and the confusion stay with the run.
KEPT_SCORES = ("images", "void_fraction", "scores", "classes", "collapsed", "by_domain")


def export_run(
    run: Run,
    to: Path,
    *,
    parity_frames: int = 8,
    tolerance: Tolerance = Tolerance(),
    listener: Listener = silent,
) -> Bundle:
    """Export the best weights of `run` to the new bundle `to`, proved on up to `parity_frames` held-out frames.

    Raises:
        GateFailed: the exported pipeline differs from the trained one; see `export_bundle`.
        ArtefactError: `to` exists, the run is not finished, or its network cannot be written as ONNX.
        DataError: the run's frames cannot be read any more.
    """
    frames = HeldOutFrames.of(run.dataset, run.split.stems(run.plan.validation.part), parity_frames)
    if run.plan.objects is not None:
        shown = [ObjectFrameOfProof(stem, run.dataset.read_image(run.dataset.frame(stem))) for stem in frames.stems]
        facts = facts_of(run, to)
        if run.plan.task == "panoptic":
            reference = run.panoptic_predictor("cpu")
            return export_segment_bundle(run.module(), reference, shown, to, facts, listener=listener)
        return export_object_bundle(run.module(), run.object_predictor("cpu"), shown, to, facts, listener=listener)
    reference = run.predictor("cpu")  # the proof must come out the same wherever it is made
    return export_bundle(run.module(), reference, frames, to, facts_of(run, to), tolerance=tolerance, listener=listener)


@dataclass(frozen=True)
class HeldOutFrames(Sequence[ParityFrame]):
    """Frames of a dataset as parity wants them, each read when it is asked for."""

    dataset: Dataset
    stems: tuple[str, ...]

    @staticmethod
    def of(dataset: Dataset, stems: Sequence[str], count: int) -> HeldOutFrames:
        """`count` of the stems, evenly spread, or all of them where there are fewer."""
        chosen = np.linspace(0, len(stems) - 1, min(count, len(stems))).round().astype(int)
        return HeldOutFrames(dataset, tuple(stems[int(index)] for index in chosen))

    def __len__(self) -> int:
        return len(self.stems)

    @overload
    def __getitem__(self, index: int) -> ParityFrame: ...
    @overload
    def __getitem__(self, index: slice) -> HeldOutFrames: ...
    def __getitem__(self, index: int | slice) -> ParityFrame | HeldOutFrames:
        if isinstance(index, slice):
            return HeldOutFrames(self.dataset, self.stems[index])
        frame = self.dataset.read(self.dataset.frame(self.stems[index]))
        return ParityFrame(self.stems[index], frame.image, frame.labels)

    def __iter__(self) -> Iterator[ParityFrame]:
        return (self[index] for index in range(len(self)))


def facts_of(run: Run, to: Path) -> BundleFacts:
    """What the bundle says of its run: hashes, seed, training in short, scores, alert settings."""
    plan = run.plan
    lineage = Lineage(
        run=run.path.name,
        plan_hash=run.plan_hash,
        dataset_hash=plan.data.dataset_hash,
        split_hash=plan.data.split_hash,
        seed=plan.optimiser.seed,
        train_frames=plan.data.train_frames or None,
        dataset_version=plan.data.store_version,
    )
    name = to.name.removesuffix(".bundle")
    scores = kept_scores(run.evaluation, plan.validation.part)
    return BundleFacts(name, lineage, plan.alerts, scores, training_of(plan))


def training_of(plan: Plan) -> dict[str, Any]:
    """The training in short, for the card."""
    return {
        "network": plan.network.network,
        "encoder": plan.network.encoder,
        "weights": plan.weights or "random",
        "crop_px": plan.sampling.crop,
        "batch": plan.sampling.batch,
        "steps": plan.optimiser.steps,
        "frames": dict(plan.data.part_frames),
        "split_by": plan.data.split_by or "frames, declared independent",
    }


def kept_scores(evaluation: Mapping[str, Any] | None, part: str) -> Mapping[str, Any] | None:
    """What a bundle keeps of an evaluation.json; None where there is none."""
    if evaluation is None:
        return None
    return {"part": part, **{key: evaluation[key] for key in KEPT_SCORES if key in evaluation}}
