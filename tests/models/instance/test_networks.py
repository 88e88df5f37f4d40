"""What holds for every instance network, whatever it is made of."""

from __future__ import annotations

import json

import pytest
import torch

from segwright.core import ConfigError
from segwright.models.instance import (
    NETWORKS,
    Candidates,
    InstanceSpec,
    InstanceTargets,
    build_instance_network,
)
from tests.models.instance.networks import OPTIONS, SOLOV2, network, spec
from tests.models.instance.scenes import batch, scene

every_network = pytest.mark.parametrize("name", OPTIONS)


def nothing_on(size: int = 64) -> InstanceTargets:
    _, truth = scene(0, size=size, objects=1)
    assert truth.masks is not None
    return InstanceTargets(truth.channels[:0], truth.boxes[:0], truth.masks[:0], truth.ignored)


def answer(name: str, batch_size: int, height: int, width: int, **options: int) -> Candidates:
    frames = torch.randn(batch_size, options.get("bands", 3), height, width, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return network(name, **options).eval()(frames)


@every_network
def test_answer__has_the_shapes_of_the_contract(name: str) -> None:
    side = {"maskrcnn": (28, 28), "maskrcnn refined": (112, 112)}.get(name, (16, 24))
    found = answer(name, 2, 64, 96, candidates=12)
    assert found.scores.shape == (2, 12)
    assert found.channels.dtype == torch.int64
    assert found.boxes.shape == (2, 12, 4)
    assert found.mask_logits.shape == (2, 12, *side)


@every_network
def test_answer__falls_stays_in_the_frame_and_is_padded_with_nothing(name: str) -> None:
    found = answer(name, 2, 64, 96, candidates=400)  # more than any of them looks at
    assert bool((found.scores[:, 1:] <= found.scores[:, :-1]).all())
    assert 0 <= float(found.scores.min()) <= float(found.scores.max()) <= 1
    low, high = found.boxes[..., :2], found.boxes[..., 2:]
    assert bool((low >= 0).all())
    assert bool((high <= torch.tensor([96, 64])).all())
    assert bool((high >= low).all())
    padding = found.scores == 0
    assert bool(padding.any())
    assert bool((found.channels[padding] == 0).all())
    assert bool((found.boxes[padding] == 0).all())
    assert bool((found.mask_logits[padding] <= 0).all())


@every_network
def test_answer__the_smallest_frame_other_bands_one_class(name: str) -> None:
    bands = 3 if "boxes" in name else 1
    found = answer(name, 1, 32, 32, channels=1, bands=bands)
    assert found.scores.shape == (1, 10)
    assert bool((found.channels == 0).all())


@every_network
def test_answer__a_frame_does_not_depend_on_its_batch(name: str) -> None:
    frames, _ = batch(range(2))
    model = network(name).eval()
    with torch.no_grad():
        together, alone = model(frames), model(frames[1:])
    for both, one in zip(together, alone, strict=True):
        torch.testing.assert_close(both[1:], one, rtol=1e-3, atol=1e-3)


@every_network
def test_answer__of_half_precision_is_float32(name: str) -> None:
    frames, _ = batch(range(1))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = network(name).eval()(frames)
    assert [part.dtype for part in found] == [torch.float32, torch.int64, torch.float32, torch.float32]
    assert all(bool(torch.isfinite(part).all()) for part in found)


@every_network
def test_loss__every_parameter_gets_a_gradient(name: str) -> None:
    frames, truths = batch(range(2))
    model = network(name)
    total, terms = model.loss(frames, truths)
    total.backward()
    assert [key for key, parameter in model.named_parameters() if parameter.grad is None] == []
    assert all(term.shape == () and not term.requires_grad and term.dtype == torch.float32 for term in terms.values())


@every_network
def test_loss__no_objects_at_all(name: str) -> None:
    model = network(name)
    total, terms = model.loss(batch(range(2))[0], [nothing_on(), nothing_on()])
    total.backward()
    assert torch.isfinite(total)
    assert [key for key, parameter in model.named_parameters() if parameter.grad is None] == []
    assert all(float(terms[key]) == 0 for key in terms if key in ("masks", "boxes", "points", "projection", "colour"))


@every_network
def test_loss__half_precision_reaches_no_loss(name: str) -> None:
    frames, truths = batch(range(2))
    with torch.autocast("cpu", torch.bfloat16):
        total, terms = network(name).loss(frames, truths)
    total.backward()
    assert torch.isfinite(total)
    assert {term.dtype for term in [total, *terms.values()]} == {torch.float32}


@every_network
def test_loss__one_class_and_a_thousand(name: str) -> None:
    frames, truths = batch(range(1))
    for channels in (1, 1000):
        given = [InstanceTargets(one.channels * 0 + channels - 1, one.boxes, one.masks, one.ignored) for one in truths]
        total, _ = network(name, channels).loss(frames, given)
        assert torch.isfinite(total)


@every_network
def test_loss__what_is_said_of_ignored_pixels_changes_nothing(name: str) -> None:
    frames, truths = batch(range(1))
    plain = truths[0]
    assert plain.masks is not None
    ignored = torch.zeros(64, 64, dtype=torch.bool)
    ignored[:, :20] = True
    painted = [
        InstanceTargets(plain.channels, plain.boxes, plain.masks, ignored),
        InstanceTargets(plain.channels, plain.boxes, (plain.masks ^ ignored).to(torch.uint8), ignored),
    ]
    losses = []
    for truth in painted:
        model = network(name)
        torch.manual_seed(3)  # which anchors and points are looked at
        losses.append(model.loss(frames, [truth])[0].item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


@every_network
def test_loss__a_hidden_object_is_no_object(name: str) -> None:
    frames, truths = batch(range(1))
    plain = truths[0]
    assert plain.masks is not None
    x_min, y_min, x_max, y_max = plain.boxes[0].int().tolist()
    ignored = torch.zeros(64, 64, dtype=torch.bool)
    ignored[y_min:y_max, x_min:x_max] = True
    without = InstanceTargets(plain.channels[1:], plain.boxes[1:], plain.masks[1:], ignored)
    losses = []
    for truth in (InstanceTargets(plain.channels, plain.boxes, plain.masks, ignored), without):
        model = network(name)
        torch.manual_seed(3)
        losses.append(model.loss(frames, [truth])[0].item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


@pytest.mark.parametrize("name", ["solov2", "yolact", "maskrcnn"])
def test_loss__boxes_alone_are_refused_where_masks_are_learned(name: str) -> None:
    frames, truths = batch(range(1))
    only = InstanceTargets(truths[0].channels, truths[0].boxes, None, truths[0].ignored)
    with pytest.raises(ConfigError, match="learns from masks, and these objects have boxes only"):
        network(name).loss(frames, [only])


def test_loss__from_boxes_masks_are_neither_needed_nor_looked_at() -> None:
    frames, truths = batch(range(1))
    only = InstanceTargets(truths[0].channels, truths[0].boxes, None, truths[0].ignored)
    model = network("solov2 from boxes").eval()
    assert model.loss(frames, [only])[0].item() == model.loss(frames, truths)[0].item()


def test_warm_up__the_colour_term_grows_with_the_steps() -> None:
    frames, truths = batch(range(1))
    model = network("solov2 from boxes")
    for step in (1, 2):
        total, terms = model.loss(frames, truths)
        share = step / SOLOV2.warm_up_steps
        expected = terms["cells"] + terms["projection"] + share * terms["colour"]
        torch.testing.assert_close(total.detach(), expected)
    assert int(model.state_dict()["steps_from_boxes"]) == 2


@every_network
def test_spec__json_round_trip_builds_the_same_network(name: str) -> None:
    again = InstanceSpec.from_json(json.loads(json.dumps(spec(name).to_json())))
    assert again == spec(name)
    build_instance_network(again).load_state_dict(network(name).state_dict())


def test_build__an_unknown_network_names_those_that_exist() -> None:
    with pytest.raises(ConfigError, match=r"model\.network: is not an instance network") as caught:
        build_instance_network(InstanceSpec("solo", "test_resnet", 3, 1, SOLOV2))
    assert caught.value.problems[0].allowed == ", ".join(NETWORKS)


def test_build__options_of_another_network_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"model\.network: yolact: does not take these options"):
        build_instance_network(InstanceSpec("yolact", "test_resnet", 3, 1, SOLOV2))


def test_build__boxes_need_the_normalisation_of_each_band() -> None:
    with pytest.raises(ConfigError, match="has a mean and std for another number of bands") as caught:
        network("solov2 from boxes", bands=4)
    assert caught.value.problems[0].found == "3 means, 3 stds"


@every_network
def test_stages__hold_the_whole_backbone(name: str) -> None:
    model = network(name)
    held = [id(p) for stage in model.stages for layer in stage for p in layer.parameters()]
    assert held == [id(p) for p in model.backbone.parameters()]
