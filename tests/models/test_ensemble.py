"""Several networks as one: the mean of their probabilities, and finite logits."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from segwright.models.ensemble import Ensemble


def networks(count: int) -> list[nn.Module]:
    torch.manual_seed(0)
    return [nn.Conv2d(3, 4, 1) for _ in range(count)]


def test_ensemble__is_the_mean_of_its_members_probabilities() -> None:
    members, frames = networks(3), torch.randn(2, 3, 8, 8)
    wanted = torch.stack([member(frames).softmax(dim=1) for member in members]).mean(dim=0)
    torch.testing.assert_close(Ensemble(members, 8)(frames).softmax(dim=1), wanted)


def test_ensemble__of_one_is_that_network() -> None:
    member, frames = networks(1)[0], torch.randn(1, 3, 8, 8)
    torch.testing.assert_close(Ensemble([member], 8)(frames).softmax(dim=1), member(frames).softmax(dim=1))


def test_ensemble__stays_finite_where_all_are_sure() -> None:
    member = nn.Conv2d(3, 2, 1)
    with torch.no_grad():
        member.weight.zero_()
        assert member.bias is not None
        member.bias.copy_(torch.tensor([1e4, -1e4]))
    answer = Ensemble([member, member], 8)(torch.zeros(1, 3, 8, 8))
    assert torch.isfinite(answer).all()


def test_ensemble__of_none_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one member"):
        Ensemble([], 8)
