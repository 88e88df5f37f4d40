"""A trained instance network to a bundle: four outputs in one ONNX file, proof, one rename."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import nn

from segwright.core import GateFailed, Listener, Note, Problem, silent
from segwright.export.bundle_export import WEIGHTS, BundleFacts
from segwright.export.object_parity import ObjectFrameOfProof, ObjectProof, ObjectTolerance, object_parity
from segwright.export.onnx_export import OPSET, export_objects_onnx
from segwright.infer.bundle import Bundle, Weights, file_hash, require_new, write_bundle
from segwright.infer.objects import ObjectPredictor
from segwright.infer.objects.candidates import MaskFrame
from segwright.infer.runtimes.onnx_runtime import OnnxObjectRuntime


def export_object_bundle(
    network: nn.Module,
    reference: ObjectPredictor,
    frames: Sequence[ObjectFrameOfProof],
    to: Path,
    facts: BundleFacts,
    *,
    tolerance: ObjectTolerance = ObjectTolerance(),
    listener: Listener = silent,
) -> Bundle:
    """Write the bundle `to`: an instance network as ONNX inside the pipeline of `reference`, proved equal on `frames`.

    Raises:
        GateFailed: the exported pipeline finds other objects than `tolerance` allows. Nothing is left at `to`; the
            proof is in a folder beside it whose name ends in `.parity-failed`.
        ArtefactError: `to` exists or cannot be written, or the network cannot be written as ONNX.
    """
    require_new(to)
    to.parent.mkdir(parents=True, exist_ok=True)
    stride_px = reference.runtime.stride_px
    mask_frame: MaskFrame = "box" if getattr(network, "mask_frame", None) == "box" else "image"
    with TemporaryDirectory(prefix=f".{to.name}.onnx.", dir=to.parent) as folder:
        weights = Path(folder) / WEIGHTS
        listener(Note("export", "writing the network as ONNX"))
        bands, example_px = len(reference.preprocessing.bands), network.example_px
        assert isinstance(example_px, int)
        export_objects_onnx(network, weights, bands=bands, stride_px=stride_px, example_px=example_px)
        runtime = OnnxObjectRuntime(weights, mask_frame=mask_frame, stride_px=stride_px)
        exported = replace(reference, runtime=runtime)
        proof = object_parity(reference, exported, frames, tolerance, total=len(frames), listener=listener)
        if not proof.passed:
            raise _failed(proof, to)
        return write_bundle(_bundle(exported, weights, mask_frame, proof, facts, to), weights, to)


def _bundle(
    exported: ObjectPredictor, weights: Path, mask_frame: MaskFrame, proof: ObjectProof, facts: BundleFacts, to: Path
) -> Bundle:
    """The bundle of a pipeline that passed its proof, not written yet."""
    channels, stride_px = len(exported.classes.foreground), exported.runtime.stride_px
    digest = file_hash(weights)
    file = Weights(WEIGHTS, "onnx", digest, channels, stride_px, opset=OPSET, mask_frame=mask_frame)
    return Bundle(
        path=to,
        name=facts.name,
        classes=exported.classes,
        preprocessing=exported.preprocessing,
        tiles=exported.tiles,
        weights=file,
        objects=exported.decision,
        lineage=facts.lineage,
        alerts=facts.alerts,
        scores=facts.scores,
        calibration=facts.calibration,
        parity=proof.to_json(),
        training=facts.training,
        task="instance",
    )


def _failed(proof: ObjectProof, to: Path) -> GateFailed:
    """Write the evidence beside `to` and return the error that points to it."""
    folder = to.with_name(f"{to.name.removesuffix('.bundle')}.parity-failed")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "parity.json").write_text(json.dumps(proof.to_json(), ensure_ascii=False, indent=1), encoding="utf-8")
    limits = proof.tolerance
    allowed = (
        f"up to {limits.alone_share:.0%} of the objects, or {limits.few}, found by one only; scores {limits.score}"
    )
    fix = f"look at {folder / 'parity.json'}; a wider tolerance is a decision for whoever relies on the bundle"
    return GateFailed(*(Problem(str(to), "is not what was trained", allowed, why, fix) for why in proof.reasons))
