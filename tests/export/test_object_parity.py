"""Objects of two pipelines compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from segwright.core import Image, Note, adopt
from segwright.export.object_parity import NOTHING_FOUND, ObjectFrameOfProof, object_parity
from segwright.infer import load
from segwright.infer.objects import ObjectPredictor
from tests.infer.object_bundles import make_object_bundle


def frame(stem: str, *, red: bool) -> ObjectFrameOfProof:
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[4:20, 4:20, 0] = 255 * red
    return ObjectFrameOfProof(stem, Image(adopt(pixels)))


def warnings_of(folder: Path, *frames: ObjectFrameOfProof) -> tuple[list[str], int]:
    """What is warned of, and the objects compared."""
    predictor = load(make_object_bundle(folder).path)
    assert isinstance(predictor, ObjectPredictor)
    said: list[object] = []
    proof = object_parity(predictor, predictor, frames, listener=said.append)
    assert proof.passed
    return [event.text for event in said if isinstance(event, Note)], proof.objects


def test_object_parity__frames_without_any_object_prove_nothing_and_it_says_so(tmp_path: Path) -> None:
    assert warnings_of(tmp_path, frame("a", red=False), frame("b", red=False)) == ([NOTHING_FOUND], 0)


def test_object_parity__one_object_is_enough_to_compare(tmp_path: Path) -> None:
    assert warnings_of(tmp_path, frame("a", red=False), frame("b", red=True)) == ([], 1)
