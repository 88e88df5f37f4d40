"""The best of many, padded to a fixed number."""

from __future__ import annotations

from unittest.mock import patch

import torch

from segwright.models.instance import Candidates
from segwright.models.instance.ranking import best, filled, padded_with_nothing, ranks_above, take


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


def test_filled__counts_the_columns_that_hold_anything() -> None:
    assert filled(torch.tensor([[0.9, 0.5, 0.0, 0.0], [0.3, 0.0, 0.0, 0.0]])) == 2
    assert filled(torch.zeros(2, 4)) == 1
    with patch("torch.compiler.is_exporting", return_value=True):
        assert filled(torch.zeros(2, 4)) == 4


def test_padded_with_nothing__zeros_where_there_is_no_score_and_behind() -> None:
    some = Candidates(
        torch.tensor([[0.5, 0.0]]), torch.tensor([[3, 4]]), torch.full((1, 2, 4), 7.0), torch.ones(1, 2, 5, 5)
    )
    padded = padded_with_nothing(some, 4)
    assert [part.shape[1] for part in padded] == [4, 4, 4, 4]
    assert padded.channels.tolist() == [[3, 0, 0, 0]]
    assert [float(part[:, 1:].abs().sum()) for part in padded] == [0.0, 0.0, 0.0, 0.0]
    assert bool((padded.mask_logits[:, 0] == 1).all())
