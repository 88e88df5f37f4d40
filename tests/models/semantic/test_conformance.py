"""What every semantic network holds, whatever it is made of: the contract of `SegmentationNetwork`.

SEGWRIGHT_EVERY_EXPORT=1 exports every member and variant to ONNX; without it, those of which an operator is new.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from segwright.core import ConfigError
from segwright.export.onnx_export import export_onnx
from segwright.infer.runtimes.onnx_runtime import OnnxRuntime
from segwright.models import NETWORKS, NetworkSpec, SegmentationNetwork, build_network
from segwright.models.losses import DeepSupervision, SegmentationLoss
from segwright.models.segmentation_network import RAREST_SHARE
from segwright.train.transfer import parameter_groups
from tests.models.semantic.cases import EVERY, VARIANTS, Case

ALL = (*EVERY, *VARIANTS)
every = pytest.mark.parametrize("case", ALL, ids=str)
each_network = pytest.mark.parametrize("case", EVERY, ids=str)
# Pyramid pooling and attention gates are what an exporter with free height and width stumbles over; U-Net is what
# Attention U-Net is without its gates.
EXPORTED = ("attention_unet", "pspnet")
STEPS = 25
SETTLED = 3  # so many steps in a row below half of the first loss: learned


def built(case: Case, bands: int = 3, channels: int = 4) -> SegmentationNetwork:
    torch.manual_seed(0)
    return build_network(case.spec(bands, channels))


def frames(height: int, width: int, bands: int = 3, batch: int = 2) -> Tensor:
    return torch.randn((batch, bands, height, width), generator=torch.Generator().manual_seed(1))


def answers(network: SegmentationNetwork, pixels: Tensor) -> list[Tensor]:
    said = network(pixels)
    return [said] if isinstance(said, Tensor) else said


@every
def test_network__answers_at_the_size_of_the_frame(case: Case) -> None:
    network = built(case).eval()
    assert network.spec == case.spec()
    with torch.no_grad():
        for height, width in ((64, 128), (128, 64)):
            assert network(frames(height, width, batch=1)).shape == (1, 4, height, width)
        odd = network.stride_px, 3 * network.stride_px  # nothing but its own stride is asked of a frame
        assert network(frames(*odd, batch=1)).shape == (1, 4, *odd)
    assert 64 % network.stride_px == 0


@every
def test_network__in_training_answers_finest_first_and_every_parameter_learns(case: Case) -> None:
    network = built(case).train()
    said = answers(network, frames(64, 64))
    assert [tuple(each.shape[:2]) for each in said] == [(2, 4)] * len(said)
    sizes = [each.shape[-1] for each in said]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 64
    target = torch.randint(-1, 4, (2, 64, 64), generator=torch.Generator().manual_seed(2))
    loss = DeepSupervision(SegmentationLoss({"cross_entropy": 1.0}, (0, 1, 2, 3), None, {}))
    total, _ = loss(said, target)
    total.backward()
    idle = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert idle == []


@every
def test_network__stages_hold_the_encoder_once_and_the_rest_is_decoder(case: Case) -> None:
    network = built(case)
    held = [id(parameter) for stage in network.stages for module in stage for parameter in module.parameters()]
    assert len(held) == len(set(held))
    if network.backbone is not None and not network.own_encoder:
        published = {id(parameter) for parameter in network.backbone.parameters()}
        # EoMT's weights are published whole: its heads are among them
        assert set(held) < published if case.network == "eomt" else set(held) == published
        assert len(network.stages) >= 4
    groups = parameter_groups(network, learning_rate=1.0, encoder_learning_rate=0.5, weight_decay=0.1)
    learning = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(learning) == sorted(id(parameter) for parameter in network.parameters())


@every
def test_network__another_of_the_same_spec_takes_its_state_and_answers_alike(case: Case) -> None:
    network = built(case).eval()
    torch.manual_seed(7)
    again = build_network(NetworkSpec.from_json(case.spec().to_json())).eval()
    again.load_state_dict(network.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(again(frames(64, 32)), network(frames(64, 32)), rtol=0, atol=0)


@each_network
def test_network__in_evaluation_a_frame_is_answered_alike_alone_and_in_a_batch(case: Case) -> None:
    network = built(case).train()
    network(frames(64, 64))  # batch norms have seen something
    network.eval()
    batch = frames(64, 64, batch=3)
    with torch.no_grad():
        together, alone = network(batch), network(batch[1:2])
        torch.testing.assert_close(network(batch), together, rtol=0, atol=0)
    torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-4)


@each_network
@pytest.mark.parametrize("bands", [1, 5])
def test_network__other_numbers_of_bands(case: Case, bands: int) -> None:
    network = built(case, bands=bands).eval()
    with torch.no_grad():
        assert network(frames(32, 64, bands, batch=1)).shape == (1, 4, 32, 64)


@every
def test_network__expects_the_class_shares_where_features_say_nothing(case: Case) -> None:
    network = built(case, channels=3)
    network.expect([0.9, 0.1, 0.0])
    with torch.no_grad():
        for layer in network.class_layers:
            layer.weight.zero_()
        said = answers(network.train(), frames(64, 64))
    for each in said:
        middle = each[0, :, each.shape[-2] // 2, each.shape[-1] // 2].softmax(0)
        assert float(middle[0] / middle[1]) == pytest.approx(9, rel=1e-3)
        assert float(middle[2] / middle[0]) == pytest.approx(RAREST_SHARE / 0.9, rel=1e-3)


@each_network
def test_network__learns_a_small_scene_by_heart(case: Case) -> None:
    network = built(case, channels=2).train()
    for module in network.modules():
        if isinstance(module, torch.nn.modules.dropout._DropoutNd):
            module.p = 0.0  # what is asked is whether it can, not whether it generalises
    pixels, target = scene()
    loss = DeepSupervision(SegmentationLoss({"cross_entropy": 1.0}, (0, 1), None, {}))
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        total, _ = loss(network(pixels), target)
        total.backward()
        optimiser.step()
        losses.append(float(total.detach()))
        if _halved(losses):
            break
    assert _halved(losses), f"not halved in {STEPS} steps: {losses[:: STEPS // 5]}"


def _halved(losses: list[float]) -> bool:
    """Whether the last steps, and not one lucky one, stay below half of the first."""
    return len(losses) > SETTLED and max(losses[-SETTLED:]) < 0.5 * losses[0]


def scene() -> tuple[Tensor, Tensor]:
    """Two frames of 64 px: a bright block on noise, elsewhere in each."""
    pixels = 0.1 * frames(64, 64)
    target = torch.zeros((2, 64, 64), dtype=torch.int64)
    for index, (top, left) in enumerate(((16, 0), (0, 32))):
        pixels[index, :, top : top + 32, left : left + 32] += 2
        target[index, top : top + 32, left : left + 32] = 1
    return pixels, target


def _exports() -> list[Case]:
    if os.environ.get("SEGWRIGHT_EVERY_EXPORT"):
        return list(ALL)
    return [case for case in EVERY if case.network in EXPORTED]


@pytest.mark.parametrize("case", _exports(), ids=str)
def test_network__as_onnx_says_the_same_at_another_size(case: Case, tmp_path: Path) -> None:
    network = built(case).train()
    network(frames(64, 64))
    network.eval()
    path = tmp_path / "model.onnx"
    export_onnx(network, path, stride_px=network.stride_px)
    runtime = OnnxRuntime(path, stride_px=network.stride_px, threads=1)
    step = max(32, network.stride_px)
    for height, width in ((2 * step, 3 * step), (4 * step, step), (3 * step, 5 * step)):
        pixels = frames(height, width, batch=1)
        with torch.no_grad():
            expected = network(pixels).softmax(1).numpy()
        torch.testing.assert_close(
            torch.from_numpy(runtime(pixels.numpy())), torch.from_numpy(expected), rtol=1e-4, atol=1e-5
        )


def test_suite__has_every_network() -> None:
    assert {case.network for case in EVERY} == set(NETWORKS)


def test_build__everything_wrong_is_said_at_once() -> None:
    spec = NetworkSpec("deeplabv3", "swin_tiny_patch4_window7_224", 3, 2, options={"otput_stride": 8, "rates": 3})
    with pytest.raises(ConfigError, match="is not an option of the network 'deeplabv3'") as caught:
        build_network(spec)
    assert [problem.place for problem in caught.value.problems] == [
        "model.options.otput_stride",
        "model.options.rates",
        "model.encoder: swin_tiny_patch4_window7_224",
    ]
    assert caught.value.problems[0].fix == "did you mean model.options.output_stride?"


@pytest.mark.parametrize("network", ["fcn", "pspnet", "lraspp"])
def test_build__a_plain_transformer_under_a_network_of_its_last_levels_is_refused(network: str) -> None:
    options = {} if network == "fcn" else {"output_stride": 32}
    with pytest.raises(ConfigError, match=r"model\.encoder: test_vit: is a plain transformer") as caught:
        build_network(NetworkSpec(network, "test_vit", 3, 2, options=options))
    assert caught.value.problems[0].fix == "model.network=upernet"
