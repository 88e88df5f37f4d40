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
from segwright.train.objects.planning import instance_spec, smallest_spec
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
