"""One object, one answer."""

from __future__ import annotations

import numpy as np
import pytest

from segwright.core import Instance, instance_from_mask
from segwright.infer.objects import suppressed


def bar(top: int, left: int, height: int, width: int, score: float, class_id: int = 1) -> Instance:
    one = instance_from_mask(np.ones((height, width), bool), class_id, at=(top, left), score=score)
    assert one is not None
    return one


def test_suppressed__the_surer_of_two_that_lie_on_each_other_stays() -> None:
    sure, double = bar(0, 0, 10, 10, 0.9), bar(0, 1, 10, 10, 0.6)
    assert suppressed([double, sure], 0.5) == [sure]


def test_suppressed__bars_that_cross_stay_though_their_boxes_would_not() -> None:
    slanted = np.eye(40, dtype=bool)
    one, other = (instance_from_mask(mask, 1, score=score) for mask, score in ((slanted, 0.9), (slanted[::-1], 0.8)))
    assert one is not None
    assert other is not None
    assert one.box == other.box
    assert len(suppressed([one, other], 0.3)) == 2


def test_suppressed__a_fragment_inside_a_whole_goes_by_the_smaller_measure_only() -> None:
    whole, part = bar(0, 0, 20, 20, 0.9), bar(5, 5, 4, 4, 0.8)
    assert len(suppressed([whole, part], 0.5)) == 2
    assert suppressed([whole, part], 0.5, measure="smaller") == [whole]


def test_suppressed__other_classes_are_left_alone_unless_told() -> None:
    scratch, dent = bar(0, 0, 9, 9, 0.9, 1), bar(0, 0, 9, 9, 0.8, 2)
    assert len(suppressed([scratch, dent], 0.5)) == 2
    assert suppressed([scratch, dent], 0.5, across_classes=True) == [scratch]


def test_suppressed__what_was_suppressed_suppresses_nothing() -> None:
    chain = [bar(0, 0, 10, 10, 0.9), bar(0, 4, 10, 10, 0.8), bar(0, 8, 10, 10, 0.7)]
    assert suppressed(chain, 0.4) == [chain[0], chain[2]]


def test_suppressed__on_boxes_equals_torchvision() -> None:
    torch = pytest.importorskip("torch")
    ops = pytest.importorskip("torchvision.ops")
    rng = np.random.default_rng(3)
    for _ in range(20):
        rows = rng.integers(0, 30, (25, 2)), rng.integers(1, 20, (25, 2))
        scores = rng.permutation(25) / 25
        found = [
            bar(int(top), int(left), int(high), int(wide), float(score))
            for (top, left), (high, wide), score in zip(*rows, scores, strict=True)
        ]
        edges = [(one.box.left, one.box.top, one.box.right, one.box.bottom) for one in found]
        kept = ops.nms(torch.tensor(edges, dtype=torch.float32), torch.tensor(scores, dtype=torch.float32), 0.4001)
        assert suppressed(found, 0.4001) == [found[int(at)] for at in kept]
