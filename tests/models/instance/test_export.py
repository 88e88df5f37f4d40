"""ONNX answers as torch does, whatever the size of the frames and the number of objects, with standard operators only.

Mask R-CNN, with PointRend, is exported as the larger part of Panoptic FPN: `tests/models/panoptic/test_export.py`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from segwright.models.instance import OUTPUT_NAMES, build_instance_network
from tests.models.instance.exporting import assert_same_answers, exported
from tests.models.instance.networks import spec
from tests.models.instance.scenes import batch


@pytest.mark.parametrize("name", ["solov2", "yolact"])
def test_export__answers_as_torch_does(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    plain = spec(name)
    seen = replace(plain, options=replace(plain.options, score_floor=0.0))  # random weights are sure of nothing
    model = build_instance_network(seen).eval()
    session = exported(model, tmp_path / "model.onnx", OUTPUT_NAMES)
    few, _ = batch(range(1), size=64, objects=1)
    many, _ = batch(range(2), size=128, objects=9)
    first = assert_same_answers(model, session, few)
    second = assert_same_answers(model, session, many[:, :, :96])
    assert_same_answers(model, session, batch(range(3, 4), size=32, objects=1)[0])
    assert [answer.shape[1] for answer in first] == [answer.shape[1] for answer in second] == [10] * 4
    assert float(first[0].max()) > 0
