"""Encoders: a pyramid of five levels, whose stages hold every parameter once and in order."""

from __future__ import annotations

import re

import pytest
import timm
import torch

from segwright.core import ConfigError
from segwright.models.choose_encoder import encoder_named
from segwright.models.encoder import PYRAMID, Encoder

ENCODERS = (
    "test_resnet",
    "resnet10t",
    "mobilenetv2_100",
    "mobilenetv3_small_100",
    "test_efficientnet",
    "regnetx_002",
    "mobilenetv4_conv_small",
)


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
    with pytest.raises(ConfigError, match="is not an encoder segwright knows") as caught:
        encoder_named("resnet43", 3)
    assert "resnet34" in caught.value.problems[0].fix
    with pytest.raises(ConfigError, match="is not an encoder segwright knows") as caught:
        encoder_named("mit_b9", 3)
    assert "mit_b" in caught.value.problems[0].fix


@pytest.mark.parametrize("name", ["test_mambaout", "mit_b0", "pvt_v2_b0", "test_vit"])
def test_encoder__pyramids_that_begin_at_a_quarter(name: str) -> None:
    encoder = encoder_named(name, bands=2).eval()
    with torch.no_grad():
        pyramid = encoder(torch.zeros(1, 2, 64, 96))
    assert encoder.strides == PYRAMID[1:]
    assert [tuple(level.shape[1:]) for level in pyramid] == [
        (width, 64 // stride, 96 // stride) for width, stride in zip(encoder.widths, PYRAMID[1:], strict=True)
    ]
    held = [id(parameter) for stage in encoder.stages for module in stage for parameter in module.parameters()]
    assert held == [id(parameter) for parameter in encoder.backbone.parameters()]
    assert len(encoder.stages) == 4


def test_encoder__swin_reads_frames_of_other_sizes_than_it_was_made_for() -> None:
    encoder = encoder_named("swin_tiny_patch4_window7_224", bands=3).eval()
    with torch.no_grad():
        shapes = [tuple(level.shape) for level in encoder(torch.zeros(1, 3, 96, 160))]
    assert shapes == [(1, 96, 24, 40), (1, 192, 12, 20), (1, 384, 6, 10), (1, 768, 3, 5)]


@pytest.mark.parametrize(("output_stride", "strides"), [(8, (2, 4, 8, 8, 8)), (16, (2, 4, 8, 16, 16))])
def test_encoder__output_stride_keeps_the_last_levels_large(output_stride: int, strides: tuple[int, ...]) -> None:
    encoder = encoder_named("test_resnet", 3, output_stride).eval()
    assert encoder.strides == strides
    assert encoder.stride_px == output_stride
    assert set(encoder.state_dict()) == set(encoder_named("test_resnet", 3).state_dict())


@pytest.mark.parametrize("name", ["mit_b0", "pvt_v2_b0", "swin_tiny_patch4_window7_224", "test_vit"])
def test_encoder__a_transformer_has_no_output_stride(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"model\.encoder: {name}: (cannot stay at 1/16|has no strides)") as caught:
        encoder_named(name, 3, 16)
    assert "resnet34" in caught.value.problems[0].fix


def test_encoder__a_vit_made_for_patches_of_14_px_reads_patches_of_16() -> None:
    encoder = encoder_named("vit_small_patch14_dinov2", 3)
    assert encoder.backbone.state_dict()["patch_embed.proj.weight"].shape == (384, 3, 16, 16)
    assert encoder.stride_px == 32


@pytest.mark.parametrize("name", ["beit_base_patch16_224", "maxvit_nano_rw_256"])
def test_encoder__one_without_the_pyramid_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="does not give the feature pyramid a decoder needs"):
        encoder_named(name, 3)


@pytest.mark.parametrize(
    ("name", "found"), [("legacy_xception", r"\(1, 64, 29, 45\)"), ("inception_v3", "Kernel size can't be greater")]
)
def test_encoder__one_that_breaks_on_its_first_frame_is_refused_when_it_is_built(name: str, found: str) -> None:
    """timm says that their strides fit; their layers without padding do not."""
    with pytest.raises(ConfigError, match="does not give the feature pyramid a decoder needs") as caught:
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
