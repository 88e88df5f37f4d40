from __future__ import annotations

import numpy as np
import torch

from segwright.infer.runtimes.torch_runtime import TorchRuntime


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.Dropout(0.5))


def test_torch_runtime__answers_with_probabilities_and_leaves_the_mode_as_it_was():
    module = network().train()
    runtime = TorchRuntime(module, channels=4, stride_px=8)
    batch = np.random.default_rng(0).random((2, 3, 16, 24), np.float32)
    answer = runtime(batch)
    assert answer.shape == (2, 4, 16, 24)
    np.testing.assert_allclose(answer.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(answer, runtime(batch))
    assert module.training
    assert int(module[1].num_batches_tracked) == 0


def test_torch_runtime__bfloat16_still_gives_float32_probabilities():
    batch = np.random.default_rng(0).random((1, 3, 16, 16), np.float32)
    exact = TorchRuntime(network(), channels=4)(batch)
    fast = TorchRuntime(network(), channels=4, precision="bfloat16")(batch)
    assert fast.dtype == np.float32
    np.testing.assert_allclose(fast, exact, atol=0.02)
