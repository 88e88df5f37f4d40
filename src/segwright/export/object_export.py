"""A trained network of objects or segments to a bundle: one ONNX file, proof, one rename."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from torch import nn

from segwright.core import GateFailed, Listener, silent
from segwright.export.bundling import BundleFacts, bundle_of, evidence_beside, file_beside, not_what_was_trained
from segwright.export.object_parity import ObjectFrameOfProof, ObjectTolerance, object_parity
from segwright.export.object_weights import ObjectFile, write_object_file
from segwright.export.proof import Proof
from segwright.export.segment_parity import SegmentTolerance, segment_parity
from segwright.infer.bundle import Bundle, write_bundle
from segwright.infer.objects import ObjectPredictor, PanopticPredictor


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
    with _written(network, reference, to, listener) as file:
        exported = replace(reference, runtime=file.objects)
        proof = object_parity(reference, exported, frames, tolerance, total=len(frames), listener=listener)
        if not proof.passed:
            found = f"up to {tolerance.alone_share:.0%} of the objects, or {tolerance.few}, found by one only"
            raise _failed(proof, to, f"{found}; scores {tolerance.score}")
        weights = file.weights(len(exported.classes.foreground))
        bundle = replace(
            bundle_of(exported, weights, proof.to_json(), facts, to), objects=exported.decision, task="instance"
        )
        return write_bundle(bundle, file.path, to)


def export_segment_bundle(
    network: nn.Module,
    reference: PanopticPredictor,
    frames: Sequence[ObjectFrameOfProof],
    to: Path,
    facts: BundleFacts,
    *,
    tolerance: SegmentTolerance = SegmentTolerance(),
    listener: Listener = silent,
) -> Bundle:
    """The same of a panoptic network, proved to give the same segments; raises as `export_object_bundle`."""
    with _written(network, reference, to, listener) as file:
        exported = replace(reference, runtime=file.segments)
        proof = segment_parity(reference, exported, frames, tolerance, total=len(frames), listener=listener)
        if not proof.passed:
            found = f"up to {tolerance.alone_share:.0%} of the segments, or {tolerance.few}, given by one only"
            raise _failed(proof, to, f"{found}; {tolerance.pixel_share:.2%} of the pixels")
        weights = file.weights(len(exported.classes))
        bundle = replace(
            bundle_of(exported, weights, proof.to_json(), facts, to), segments=exported.decision, task="panoptic"
        )
        return write_bundle(bundle, file.path, to)


@contextmanager
def _written(
    network: nn.Module, reference: ObjectPredictor | PanopticPredictor, to: Path, listener: Listener
) -> Iterator[ObjectFile]:
    """The network's file beside `to`, which is new; it is gone afterwards."""
    bands, stride_px = len(reference.preprocessing.bands), reference.runtime.stride_px
    with file_beside(to, listener) as path:
        yield write_object_file(network, path, bands=bands, stride_px=stride_px)


def _failed(proof: Proof, to: Path, allowed: str) -> GateFailed:
    """Write the evidence beside `to` and return the error that points to it."""
    folder = evidence_beside(proof.to_json(), to)
    return not_what_was_trained(to, allowed, proof.reasons, folder / "parity.json")
