"""The moving average of the weights, against a loop that says what it means."""

from __future__ import annotations

import torch
from torch import nn

from segwright.train.average import averaged


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


def test_average__equals_a_plain_loop_with_warm_up() -> None:
    learner, decay = network(), 0.5
    average = averaged(learner, decay)
    expected: dict[str, torch.Tensor] = {}
    for update in range(8):
        with torch.no_grad():
            for parameter in learner.parameters():
                parameter.add_(torch.randn_like(parameter))
            learner(torch.randn(2, 1, 6, 6))
        average.update_parameters(learner)
        share = min(decay, (1 + update) / (10 + update))
        for name, value in learner.state_dict().items():
            if update == 0 or not value.is_floating_point():
                expected[name] = value.clone()
            else:
                expected[name] = share * expected[name] + (1 - share) * value
    for name, value in average.module.state_dict().items():
        torch.testing.assert_close(value, expected[name])
    assert average.module.state_dict()["1.num_batches_tracked"] == 8


def test_average__a_constant_network_is_its_own_average() -> None:
    learner = network()
    average = averaged(learner, 0.99)
    for _ in range(5):
        average.update_parameters(learner)
    for name, value in average.module.state_dict().items():
        torch.testing.assert_close(value, learner.state_dict()[name])
