"""Encoders: a pyramid of five levels, whose stages hold every parameter once and in order."""

from __future__ import annotations

import re

import pytest
import timm
import torch

from segwright.core import ConfigError
from segwright.models.encoder import PYRAMID, Encoder

ENCODERS = ("test_resnet", "resnet10t", "mobilenetv2_100", "mobilenetv3_small_100", "test_efficientnet", "regnetx_002")


@pytest.fixture(scope="module", params=ENCODERS)
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return Encoder(request.param, bands=3).eval()


def test_encoder__gives_features_at_every_level(encoder: Encoder) -> None:
    with torch.no_grad():
        pyramid = encoder(torch.zeros(2, 3, 64, 96))
    shapes = [tuple(features.shape) for features in pyramid]
    assert shapes == [
        (2, width, 64 // stride, 96 // stride) for width, stride in zip(encoder.widths, PYRAMID, strict=True)
    ]


def test_stages__hold_every_parameter_once_and_in_order(encoder: Encoder) -> None:
    held = [parameter for stage in encoder.stages for module in stage for parameter in module.parameters()]
    assert [id(parameter) for parameter in held] == [id(parameter) for parameter in encoder.backbone.parameters()]


def test_stages__one_a_level_each_with_something_to_learn(encoder: Encoder) -> None:
    assert len(encoder.stages) == len(PYRAMID)
    assert all(any(True for module in stage for _ in module.parameters()) for stage in encoder.stages)


def test_stages__a_level_depends_on_its_own_and_earlier_stages_only(encoder: Encoder) -> None:
    """A change in stage k shows in the features of level k and coarser ones, and in no finer one."""
    frames = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = encoder(frames)
        weights = [parameter for module in encoder.stages[2] for parameter in module.parameters()]
        kept = [weight.clone() for weight in weights]
        for weight in weights:
            weight.add_(0.37)
        after = encoder(frames)
        for weight, old in zip(weights, kept, strict=True):
            weight.copy_(old)
    changed = [not torch.equal(one, two) for one, two in zip(before, after, strict=True)]
    assert changed == [False, False, True, True, True]


@pytest.mark.parametrize("bands", [1, 3, 5])
def test_encoder__any_number_of_bands(bands: int) -> None:
    with torch.no_grad():
        assert Encoder("test_resnet", bands).eval()(torch.zeros(1, bands, 32, 32))[0].shape[2:] == (16, 16)


def test_encoder__an_unknown_name_gets_near_ones() -> None:
    with pytest.raises(ConfigError, match="is not an encoder timm knows") as caught:
        Encoder("resnet43", 3)
    assert "resnet34" in caught.value.problems[0].fix


@pytest.mark.parametrize("name", ["test_convnext", "test_vit"])
def test_encoder__one_without_the_pyramid_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="does not give the feature pyramid a U-Net needs") as caught:
        Encoder(name, 3)
    assert caught.value.problems[0].allowed == "features at strides (2, 4, 8, 16, 32)"


@pytest.mark.parametrize(
    ("name", "found"), [("legacy_xception", r"\(1, 64, 29, 45\)"), ("inception_v3", "Kernel size can't be greater")]
)
def test_encoder__one_that_breaks_on_its_first_frame_is_refused_when_it_is_built(name: str, found: str) -> None:
    """timm says that their strides fit; their layers without padding do not."""
    with pytest.raises(ConfigError, match="does not give the feature pyramid a U-Net needs") as caught:
        Encoder(name, 3)
    problem = caught.value.problems[0]
    assert re.search(found, problem.found)
    assert "for a frame of 96x64 px" in problem.allowed
    assert "resnet34" in problem.fix


def test_encoder__its_trial_leaves_no_trace() -> None:
    random = torch.random.get_rng_state()
    encoder = Encoder("test_resnet", 3)
    torch.random.set_rng_state(random)
    again = timm.create_model("test_resnet", features_only=True, in_chans=3)
    assert encoder.backbone.training
    for name, value in again.state_dict().items():
        assert torch.equal(encoder.backbone.state_dict()[name], value), name
