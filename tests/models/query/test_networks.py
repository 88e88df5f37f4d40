"""Both networks on every kind of encoder: equal to transformers, sizes, stages, classes, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from segwright.core import ConfigError
from segwright.models import NetworkSpec, build_network
from segwright.models.query import QueryLoss, QueryNetwork, QueryOutput, SegmentTargets, semantic_logits
from segwright.train.weights import load_pretrained
from tests.models.query.tiny import CASES, spec

every_network = pytest.mark.parametrize(("network", "encoder"), CASES)


def built(network: str, encoder: str, **options: object) -> QueryNetwork:
    torch.manual_seed(0)
    made = build_network(spec(network, encoder, **options))
    assert isinstance(made, QueryNetwork)
    return made


@every_network
def test_queries__equal_transformers_with_the_same_weights(network: str, encoder: str) -> None:
    ours = built(network, encoder).eval()
    theirs = type(ours.model)(ours.model.config).eval()
    missing, unexpected = theirs.load_state_dict(ours.model.state_dict(), strict=False)
    assert ({*missing} <= {"criterion.empty_weight", "attn_mask_probs"}, unexpected) == (True, [])
    if network == "eomt":
        theirs.attn_mask_probs.zero_()  # as published weights are read: without masked attention
    frames = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        said, expected = ours.queries(frames), theirs(frames)
    torch.testing.assert_close(said.class_logits, expected.class_queries_logits)
    torch.testing.assert_close(said.mask_logits, expected.masks_queries_logits)


@every_network
def test_forward__logits_at_the_size_of_any_frame(network: str, encoder: str) -> None:
    made = built(network, encoder).eval()
    with torch.no_grad():
        for height, width in ((32, 64), (96, 64)):
            assert made(torch.zeros(1, 3, height, width)).shape == (1, 3, height, width)
    assert 32 % made.stride_px == 0


@every_network
def test_training__answers_of_earlier_layers_and_a_gradient_for_all_that_answers(network: str, encoder: str) -> None:
    made = built(network, encoder).train()
    output = made.queries(torch.randn(2, 3, 64, 64))
    assert len(output.auxiliary) == 2
    sum(layer.mask_logits.mean() + layer.class_logits.mean() for layer in (*output.auxiliary, output)).backward()
    idle = [name for name, parameter in made.named_parameters() if parameter.grad is None]
    assert [name for name in idle if "swin.layernorm" not in name and "mask_token" not in name] == []
    assert made.eval().queries(torch.zeros(1, 3, 64, 64)).auxiliary == ()


@every_network
def test_stages__hold_every_encoder_parameter_once(network: str, encoder: str) -> None:
    made = built(network, encoder)
    inside = [id(parameter) for stage in made.stages for layer in stage for parameter in layer.parameters()]
    names = ("embeddings", "layers.", "layernorm.") if network == "eomt" else ("model.pixel_level_module.encoder",)
    expected = {id(value) for name, value in made.model.named_parameters() if name.startswith(names)}
    assert len(made.stages) >= 2
    assert len(inside) == len(set(inside))
    assert set(inside) == expected


@every_network
def test_expect__starts_from_class_shares(network: str, encoder: str) -> None:
    made = built(network, encoder).eval()
    nn.init.zeros_(made.class_predictor.weight)
    made.expect([0.7, 0.2, 0.1])
    with torch.no_grad():
        found = made(torch.randn(1, 3, 64, 64)).softmax(1).mean((0, 2, 3))
    torch.testing.assert_close(found, torch.tensor([0.7, 0.2, 0.1]))


def test_spec__json_round_trip_builds_the_same_network() -> None:
    first = spec("eomt", "dinov2_tiny")
    again = NetworkSpec.from_json(json.loads(json.dumps(first.to_json())))
    assert again == first
    one, other = (build_network(each).state_dict() for each in (first, again))
    assert {name: value.shape for name, value in one.items()} == {name: value.shape for name, value in other.items()}


def test_bands__other_than_three() -> None:
    for network, encoder in CASES[1:]:
        assert build_network(spec(network, encoder, bands=5)).eval()(torch.zeros(1, 5, 64, 64)).shape[1] == 3


def test_timm_backbone__starts_as_timm_starts_it() -> None:
    """transformers would start the weights of every batch norm around 0: nothing of the frame would come through."""
    made = built("mask2former", "test_resnet")
    norms = [layer.weight for layer in made.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert max(float(weight.detach().max()) for weight in norms) == 1


def test_semantic_logits__softmax_gives_the_share_of_each_class_sum() -> None:
    said = torch.tensor([[[2.0, 0.0, 1.0], [0.0, 1.0, -1.0]]])
    masks = torch.tensor([[[[3.0, -3.0]], [[-1.0, 2.0]]]])
    shares, inside = said.softmax(-1)[0, :, :2], masks.sigmoid()[0, :, 0]
    sums = shares.T @ inside
    found = semantic_logits(QueryOutput(said, masks), 1, 2)[0, :, 0].softmax(0)
    torch.testing.assert_close(found, sums / sums.sum(0))


def test_semantic_logits__are_finite_where_no_query_claims_anything_and_exact_under_autocast() -> None:
    said = torch.tensor([[[-200.0, -200.0, 200.0]]])
    masks = torch.full((1, 1, 2, 2), -50.0)
    with torch.autocast("cpu", torch.bfloat16):
        found = semantic_logits(QueryOutput(said, masks), 4, 4)
    assert torch.isfinite(found).all()
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.softmax(1), torch.full((1, 2, 4, 4), 0.5))


def test_masked_attention__goes_block_by_block_and_then_is_gone() -> None:
    made = built("eomt", "dinov2_tiny", mask_steps=18).train()
    shares = [made._mask_shares() for _ in range(20)]
    assert shares[0] == [1.0, 1.0]
    assert shares[8] == [0.0, 1.0]
    assert 0 < shares[5][0] < 1
    assert shares[-1] == [0.0, 0.0]
    assert int(made.steps_seen) == 20
    assert made.eval()._mask_shares() == [0.0, 0.0]
    made.train().steps_seen.zero_()
    output = made.queries(torch.randn(1, 3, 64, 64))
    made.options["mask_steps"] = 0
    assert not torch.equal(made.queries(torch.zeros(1, 3, 64, 64)).mask_logits, output.mask_logits)


@pytest.mark.parametrize(
    ("network", "encoder", "options", "place", "found"),
    [
        ("mask2former", "resnet34x", {}, "model.encoder: is not an encoder for Mask2Former", "resnet34x"),
        ("mask2former", "vit_tiny_patch16_224", {}, "does not give the feature pyramid", "strides"),
        ("mask2former", "test_resnet", {"width": 36}, "model.options: do not make a network 'mask2former'", "width 36"),
        ("eomt", "resnet34", {}, "model.encoder: is not an encoder for EoMT", "resnet34"),
        ("eomt", "dinov2_tiny", {"heads": 5}, "model.options: do not make a network 'eomt'", "heads 5"),
        ("eomt", "dinov2_tiny", {"query_blocks": 9}, "model.options: do not fit each other", "query_blocks 9 of 3"),
        ("eomt", "dinov2_tiny", {"patch": 14}, "model.options.patch: has a value it cannot take", "14"),
        ("eomt", "dinov2_tiny", {"no_object_weight": -1}, "model.options.no_object_weight", "-1"),
        (
            "eomt",
            "dinov2_tiny",
            {"configuration": '{"model_type": "detr"}'},
            "not those of a network 'eomt'",
            "detr",
        ),
    ],
)
def test_refusals__say_place_and_what_was_found(
    network: str, encoder: str, options: dict, place: str, found: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        build_network(spec(network, encoder, **options))
    assert place in str(caught.value)
    assert found in str(caught.value)


@every_network
def test_half_precision__answers_and_learns(network: str, encoder: str) -> None:
    made = built(network, encoder, **({"mask_steps": 9} if network == "eomt" else {})).train()
    with torch.autocast("cpu", torch.bfloat16):
        output = made.queries(torch.randn(1, 3, 64, 64))
    target = SegmentTargets.of_channels(torch.arange(64 * 64).reshape(64, 64) // 1366)
    loss, _ = QueryLoss.of(made.options)(output, [target])
    loss.backward()
    gradients = [parameter.grad for parameter in made.parameters() if parameter.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert torch.isfinite(loss)


def test_weights__of_a_timm_classifier_fill_the_backbone(tmp_path: Path) -> None:
    made = built("mask2former", "test_resnet")
    classifier = timm.create_model("test_resnet")
    save_file(classifier.state_dict(), tmp_path / "timm.safetensors")
    report = load_pretrained(made, str(tmp_path / "timm.safetensors"))
    assert report is not None
    assert report.missing == ()
    body, theirs = made.backbone.state_dict(), classifier.state_dict()
    assert all(torch.equal(body[name], theirs[name]) for name in body)
