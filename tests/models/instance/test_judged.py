"""What void and crowd regions leave of the truth."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import ConfigError
from segwright.models.instance import InstanceTargets
from segwright.models.instance.judged import ignored_share, judged, needs_masks, shares_at_stride
from tests.models.instance.scenes import targets


@given(
    seed=st.integers(0, 2**31),
    corners=st.tuples(st.integers(-2, 9), st.integers(-2, 9), st.integers(-2, 12), st.integers(-2, 12)),
)
def test_ignored_share__equals_counting(seed: int, corners: tuple[int, int, int, int]) -> None:
    ignored = torch.rand(8, 10, generator=torch.Generator().manual_seed(seed)) < 0.5
    x_min, y_min, x_max, y_max = (max(0, value) for value in corners)
    inside = ignored[y_min:y_max, x_min:x_max]
    expected = float(inside.float().mean()) if inside.numel() else 0.0
    found = ignored_share(torch.tensor([corners], dtype=torch.float32), ignored)
    assert float(found) == pytest.approx(expected)


def test_judged__masks_end_at_what_is_ignored_and_hidden_objects_are_gone() -> None:
    masks = torch.zeros(2, 4, 4, dtype=torch.bool)
    masks[0, :2, :2] = True
    masks[1, 3:, 3:] = True
    ignored = torch.zeros(4, 4, dtype=torch.bool)
    ignored[3, 3] = ignored[0, 0] = True
    left = judged(targets(masks, [0, 1], ignored))
    assert left.channels.tolist() == [0]
    assert left.masks is not None
    assert int(left.masks.sum()) == 3


def test_judged__boxes_only_go_where_they_lie_in_it_whole() -> None:
    ignored = torch.zeros(4, 4, dtype=torch.bool)
    ignored[:2] = True
    boxes = torch.tensor([[0.0, 0, 4, 2], [0, 0, 4, 3], [2, 2, 2, 3]])
    left = judged(InstanceTargets(torch.tensor([0, 1, 2]), boxes, None, ignored))
    assert left.channels.tolist() == [1]  # the last has no pixel


def test_shares_at_stride__a_thin_object_keeps_its_share() -> None:
    masks = torch.zeros(1, 8, 8, dtype=torch.bool)
    masks[0, 1, :] = True
    ignored = torch.zeros(8, 8, dtype=torch.bool)
    ignored[:4, 4:] = True
    ignored[1, 4] = False
    cells = shares_at_stride(judged(targets(masks, [0], ignored)), 4)
    shares, seen = cells.of(slice(None)), cells.judged
    assert shares[0].tolist() == [[0.25, 1.0], [0.0, 0.0]]  # of the one judged pixel in the second cell, all
    assert seen.tolist() == [[True, True], [True, True]]


def test_needs_masks__boxes_alone_are_refused() -> None:
    only = InstanceTargets(torch.tensor([0]), torch.tensor([[0.0, 0, 2, 2]]), None, torch.zeros(4, 4, dtype=torch.bool))
    with pytest.raises(ConfigError, match=r"model\.network: yolact: learns from masks") as caught:
        needs_masks(only, "yolact")
    assert "learn_from" in caught.value.problems[0].fix
