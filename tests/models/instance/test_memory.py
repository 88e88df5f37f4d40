"""What a step holds does not grow with the objects of a frame (roboflow/rf-detr#1084, #1460, #639)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from segwright.models.instance import InstanceTargets
from tests.models.instance.networks import OPTIONS, network
from tests.models.instance.scenes import targets

SIDE, CELL = 64, 4


class Largest(TorchDispatchMode):
    """Remembers how many bytes the largest tensor has that an operation makes."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        views = {tensor.untyped_storage().data_ptr() for tensor in args if isinstance(tensor, Tensor)}
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, Tensor) and tensor.untyped_storage().data_ptr() not in views:
                self.bytes = max(self.bytes, tensor.numel() * tensor.element_size())
        return out


def crowded(count: int) -> InstanceTargets:
    """`count` squares of 3 px, 4 px apart, row by row."""
    across = SIDE // CELL
    masks = torch.zeros(count, SIDE, SIDE, dtype=torch.bool)
    for at in range(count):
        top, left = at // across * CELL, at % across * CELL
        masks[at, top : top + 3, left : left + 3] = True
    return targets(masks, [at % 2 for at in range(count)])


@pytest.mark.parametrize("name", OPTIONS)
def test_loss__its_largest_tensor_is_the_same_for_any_number_of_objects(name: str) -> None:
    found = []
    for count in (48, 240):  # more than are worked on at a time, both
        model, truth = network(name), crowded(count)
        with Largest() as largest:
            model.loss(torch.zeros(1, 3, SIDE, SIDE), [truth])[0].backward()
        found.append(largest.bytes)
    assert found[0] == found[1]
