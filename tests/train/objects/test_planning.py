"""The plan of an instance network: options, and what they are taken from."""

from __future__ import annotations

from typing import Any

import pytest

from segwright.core import ConfigError
from segwright.infer import Preprocessing
from segwright.models.instance import InstanceSpec
from segwright.models.instance.maskrcnn.options import MaskRCNNOptions
from segwright.models.instance.solov2.options import SOLOv2Options
from segwright.train.objects.facts import ObjectFacts
from segwright.train.objects.planning import instance_spec, smallest_spec, suited_to_training, tile_in_crops
from segwright.train.plan_inputs import Reasons

FACTS = ObjectFacts(4, 40, 12, 0, 0, (10.0, 24.0, 60.0), from_components=False)
OWN_COLOURS = Preprocessing(("red", "green", "blue"), 1 / 255, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))


def spec_of(network: str, **given: Any) -> InstanceSpec:
    return instance_spec(network, "test_resnet", 1, given, FACTS, "cpu", OWN_COLOURS, Reasons())


def test_instance_spec__masks_from_boxes_see_the_colours_of_the_plan() -> None:
    options = spec_of("solov2", learn_from="boxes").options
    assert isinstance(options, SOLOv2Options)
    assert (options.pixel_mean, options.pixel_std) == (OWN_COLOURS.mean, OWN_COLOURS.std)


def test_instance_spec__lists_are_tuples_and_what_is_named_wins() -> None:
    spec = spec_of("maskrcnn", anchor_sizes_px=[4, 8, 16, 32, 64], candidates=50)
    assert isinstance(spec.options, MaskRCNNOptions)
    assert spec.options.anchor_sizes_px == (4, 8, 16, 32, 64)
    assert spec.candidates == 50
    assert InstanceSpec.from_json(spec.to_json()) == spec


def test_instance_spec__a_cpu_looks_at_fewer_regions_unless_told_otherwise() -> None:
    spec, told = spec_of("maskrcnn"), spec_of("maskrcnn", regions_to_train=512, proposals=400)
    assert isinstance(spec.options, MaskRCNNOptions)
    assert isinstance(told.options, MaskRCNNOptions)
    assert (spec.options.regions_to_train, spec.options.proposals, spec.options.proposals_a_level) == (64, 250, 500)
    assert (told.options.regions_to_train, told.options.proposals) == (512, 400)
    on_gpu = instance_spec("maskrcnn", "test_resnet", 1, {}, FACTS, "cuda", OWN_COLOURS, Reasons()).options
    assert isinstance(on_gpu, MaskRCNNOptions)
    assert (on_gpu.regions_to_train, on_gpu.proposals) == (512, 500)


def test_suited_to_training__cells_are_as_large_against_the_objects_as_published() -> None:
    """Objects of 24 px are a quarter of the published 96 px: so are the cells, 20 px at a frame of 800 px."""
    reasons = Reasons()
    spec = suited_to_training(spec_of("solov2"), {}, 128, 400, reasons)
    assert isinstance(spec.options, SOLOv2Options)
    assert spec.options.grids[0] == round(128 / (20 / 4))
    assert list(spec.options.grids) == sorted(spec.options.grids, reverse=True)
    assert "crops of 128 px" in reasons.texts["network.grids"]
    assert InstanceSpec.from_json(spec.to_json()) == spec


def test_suited_to_training__the_colour_term_grows_over_a_tenth_of_the_steps() -> None:
    spec, given = spec_of("solov2", learn_from="boxes"), {"learn_from": "boxes"}
    assert suited_to_training(spec, given, 128, 400, Reasons()).options.warm_up_steps == 40  # type: ignore[union-attr]
    masks = suited_to_training(spec_of("solov2"), {}, 128, 400, Reasons())
    assert masks.options.warm_up_steps == SOLOv2Options().warm_up_steps  # type: ignore[union-attr]


def test_suited_to_training__what_is_given_and_other_networks_stay() -> None:
    grids = (8, 8, 6, 4, 4)
    given = {"grids": list(grids), "warm_up_steps": 7, "learn_from": "boxes"}
    spec = spec_of("solov2", **given)
    assert suited_to_training(spec, given, 128, 400, Reasons()) == spec
    assert suited_to_training(spec_of("yolact"), {}, 128, 400, Reasons()) == spec_of("yolact")


def test_tile_in_crops__solov2_sees_in_use_what_it_saw_in_training() -> None:
    assert tile_in_crops("solov2")[0] == 1
    assert tile_in_crops("maskrcnn")[0] == tile_in_crops("unet")[0] == 2


@pytest.mark.parametrize(
    ("network", "given", "text"),
    [
        ("maskrcn", {}, "model.network: is not an instance network"),
        ("maskrcnn", {"anchor_size_px": [1]}, "did you mean 'anchor_sizes_px'"),
        ("maskrcnn", {"head_width": "wide"}, "model.options.head_width: does not suit maskrcnn"),
        ("maskrcnn", {"anchor_sizes_px": [8, 16]}, "5 values, one a pyramid level"),
        ("solov2", {"learn_from": "scribbles"}, "'masks' or 'boxes'"),
        ("yolact", {"candidates": 0}, "greater than or equal to 1"),
    ],
)
def test_smallest_spec__says_what_is_wrong_before_a_frame_is_read(network: str, given: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        smallest_spec(network, "test_resnet", given)
