"""The runs of all folds to one bundle: their networks in one ONNX file, probabilities averaged, proved as any other."""

from __future__ import annotations

from pathlib import Path

from segwright.core import ArtefactError, ConfigError, Listener, silent
from segwright.core.errors import few
from segwright.export.bundle_export import export_bundle
from segwright.export.bundling import BundleFacts
from segwright.export.parity import Tolerance
from segwright.export.run_export import HeldOutFrames, kept_scores, training_of
from segwright.infer.bundle import Bundle, Lineage
from segwright.train.folds import FoldRuns, require_finished


def export_folds(
    folds: FoldRuns,
    to: Path,
    *,
    parity_frames: int = 8,
    tolerance: Tolerance = Tolerance(),
    listener: Listener = silent,
) -> Bundle:
    """Export the ensemble of `folds` with the cleanup chosen on them to the new bundle `to`.

    The proof is made on frames of the part `test` where there is one, else on frames of every fold.

    Raises:
        GateFailed: the exported pipeline differs from the trained one; see `export_bundle`.
        ArtefactError: `to` exists, a fold is not finished, or was not scored with the others.
        ConfigError: folds that find objects or segments.
    """
    _require_classes(folds)
    require_finished(folds)
    if folds.cleanup_choice is None or folds.evaluation is None:
        raise ArtefactError.of(
            str(folds.path), "was not scored yet", allowed="evaluation.json and cleanup.json over all folds",
            found="an interrupted cross-validation",
            fix="segwright train --folds again: finished folds are kept",
        )  # fmt: skip
    stems = folds.runs[0].split.parts.get("test") or _across(folds)
    frames = HeldOutFrames.of(folds.runs[0].dataset, stems, parity_frames)
    reference = folds.predictor("cpu")
    facts = facts_of_folds(folds, to)
    return export_bundle(folds.module(), reference, frames, to, facts, tolerance=tolerance, listener=listener)


def _require_classes(folds: FoldRuns) -> None:
    """Refuse folds that find objects: probabilities of a pixel have a mean, objects of two networks have none."""
    if folds.plan.objects is None:
        return
    runs = [str(folds.path.parent / run.path.name) for run in folds.runs]
    raise ConfigError.of(
        str(folds.path),
        "cannot be averaged: nobody says which object of one network is which of another",
        allowed="the folds of task semantic, or one run: " + few(runs),
        found=f"folds of task {folds.plan.task}",
        fix=f"segwright export {runs[0]}, or train one on more frames: segwright train, with a split without folds",
    )


def facts_of_folds(folds: FoldRuns, to: Path) -> BundleFacts:
    """What the bundle says of its folds; every frame of any training part counts as trained on."""
    data = folds.plan.data
    seen = {frame for run in folds.runs for frame in run.plan.data.train_frames.split()}
    lineage = Lineage(
        run=folds.path.name,
        plan_hash=folds.hash,
        dataset_hash=data.dataset_hash,
        seed=folds.plan.optimiser.seed,
        train_frames=" ".join(sorted(seen)) or None,
        dataset_version=data.store_version,
    )
    training = {
        **training_of(folds.plan),
        "networks": f"{len(folds.runs)}, one a fold; their probabilities are averaged",
        "frames": {f"fold {run.plan.data.fold}": dict(run.plan.data.part_frames) for run in folds.runs},
    }
    part = f"out of fold: {len(folds.runs)} folds, each frame by the one network that had not seen it"
    scores = kept_scores(folds.evaluation, part)
    name = to.name.removesuffix(".bundle")
    return BundleFacts(name, lineage, folds.plan.alerts, scores, training, cleanup_choice=folds.cleanup_choice)


def _across(folds: FoldRuns) -> tuple[str, ...]:
    """The validation frames of all folds, so that an even pick has some of each."""
    return tuple(stem for run in folds.runs for stem in run.split.stems(run.plan.validation.part))
