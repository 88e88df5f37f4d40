"""What learns, how fast, and what stands still."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from segwright.models import NetworkSpec, SegmentationNetwork, build_network
from segwright.models.encoder import Encoder
from segwright.train.transfer import STAGE_RATE, freeze, parameter_groups

ENCODERS = ("test_resnet", "mobilenetv3_small_100")


def build(encoder: str) -> SegmentationNetwork:
    return build_network(NetworkSpec("unet", encoder, 3, 3, (16, 12, 8, 8, 8)))


@pytest.mark.parametrize("encoder", ENCODERS)
def test_groups__hold_every_parameter_once(encoder: str) -> None:
    network = build(encoder)
    groups = parameter_groups(network, learning_rate=1.0, encoder_learning_rate=0.25, weight_decay=0.1)
    held = [id(parameter) for group in groups for parameter in group["params"]]
    assert len(held) == len(set(held))
    assert set(held) == {id(parameter) for parameter in network.parameters()}


@pytest.mark.parametrize("encoder", ENCODERS)
def test_groups__deeper_stages_learn_more_slowly_and_only_matrices_decay(encoder: str) -> None:
    network = build(encoder)
    groups = parameter_groups(network, learning_rate=1.0, encoder_learning_rate=0.25, weight_decay=0.1)
    rate = {id(parameter): group["peak"] for group in groups for parameter in group["params"]}
    for depth, stage in enumerate(network.stages):
        for module in stage:
            for parameter in module.parameters():
                assert rate[id(parameter)] == pytest.approx(0.25 * STAGE_RATE ** (4 - depth))
    assert all(rate[id(parameter)] == 1.0 for parameter in network.decoder.parameters())
    for group in groups:
        assert {parameter.ndim > 1 for parameter in group["params"]} == {group["weight_decay"] > 0}


@pytest.mark.parametrize("encoder", ENCODERS)
def test_freeze__the_last_two_stages_and_the_decoder_learn_first(encoder: str) -> None:
    network = build(encoder).train()
    freeze(network, 3, batch_norm=False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    network(torch.randn(2, 3, 64, 64)).square().mean().backward()
    optimiser.step()
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    names = {id(value): name for name, value in [*network.named_parameters(), *network.named_buffers()]}
    for depth, stage in enumerate(network.stages):
        values = [value for module in stage for value in (*module.parameters(), *module.buffers())]
        moved = [names[id(value)] in changed for value in values]
        assert not any(moved) if depth < 3 else any(moved), f"stage {depth}"


def test_freeze__an_encoder_of_few_stages_is_never_frozen_whole() -> None:
    network = build("test_resnet")
    network.encoder.__class__ = _TwoStages
    freeze(network, 3, batch_norm=False)
    assert all(parameter.requires_grad for parameter in network.parameters())


class _TwoStages(Encoder):
    """An encoder whose layers cannot be told apart further than into two stages."""

    @property
    def stages(self) -> list[list[nn.Module]]:
        first, *others = super().stages
        return [first, [layer for stage in others for layer in stage]]


@pytest.mark.parametrize("encoder", ENCODERS)
def test_freeze__nothing_thaws_everything(encoder: str) -> None:
    network = build(encoder).train()
    freeze(network, 3, batch_norm=True)
    network.train()
    freeze(network, 0, batch_norm=False)
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert all(module.training for module in network.modules())


def test_freeze__batch_norm_of_the_whole_encoder_can_keep_its_statistics() -> None:
    network = build("test_resnet").train()
    freeze(network, 0, batch_norm=True)
    assert not any(layer.training for layer in network.encoder.modules() if isinstance(layer, nn.BatchNorm2d))
    assert all(layer.training for layer in network.decoder.modules() if isinstance(layer, nn.BatchNorm2d))
