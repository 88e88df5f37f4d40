"""Query networks as ONNX files: any batch and size, the same probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from segwright.export import export_onnx
from segwright.infer.runtimes.onnx_runtime import OnnxRuntime
from segwright.infer.runtimes.torch_runtime import TorchRuntime
from segwright.models import build_network
from tests.models.query.tiny import spec

# one a family of layers: deformable attention on a pyramid (Swin's own part is exported too), and plain attention
CASES = [("mask2former", "swin_micro", {"layers": 1}), ("eomt", "dinov2_tiny", {"blocks": 1, "query_blocks": 1})]


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
