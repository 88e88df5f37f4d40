"""Batch norm that was folded away and is put back: the same function, and one that can learn."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segwright.core import ArtefactError
from segwright.data import read_image
from segwright.models import NetworkSpec, build_network
from segwright.models.encoder import Encoder
from segwright.models.folded import FoldedLayer, conv_norm_pairs, load_folded, unfold_batch_norm
from segwright.train.weights import folded_layers, load_pretrained

QUANTISED = "weights/derived/mobilenet_v2_1.0_224_quant_u8.pt"


class Plain(nn.Module):
    """Two convolutions with batch norm and ReLU."""

    def __init__(self, *, bias: bool = False) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=bias)
        self.first_norm = nn.BatchNorm2d(6)
        self.second = nn.Conv2d(6, 4, 1, bias=bias)
        self.second_norm = nn.BatchNorm2d(4)

    def forward(self, frames: Tensor) -> Tensor:
        return self.second_norm(self.second(F.relu(self.first_norm(self.first(frames)))))


def layers_of_plain() -> list[FoldedLayer]:
    generator = torch.Generator().manual_seed(0)
    return [
        FoldedLayer(torch.randn((6, 3, 3, 3), generator=generator), torch.randn(6, generator=generator)),
        FoldedLayer(torch.randn((4, 6, 1, 1), generator=generator), torch.randn(4, generator=generator)),
    ]


@pytest.fixture
def frames() -> Tensor:
    return torch.randn((4, 3, 64, 64), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("bias", [False, True])
def test_load_folded__computes_what_the_folded_layers_did(frames: Tensor, bias: bool) -> None:
    network = Plain(bias=bias).eval()
    first, second = layers_of_plain()
    assert load_folded(network, [first, second]) == (2, 0)
    expected = F.conv2d(F.relu(F.conv2d(frames, first.weight, first.bias, 2, 1)), second.weight, second.bias)
    torch.testing.assert_close(network(frames), expected, rtol=1e-5, atol=1e-5)


def test_load_folded__leaves_over_what_a_classifier_had(frames: Tensor) -> None:
    assert load_folded(Plain(), [*layers_of_plain(), layers_of_plain()[0]]) == (2, 1)


def test_load_folded__of_another_network_says_every_misfit_and_changes_nothing() -> None:
    network = Plain()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(ArtefactError, match="layer 0 does not fit the encoder") as caught:
        load_folded(network, layers_of_plain()[::-1])
    assert len(caught.value.problems) == 2
    with pytest.raises(ArtefactError, match="end before the encoder does"):
        load_folded(network, layers_of_plain()[:1])
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("encoder", ["test_resnet", "mobilenetv2_100"])
def test_conv_norm_pairs__are_every_norm_once_with_its_own_convolution(encoder: str) -> None:
    backbone = Encoder(encoder, 3).backbone
    pairs = conv_norm_pairs(backbone)
    norms = [module for module in backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    assert [id(norm) for _, norm in pairs] == [id(norm) for norm in norms]
    assert all(convolution.out_channels == norm.num_features for convolution, norm in pairs)
    assert len({id(convolution) for convolution, _ in pairs}) == len(pairs)


def test_unfold__keeps_evaluation_and_brings_training_close_to_it(frames: Tensor) -> None:
    network = Plain().eval()
    load_folded(network, layers_of_plain())
    with torch.no_grad():
        expected = network(frames)
        far = network.train()(frames)
        load_folded(network, layers_of_plain())
        unfold_batch_norm(network, frames)
        assert network.training
        torch.testing.assert_close(network.eval()(frames), expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(network.train()(frames), expected, rtol=1e-3, atol=1e-3)
    assert (far - expected).abs().mean() > 0.5


@pytest.fixture(scope="module")
def mobilenet(shared_data: Path) -> tuple[nn.Module, list[FoldedLayer]]:
    """timm's MobileNetV2 with the quantised ImageNet weights, and the file's last two layers, the classifier."""
    network = build_network(NetworkSpec("unet", "mobilenetv2_100", 3, 2, (16, 12, 8, 8, 8))).eval()
    report = load_pretrained(network, str(shared_data / QUANTISED))
    assert report is not None
    assert (report.matched, report.missing, report.unexpected) == (51, (), ("layer 51", "layer 52"))
    return network.encoder, folded_layers(shared_data / QUANTISED)[-2:]


def classified(encoder: nn.Module, last: list[FoldedLayer], path: Path, names: list[str]) -> list[str]:
    """The five likeliest ImageNet labels, best first."""
    pixels = cv2.resize(read_image(path).as_rgb().pixels, (224, 224), interpolation=cv2.INTER_AREA)
    frame = torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
    with torch.no_grad():
        features = F.relu6(F.conv2d(encoder(frame)[-1], last[0].weight, last[0].bias)).mean((2, 3), keepdim=True)
        logits = F.conv2d(features, last[1].weight, last[1].bias).flatten()
    return [names[int(index)] for index in logits.topk(5).indices]


@pytest.mark.parametrize(
    ("file", "label", "within"),
    [("cat.bmp", "Egyptian cat", 1), ("grace_hopper.bmp", "military uniform", 1), ("parrot.jpg", "macaw", 1)],
)
def test_load_pretrained__quantised_imagenet_weights_name_what_a_picture_shows(
    shared_data: Path, mobilenet: tuple[nn.Module, list[FoldedLayer]], file: str, label: str, within: int
) -> None:
    names = (shared_data / "weights/coral/imagenet_labels.txt").read_text(encoding="utf-8").splitlines()
    likeliest = classified(*mobilenet, shared_data / "weights/coral" / file, names)
    assert any(label in name for name in likeliest[:within]), likeliest


def test_unfold__of_real_weights_keeps_evaluation(
    shared_data: Path, mobilenet: tuple[nn.Module, list[FoldedLayer]]
) -> None:
    encoder, _ = mobilenet
    picture = read_image(shared_data / "weights/coral/cat.bmp").pixels
    crops = np.stack([picture[top : top + 128, left : left + 128] for top in (40, 150) for left in (20, 250)])
    frames = torch.from_numpy(crops.astype(np.float32) / 127.5 - 1).permute(0, 3, 1, 2)
    with torch.no_grad():
        before = encoder(frames)
        unfold_batch_norm(encoder.backbone, frames)
        after = encoder(frames)
        training = encoder.train()(frames)
        encoder.eval()
    for level, (one, two, learning) in enumerate(zip(before, after, training, strict=True)):
        torch.testing.assert_close(two, one, rtol=1e-3, atol=1e-3)
        assert (learning - one).abs().mean() < 0.05 * one.abs().mean(), f"level {level}"
