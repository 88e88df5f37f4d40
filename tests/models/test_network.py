"""Whole networks: the input's size comes out, the same spec builds the same network."""

from __future__ import annotations

import json

import pytest
import torch

from segwright.core import ConfigError
from segwright.models import NETWORKS, NetworkSpec, build_network
from segwright.models.segmentation_network import RAREST_SHARE

WIDTHS = (16, 12, 8, 8, 8)


def spec(encoder: str = "test_resnet", bands: int = 3, channels: int = 4) -> NetworkSpec:
    return NetworkSpec("unet", encoder, bands, channels, WIDTHS)


@pytest.mark.parametrize("encoder", ["test_resnet", "resnet10t", "mobilenetv3_small_100", "test_efficientnet"])
def test_unet__gives_logits_at_the_size_of_the_frame(encoder: str) -> None:
    network = build_network(spec(encoder)).eval()
    with torch.no_grad():
        for height, width in ((32, 32), (96, 64)):
            assert network(torch.zeros(2, 3, height, width)).shape == (2, 4, height, width)
    assert network.stride_px == 32


@pytest.mark.parametrize("bands", [1, 5])
def test_unet__other_numbers_of_bands(bands: int) -> None:
    with torch.no_grad():
        assert build_network(spec(bands=bands)).eval()(torch.zeros(1, bands, 32, 64)).shape == (1, 4, 32, 64)


def test_unet__every_parameter_gets_a_gradient() -> None:
    network = build_network(spec())
    network(torch.randn(2, 3, 64, 64)).square().mean().backward()
    idle = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert idle == []


def test_unet__a_pixel_is_decided_at_full_resolution() -> None:
    """The detail path sees single pixels: moving one input pixel moves that output pixel most."""
    torch.manual_seed(0)
    network = build_network(spec()).eval()
    frames = torch.zeros(1, 3, 64, 64)
    other = frames.clone()
    other[..., 20, 33] = 1
    with torch.no_grad():
        change = (network(other) - network(frames)).abs().sum(1)[0]
    row, column = divmod(int(change.argmax()), 64)
    assert abs(row - 20) <= 3
    assert abs(column - 33) <= 3


def test_spec__json_round_trip_builds_the_same_network() -> None:
    again = NetworkSpec.from_json(json.loads(json.dumps(spec().to_json())))
    assert again == spec()
    first, second = build_network(spec()), build_network(again)
    second.load_state_dict(first.state_dict())


def test_expect__starts_from_the_class_shares() -> None:
    network = build_network(spec(channels=3))
    network.expect([0.9, 0.1, 0.0])
    probabilities = network.head.bias.detach().softmax(0)
    assert float(probabilities[0] / probabilities[1]) == pytest.approx(9, rel=1e-3)
    assert float(probabilities[2] / probabilities[0]) == pytest.approx(RAREST_SHARE / 0.9, rel=1e-3)


def test_build_network__an_unknown_network_names_those_that_exist() -> None:
    with pytest.raises(ConfigError, match=r"model\.network: is not a network of segwright") as caught:
        build_network(NetworkSpec("unett", "test_resnet", 3, 2))
    assert caught.value.problems[0].allowed == ", ".join(NETWORKS)
    assert caught.value.problems[0].fix == "model.network=unet"
