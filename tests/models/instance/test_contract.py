"""Targets that do not fit each other are refused; what fits is taken as it is."""

from __future__ import annotations

import pytest
import torch

from segwright.core import DataError
from segwright.models.instance import InstanceNetwork, InstanceTargets
from tests.models.instance.networks import OPTIONS, network
from tests.models.instance.scenes import scene


def test_targets__no_objects_are_a_valid_image() -> None:
    nothing = InstanceTargets(
        torch.zeros(0, dtype=torch.int64),
        torch.zeros(0, 4),
        torch.zeros(0, 5, 7, dtype=torch.bool),
        torch.zeros(5, 7) > 0,
    )
    assert len(nothing.to("cpu")) == 0


def test_targets__masks_of_another_size_are_refused() -> None:
    _, truth = scene(0, size=32, objects=1)
    with pytest.raises(DataError, match="shapes or types do not fit each other") as caught:
        InstanceTargets(truth.channels, truth.boxes, truth.masks[:, :-1], truth.ignored)
    assert "masks (1, 31, 32) bool" in caught.value.problems[0].found


def test_targets__boxes_in_another_type_are_refused() -> None:
    _, truth = scene(0, size=32, objects=1)
    with pytest.raises(DataError, match="shapes or types do not fit each other") as caught:
        InstanceTargets(truth.channels, truth.boxes.to(torch.int64), None, truth.ignored)
    assert "masks None" in caught.value.problems[0].found


@pytest.mark.parametrize("name", OPTIONS)
def test_networks__keep_the_contract(name: str) -> None:
    assert isinstance(network(name), InstanceNetwork)
