"""Panoptic FPN, and with it Mask R-CNN with PointRend, in ONNX: as torch answers, with standard operators only."""

from __future__ import annotations

from pathlib import Path

from segwright.models.panoptic import PANOPTIC_OUTPUT_NAMES
from tests.models.instance.exporting import assert_same_answers, exported
from tests.models.instance.scenes import batch
from tests.models.panoptic.networks import network


def test_export__answers_as_torch_does(tmp_path: Path) -> None:
    model = network(refinements=1, score_floor=0.0).eval()
    session = exported(model, tmp_path / "model.onnx", PANOPTIC_OUTPUT_NAMES)
    few, _ = batch(range(1), size=64, objects=1)
    many, _ = batch(range(2), size=128, objects=9)
    first = assert_same_answers(model, session, few)
    second = assert_same_answers(model, session, many[:, :, :96])
    assert_same_answers(model, session, batch(range(3, 4), size=32, objects=1)[0])
    assert [answer.shape[1] for answer in first] == [answer.shape[1] for answer in second] == [10, 10, 10, 10, 3]
