"""Panoptic FPN: the contract's shapes, void, and that it learns."""

from __future__ import annotations

import json

import pytest
import torch
from torch.nn import functional as F

from segwright.core import ConfigError, DataError
from segwright.models.instance import InstanceTargets
from segwright.models.panoptic import PanopticNetwork, PanopticSpec, PanopticTargets, build_panoptic_network
from segwright.models.panoptic.network import stuff_loss
from tests.models.panoptic.networks import THING, VOID, batch, network, panoptic_scene, spec


def test_answer__has_the_shapes_of_the_contract() -> None:
    model = network().eval()
    with torch.no_grad():
        found = model(torch.randn(2, 3, 64, 96))
    assert isinstance(model, PanopticNetwork)
    assert found.stuff_logits.shape == (2, 3, 64, 96)
    assert found.mask_logits.shape == (2, 10, 28, 28)


def test_stuff_loss__equals_torchs_cross_entropy_without_void_and_ignored() -> None:
    _, truth = panoptic_scene(0)
    ignored = torch.zeros(64, 64, dtype=torch.bool)
    ignored[:10] = True
    stuff = truth.stuff.clone()
    stuff[:, :10] = VOID
    things = InstanceTargets(truth.things.channels, truth.things.boxes, truth.things.masks, ignored)
    logits = torch.randn(1, 3, 64, 64, requires_grad=True)
    found = stuff_loss(logits, [PanopticTargets(things, stuff)])
    expected = F.cross_entropy(logits, stuff.masked_fill(ignored, VOID)[None], ignore_index=VOID)
    torch.testing.assert_close(found, expected)
    found.backward()
    assert logits.grad is not None
    assert bool((logits.grad[..., :10, :] == 0).all())
    assert bool((logits.grad[..., :, :10] == 0).all())


def test_loss__every_parameter_gets_a_gradient_even_with_nothing_to_learn() -> None:
    frames, truths = batch(range(2))
    truth = truths[0].things
    assert truth.masks is not None
    empty = InstanceTargets(truth.channels[:0], truth.boxes[:0], truth.masks[:0], torch.ones(64, 64) > 0)
    model = network()
    total, terms = model.loss(frames, [PanopticTargets(empty, truths[0].stuff)] * 2)
    total.backward()
    assert total.item() == 0
    assert set(terms) == {"objectness", "proposals", "classes", "boxes", "masks", "stuff"}
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


def test_loss__goes_down_until_the_stuff_is_known() -> None:
    """That the things are learned as well is shown of Mask R-CNN, whose heads these are."""
    frames, truths = batch(range(2))
    model = network().train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(25):
        total, _ = model.loss(frames, truths)
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
    with torch.no_grad():
        stuff = model.eval().stuff(model.pyramid(model.encoder(frames))).argmax(1)
    wrong = torch.stack([truth.stuff for truth in truths]) != stuff
    assert float(wrong.float().mean()) < 0.15


def test_targets__a_map_of_another_size_is_refused() -> None:
    _, truth = panoptic_scene(0)
    with pytest.raises(DataError, match="the map of stuff does not fit the things"):
        PanopticTargets(truth.things, truth.stuff[:32])
    assert int((truth.to("cpu").stuff == THING).sum()) > 0


def test_spec__json_round_trip() -> None:
    again = PanopticSpec.from_json(json.loads(json.dumps(spec(refinements=1).to_json())))
    assert again == spec(refinements=1)


def test_build__an_unknown_network_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"model\.network: is not a panoptic network"):
        build_panoptic_network(PanopticSpec("upsnet", "test_resnet", 3, 1, 1))
