"""The proof of segments: what counts as the same, and what fails."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segwright.core import ConfigError, GateFailed
from segwright.export.object_export import _failed
from segwright.export.object_parity import ObjectFrameOfProof
from segwright.export.segment_parity import SegmentTolerance, segment_parity
from segwright.infer.objects import Queries
from tests.infer.objects.test_panoptic_predictor import Batch, frame, predictor, queries


def shifted(pixels: Batch) -> Queries:
    """What `queries` says, a few columns to the right."""
    found = queries(pixels)
    return Queries(found.class_logits, np.roll(found.mask_logits, 12, axis=2), found.input_px)


FRAMES = [ObjectFrameOfProof("a", frame()), ObjectFrameOfProof("b", frame(61, 83))]


def test_parity__a_pipeline_agrees_with_itself() -> None:
    proof = segment_parity(predictor(queries), predictor(queries), FRAMES, total=2)
    assert (proof.passed, proof.segments, proof.alone, proof.smallest_iou, proof.pixel_share) == (True, 8, 0, 1.0, 0.0)
    assert proof.worst == ()


def test_parity__segments_elsewhere_are_told_by_number_and_pixels(tmp_path: Path) -> None:
    proof = segment_parity(predictor(queries), predictor(shifted), FRAMES, SegmentTolerance(few=1))
    assert not proof.passed
    assert proof.alone > 4
    assert proof.pixel_share > 0.05
    assert len(proof.reasons) == 2
    with pytest.raises(GateFailed, match="segments are given by one pipeline only"):
        raise _failed(proof, tmp_path / "one.bundle", "nothing")
    written = json.loads((tmp_path / "one.parity-failed" / "parity.json").read_text())
    assert written["worst"] == list(proof.worst) != []


def test_parity__without_a_frame_nothing_is_proved() -> None:
    with pytest.raises(ConfigError, match="parity: has no frame to compare on"):
        segment_parity(predictor(queries), predictor(queries), [])
