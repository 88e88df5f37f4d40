from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import Box, Instance
from segwright.line.association import associated, mask_iou


def block(top: int, left: int, side: int = 4, class_id: int = 1) -> Instance:
    return Instance(class_id, Box(top, left, top + side, left + side), np.ones((side, side), bool))


BLOCKS = st.lists(st.builds(block, st.integers(0, 6), st.integers(0, 6), st.integers(2, 5)), max_size=4)


def test_associated__the_best_sum_is_not_the_best_pair_first() -> None:
    # in one row, 4 px wide: A at 0, B at 2; found: C at 1 (A 3/5, B 3/5), D at 3 (A 1/7, B 3/5)
    pairs = associated([block(0, 0), block(0, 2)], [block(0, 1), block(0, 3)], 0.1)
    assert pairs == [(0, 0), (1, 1)]


def test_associated__classes_stay_apart_and_too_little_is_nobodys() -> None:
    assert associated([block(0, 0)], [block(0, 0, class_id=2)], 0.1) == []
    assert associated([block(0, 0)], [block(0, 3)], 0.2) == []
    assert associated([block(0, 0)], [block(0, 4)], 0.0) == []
    assert associated([], [block(0, 0)], 0.2) == []


@given(BLOCKS, BLOCKS)
def test_mask_iou__equals_counting_on_whole_frames(some: list[Instance], others: list[Instance]) -> None:
    def whole(one: Instance) -> np.ndarray:
        frame = np.zeros((12, 12), bool)
        frame[one.box.slices] = one.mask
        return frame

    table = mask_iou(some, others)
    assert table.shape == (len(some), len(others))
    for row, one in enumerate(some):
        for column, other in enumerate(others):
            union = (whole(one) | whole(other)).sum()
            assert table[row, column] == pytest.approx((whole(one) & whole(other)).sum() / union)


@given(BLOCKS, BLOCKS)
def test_associated__reaches_the_largest_sum_of_all_assignments(some: list[Instance], others: list[Instance]) -> None:
    iou = mask_iou(some, others)
    wide = iou if len(some) <= len(others) else iou.T
    best = max(
        sum(wide[row, at] for row, at in enumerate(order)) for order in permutations(range(wide.shape[1]), len(wide))
    )
    assert sum(iou[pair] for pair in associated(some, others, 0.0)) == pytest.approx(best)
