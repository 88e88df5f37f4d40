"""Parts of the networks against public implementations with the same weights, and against their formulas."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.segmentation.deeplabv3 import DeepLabHead
from torchvision.models.segmentation.lraspp import LRASPPHead
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from segwright.models import NetworkSpec, build_network
from segwright.models.mix_transformer import flattened, mix_transformer, renamed
from segwright.models.semantic.aspp import RATES
from segwright.models.semantic.attention_unet import AttentionGate
from segwright.models.semantic.fcn import bilinear_up
from segwright.models.semantic.pyramid_pooling import pooled_to


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


def take_in_order(module: nn.Module, reference: nn.Module) -> None:
    """Give `module` the reference's tensors, whose order and shapes are the same."""
    own, theirs = module.state_dict(), list(reference.state_dict().values())
    assert [value.shape for value in own.values()] == [value.shape for value in theirs]
    module.load_state_dict(dict(zip(own, theirs, strict=True)))


@settings(max_examples=25)
@given(height=st.integers(1, 40), width=st.integers(1, 40), bins=st.sampled_from([1, 2, 3, 6]))
def test_pooled_to__is_adaptive_average_pooling(height: int, width: int, bins: int) -> None:
    features = noise(2, 3, height, width)
    torch.testing.assert_close(pooled_to(features, bins), F.adaptive_avg_pool2d(features, bins))


def test_deeplabv3__is_torchvisions_head() -> None:
    network = build_network(NetworkSpec("deeplabv3", "test_resnet", 3, 5)).eval()
    reference = DeepLabHead(network.encoder.widths[-1], 5, RATES[16]).eval()
    take_in_order(nn.Sequential(network.decoder.layers, network.head), reference)
    frames = noise(1, 3, 96, 64)
    with torch.no_grad():
        scores = reference(network.encoder(frames)[-1])
        expected = F.interpolate(scores, frames.shape[-2:], mode="bilinear", align_corners=False)
        torch.testing.assert_close(network(frames), expected, rtol=1e-4, atol=1e-4)


def test_lraspp__is_torchvisions_head() -> None:
    network = build_network(NetworkSpec("lraspp", "mobilenetv3_small_050", 3, 5)).eval()
    pyramid = network.encoder(frames := noise(1, 3, 96, 64))
    reference = LRASPPHead(pyramid[2].shape[1], pyramid[-1].shape[1], 5, 128).eval()
    take_in_order(nn.ModuleList([network.context, network.gate, network.fine_score, network.coarse_score]), reference)
    with torch.no_grad():
        scores = reference({"low": pyramid[2], "high": pyramid[-1]})
        expected = F.interpolate(scores, frames.shape[-2:], mode="bilinear", align_corners=False)
        torch.testing.assert_close(network(frames), expected, rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[SegformerForSemanticSegmentation, Path]:
    """transformers' SegFormer-B0 with random weights, and the file it writes: names as on the hub."""
    torch.manual_seed(0)
    model = SegformerForSemanticSegmentation(SegformerConfig(num_labels=5, decoder_hidden_size=256)).eval()
    folder = tmp_path_factory.mktemp("segformer")
    model.save_pretrained(folder)
    return model, folder / "model.safetensors"


def test_mix_transformer__is_transformers_encoder_and_its_file_fits(
    published: tuple[SegformerForSemanticSegmentation, Path],
) -> None:
    model, path = published
    encoder = mix_transformer("mit_b0", 3).eval()
    encoder.load_state_dict(flattened(renamed(safetensors.torch.load_file(path))))
    frames = noise(2, 3, 64, 96)
    with torch.no_grad():
        expected = model.segformer(frames, output_hidden_states=True).hidden_states
        for level, theirs in zip(encoder(frames), expected, strict=True):
            torch.testing.assert_close(level, theirs, rtol=1e-3, atol=1e-3)


def test_segformer__is_transformers_decode_head(published: tuple[SegformerForSemanticSegmentation, Path]) -> None:
    model, path = published
    network = build_network(NetworkSpec("segformer", "mit_b0", 3, 5)).eval()
    network.encoder.backbone.load_state_dict(flattened(renamed(safetensors.torch.load_file(path))))
    head = model.decode_head.state_dict()
    theirs = {name: value[..., None, None] if value.ndim == 2 else value for name, value in head.items()}
    ours = nn.ModuleList([network.decoder.linear, network.decoder.join, network.head])
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.values(), strict=True)))
    frames = noise(1, 3, 64, 96)
    with torch.no_grad():
        scores = model(frames).logits
        expected = F.interpolate(scores, frames.shape[-2:], mode="bilinear", align_corners=False)
        torch.testing.assert_close(network(frames), expected, rtol=1e-3, atol=1e-3)


def test_mix_transformer__its_authors_names_fit_too() -> None:
    features = mix_transformer("mit_b0", 3)
    stage = {
        "patch_embed2.proj.weight": "stages_1.downsample.proj.weight",
        "block2.1.attn.kv.weight": "stages_1.blocks.1.attn.kv.weight",
        "block2.1.mlp.dwconv.dwconv.weight": "stages_1.blocks.1.mlp.dwconv.weight",
        "norm2.weight": "stages_1.norm.weight",
        "patch_embed1.norm.bias": "patch_embed.norm.bias",
    }
    own = features.state_dict()
    assert set(flattened(renamed({name: own[ours] for name, ours in stage.items()}))) == set(stage.values())


def test_attention_gate__is_the_formula_of_the_paper() -> None:
    """q = psi(relu(W_x x + W_g g + b_g)) + b_psi; alpha = sigmoid(q), enlarged (Oktay et al. 2018, equations 1, 2)."""
    gate = AttentionGate(below=6, skip=4).eval()
    skip, below = noise(1, 4, 4, 6), noise(1, 6, 2, 3)
    with torch.no_grad():
        alpha = gate.weights(skip, below)
        row, column = 1, 2
        x = torch.einsum("oihw,ihw->o", gate.theta.weight, skip[0, :, 2:4, 4:6])
        g = gate.phi.weight[:, :, 0, 0] @ below[0, :, row, column] + gate.phi.bias
        q = gate.psi.weight[0, :, 0, 0] @ (x + g).relu() + gate.psi.bias
        torch.testing.assert_close(alpha[0, 0, row, column], q.sigmoid()[0])
        wide = F.interpolate(alpha, scale_factor=2, mode="bilinear")
        torch.testing.assert_close(gate(skip, below), gate.out(skip * wide))


def test_fcn__its_ups_start_as_bilinear_interpolation() -> None:
    features = noise(1, 3, 5, 7)
    with torch.no_grad():
        inside = bilinear_up(3)(features)[..., 1:-1, 1:-1]
    expected = F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)[..., 1:-1, 1:-1]
    torch.testing.assert_close(inside, expected)


def test_output_stride__dilation_keeps_the_weights_and_their_reach() -> None:
    """Of a frame without structure the coarse features are alike, whether strides were kept or became dilations."""
    specs = [NetworkSpec("pspnet", "test_resnet", 3, 2, options={"output_stride": stride}) for stride in (32, 8)]
    usual, dilated = (build_network(spec).eval() for spec in specs)
    dilated.load_state_dict(usual.state_dict())
    even = torch.full((1, 3, 256, 256), 0.5)
    with torch.no_grad():
        one, other = usual.encoder(even)[-1], dilated.encoder(even)[-1]
    torch.testing.assert_close(one[..., 4, 4], other[..., 16, 16], rtol=1e-3, atol=1e-4)
