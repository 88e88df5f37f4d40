"""The best of many, padded to a fixed number."""

from __future__ import annotations

import torch

from segwright.models.instance.ranking import best, ranks_above, take


def test_best__falls_and_is_padded_with_zero() -> None:
    scores, index = best(torch.tensor([[0.2, 0.9, 0.5]]), 5)
    torch.testing.assert_close(scores, torch.tensor([[0.9, 0.5, 0.2, 0, 0]]))
    assert index[0, :3].tolist() == [1, 2, 0]
    assert int(index.max()) <= 2


def test_take__rows_of_each_image() -> None:
    values = torch.arange(12).reshape(2, 3, 2)
    assert take(values, torch.tensor([[2, 0], [1, 1]])).tolist() == [[[4, 5], [0, 1]], [[8, 9], [8, 9]]]


def test_ranks_above__equals_are_in_their_order() -> None:
    above = ranks_above(torch.tensor([[0.5, 0.7, 0.5]]))[0]
    assert above.tolist() == [[False, False, True], [True, False, True], [False, False, False]]
