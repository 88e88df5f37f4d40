"""Batches that wait hold their masks a bit a pixel, and give back what they were made of."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import Tensor

from segwright.models.instance import InstanceTargets
from segwright.models.panoptic import PanopticTargets
from segwright.models.query import SegmentTargets
from segwright.train.objects.packed import PackedMasks, packed


def masks(objects: int, height: int = 13, width: int = 9) -> Tensor:
    return torch.rand(objects, height, width, generator=torch.Generator().manual_seed(objects)) > 0.5


def instances(objects: int, **changed: Any) -> InstanceTargets:
    given = {
        "channels": torch.arange(objects),
        "boxes": torch.rand(objects, 4),
        "masks": masks(objects),
        "ignored": masks(1)[0],
        "seed": 7,
    }
    return InstanceTargets(**{**given, **changed})


def assert_equal(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    for each in fields(one):
        mine, theirs = getattr(one, each.name), getattr(other, each.name)
        if isinstance(mine, Tensor):
            assert mine.dtype == theirs.dtype
            assert torch.equal(mine, theirs), each.name
        elif mine is None or isinstance(mine, int):
            assert mine == theirs
        else:
            assert_equal(mine, theirs)


TARGETS = {
    "objects": instances(5),
    "no object": instances(0),
    "boxes alone": instances(3, masks=None),
    "bytes": instances(2, masks=masks(2).to(torch.uint8)),
    "segments and stuff": PanopticTargets(instances(3), torch.randint(-1, 3, (13, 9))),
    "queries": SegmentTargets(torch.arange(4), masks(4), masks(1)[0]),
    "queries of a map": SegmentTargets(torch.arange(2), torch.randint(-1, 2, (13, 9)), masks(1)[0]),
}


@pytest.mark.parametrize("name", TARGETS)
def test_packed__gives_back_the_very_target(name: str) -> None:
    waiting = packed(TARGETS[name])
    assert_equal(waiting(), TARGETS[name])


def test_packed_masks__take_an_eighth() -> None:
    many = torch.zeros(64, 96, 96, dtype=torch.bool)
    assert PackedMasks.of(many).bits.nbytes * 8 == many.nbytes
