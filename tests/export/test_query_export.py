"""Query networks as ONNX files: any batch and size, the same probabilities.

SEGWRIGHT_EVERY_EXPORT=1 adds the other kinds of encoder.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from segwright.export import export_onnx
from segwright.infer.runtimes.onnx_runtime import OnnxRuntime
from segwright.infer.runtimes.torch_runtime import TorchRuntime
from segwright.models import build_network
from tests.models.query.tiny import spec

# One a kind of attention; the smallest there is, since the exporter takes its time whatever the width.
CASES = [("mask2former", "test_resnet", {"layers": 1}), ("eomt", "dinov2_tiny", {"blocks": 1, "query_blocks": 1})]
if os.environ.get("SEGWRIGHT_EVERY_EXPORT"):
    CASES += [("mask2former", "swin_micro", {"layers": 1}), ("eomt", "dinov3_tiny", {"blocks": 1, "query_blocks": 1})]


@pytest.mark.parametrize(("network", "encoder", "options"), CASES)
def test_export__any_size_gives_the_same_probabilities(
    tmp_path: Path, network: str, encoder: str, options: dict[str, int]
) -> None:
    torch.manual_seed(0)
    made = build_network(spec(network, encoder, **options)).eval()
    export_onnx(made, tmp_path / "model.onnx", stride_px=made.stride_px)
    exported = OnnxRuntime(tmp_path / "model.onnx", stride_px=made.stride_px)
    reference = TorchRuntime(made, channels=3, stride_px=made.stride_px)
    for shape in ((1, 3, 64, 64), (2, 3, 32, 96), (1, 3, 128, 64)):
        frames = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        np.testing.assert_allclose(exported(frames), reference(frames), atol=1e-5)
