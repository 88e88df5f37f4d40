"""What every export does around its network: a place for the file, the bundle, the evidence of a failed proof."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from segwright.core import GateFailed, Listener, Note, Problem
from segwright.infer.bundle import Bundle, Lineage, Weights, require_new
from segwright.infer.objects import ObjectPredictor, PanopticPredictor
from segwright.infer.predictor import Predictor

WEIGHTS = "model.onnx"


@dataclass(frozen=True)
class BundleFacts:
    """What a bundle says beyond its pipeline: where it comes from, how it scored, when it alerts."""

    name: str
    lineage: Lineage = field(default_factory=Lineage)
    alerts: Mapping[str, Any] | None = None
    scores: Mapping[str, Any] | None = None
    training: Mapping[str, Any] | None = None
    calibration: Mapping[str, Any] | None = None
    cleanup_choice: Mapping[str, Any] | None = None


@contextmanager
def file_beside(to: Path, listener: Listener) -> Iterator[Path]:
    """Where the network's file is written, beside the bundle `to`, which is new; it is gone afterwards.

    Raises:
        ArtefactError: `to` exists.
    """
    require_new(to)
    to.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{to.name}.onnx.", dir=to.parent) as folder:
        listener(Note("export", "writing the network as ONNX"))
        yield Path(folder) / WEIGHTS


def bundle_of(
    exported: Predictor | ObjectPredictor | PanopticPredictor,
    weights: Weights,
    proof: Mapping[str, Any],
    facts: BundleFacts,
    to: Path,
) -> Bundle:
    """The bundle of a pipeline that passed its proof, not written yet; how it decides is the task's to add."""
    return Bundle(
        path=to,
        name=facts.name,
        classes=exported.classes,
        preprocessing=exported.preprocessing,
        tiles=exported.tiles,
        weights=weights,
        lineage=facts.lineage,
        alerts=facts.alerts,
        scores=facts.scores,
        calibration=facts.calibration,
        parity=proof,
        training=facts.training,
        cleanup_choice=facts.cleanup_choice,
    )


def evidence_beside(proof: Mapping[str, Any], to: Path) -> Path:
    """A new folder beside `to`, in place of an older one, with the proof that failed."""
    folder = to.with_name(f"{to.name.removesuffix('.bundle')}.parity-failed")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "parity.json").write_text(json.dumps(proof, ensure_ascii=False, indent=1), encoding="utf-8")
    return folder


def not_what_was_trained(to: Path, allowed: str, reasons: Sequence[str], look_at: Path) -> GateFailed:
    """The error of a proof that failed for `reasons`, with where to look."""
    fix = f"look at {look_at}; a wider tolerance is a decision for whoever relies on the bundle"
    return GateFailed(*(Problem(str(to), "is not what was trained", allowed, why, fix) for why in reasons))
