"""A trained network to a bundle: export, proof, one rename. What fails the proof is never called a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from torch import nn

from segwright.core import GateFailed, Image, Listener, silent
from segwright.data.codecs import write_image
from segwright.export.bundling import (
    WEIGHTS,
    BundleFacts,
    bundle_of,
    evidence_beside,
    file_beside,
    not_what_was_trained,
)
from segwright.export.onnx_export import OPSET, export_onnx
from segwright.export.parity import Disagreement, ParityFrame, ParityProof, Tolerance, parity
from segwright.infer.bundle import Bundle, Weights, file_hash, write_bundle
from segwright.infer.overlay import as_display
from segwright.infer.predictor import Predictor
from segwright.infer.runtimes.onnx_runtime import OnnxRuntime
from segwright.models import SegmentationNetwork

DIFFERENCE_COLOUR = (255, 0, 255)


def export_bundle(
    network: nn.Module,
    reference: Predictor,
    frames: Sequence[ParityFrame],
    to: Path,
    facts: BundleFacts,
    *,
    tolerance: Tolerance = Tolerance(),
    listener: Listener = silent,
) -> Bundle:
    """Write the bundle `to`: `network` (logits) as ONNX inside the pipeline of `reference`, proved equal on `frames`.

    `frames` may be any sequence; one that reads each frame when it is asked for keeps memory small.

    Raises:
        GateFailed: the exported pipeline differs by more than `tolerance`. Nothing is left at `to`; the proof and
            pictures of where it differs are in a folder beside it whose name ends in `.parity-failed`.
        ArtefactError: `to` exists or cannot be written, or the network cannot be written as ONNX.
    """
    stride_px = reference.runtime.stride_px
    with file_beside(to, listener) as weights:
        size = network.fixed_input if isinstance(network, SegmentationNetwork) else None
        export_onnx(network, weights, bands=len(reference.preprocessing.bands), stride_px=stride_px, size=size)
        exported = replace(reference, runtime=OnnxRuntime(weights, stride_px=stride_px))
        proof = parity(reference, exported, frames, tolerance, total=len(frames), listener=listener)
        if not proof.passed:
            raise _failed(proof, to)
        return write_bundle(_bundle(exported, weights, proof, facts, to), weights, to)


def _bundle(exported: Predictor, weights: Path, proof: ParityProof, facts: BundleFacts, to: Path) -> Bundle:
    """The bundle of a pipeline that passed its proof, not written yet."""
    runtime = exported.runtime
    file = Weights(WEIGHTS, "onnx", file_hash(weights), runtime.channels, runtime.stride_px, opset=OPSET)
    bundle = bundle_of(exported, file, proof.to_json(), facts, to)
    return replace(bundle, decision=exported.decision, cleanup=exported.cleanup)


def _failed(proof: ParityProof, to: Path) -> GateFailed:
    """Write the evidence beside `to` and return the error that points to it."""
    folder = evidence_beside(proof.to_json(), to)
    for rank, frame in enumerate(proof.worst, start=1):
        write_image(folder / f"{rank} {Path(frame.stem).name}.png", difference_picture(frame))
    return not_what_was_trained(to, _allowed(proof), proof.reasons, folder)


def _allowed(proof: ParityProof) -> str:
    limits = proof.tolerance
    shares = f"up to {limits.pixel_share:.2%} of all pixels, {limits.class_share:.2%} of a class"
    return f"{shares}, pooled IoU within {limits.score:.4f}"


def difference_picture(frame: Disagreement) -> Image:
    """The frame in grey with every pixel that differs in magenta, thickened by one pixel so that single ones show."""
    grey = as_display(frame.image).mean(axis=2, keepdims=True) * 0.6
    canvas = np.repeat(grey.astype(np.uint8), 3, axis=2)
    thick = cv2.dilate(frame.differs.astype(np.uint8), np.ones((3, 3), np.uint8))
    canvas[thick > 0] = DIFFERENCE_COLOUR
    return Image(canvas)
