"""Suppression by matrices: equal to the loops it stands for, and to torchvision's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.ops import batched_nms
from torchvision.ops import box_iou as torchvision_iou

from segwright.models.instance.suppression import box_iou, fast_nms, greedy_nms, mask_iou, matrix_nms


def crowd(seed: int, count: int = 60, classes: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """Scores, channels and boxes (1, count, ...) that overlap a lot; some scores are equal."""
    draw = torch.Generator().manual_seed(seed)
    low = torch.rand(1, count, 2, generator=draw) * 40
    boxes = torch.cat([low, low + 5 + torch.rand(1, count, 2, generator=draw) * 30], dim=2)
    scores = (torch.rand(1, count, generator=draw) * 50).round() / 50
    return scores, torch.randint(classes, (1, count), generator=draw), boxes


@given(seed=st.integers(0, 2**31), threshold=st.sampled_from([0.2, 0.5, 0.7]), count=st.integers(1, 60))
def test_greedy_nms__equals_torchvision(seed: int, threshold: float, count: int) -> None:
    scores, channels, boxes = crowd(seed, count)
    scores = scores + torch.linspace(0, 1e-3, count)  # torchvision does not say which of equals it keeps
    kept = greedy_nms(scores, channels, box_iou(boxes, boxes), iou_threshold=threshold)
    expected = batched_nms(boxes[0], scores[0], channels[0], threshold)
    assert set(kept[0].nonzero().flatten().tolist()) == set(expected.tolist())


def test_greedy_nms__a_chain_as_long_as_it_gets() -> None:
    """Each box overlaps only the next: the first survives, so the second does not, so the third does, and so on."""
    x = torch.arange(101, dtype=torch.float32) * 5
    boxes = torch.stack([x, 0 * x, x + 10, 0 * x + 10], dim=1)[None]
    scores = torch.linspace(1, 0.1, 101)[None]
    kept = greedy_nms(scores, torch.zeros(1, 101, dtype=torch.int64), box_iou(boxes, boxes), iou_threshold=0.3)
    assert kept[0].tolist() == [position % 2 == 0 for position in range(101)]


def test_box_iou__equals_torchvision() -> None:
    _, _, boxes = crowd(3)
    torch.testing.assert_close(box_iou(boxes, boxes)[0], torchvision_iou(boxes[0], boxes[0]))


def test_box_iou__empty_boxes_overlap_nothing() -> None:
    assert box_iou(torch.zeros(1, 4), torch.zeros(1, 4)).item() == 0


def test_mask_iou__by_eye() -> None:
    masks = torch.tensor([[[1.0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]]])
    torch.testing.assert_close(mask_iou(masks)[0, :2, :2], torch.tensor([[1, 1 / 3], [1 / 3, 1]]))
    assert mask_iou(masks)[0, 2].tolist() == [0, 0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_fast_nms__is_the_papers_sentence(seed: int) -> None:
    """Out goes what overlaps any better one of its class, itself out or not (Bolya et al. 2019, section 5)."""
    scores, channels, boxes = crowd(seed)
    iou = box_iou(boxes, boxes)
    kept = fast_nms(scores, channels, iou, iou_threshold=0.5)[0]
    for one in range(len(kept)):
        better = [
            other
            for other in range(len(kept))
            if channels[0, other] == channels[0, one]
            and (scores[0, other], -other) > (scores[0, one], -one)
            and iou[0, other, one] > 0.5
        ]
        assert kept[one] == (not better)


@pytest.mark.parametrize("seed", range(3))
def test_matrix_nms__equals_the_loops_of_its_definition(seed: int) -> None:
    """decay_j = min over better i of f(iou_ij) / f(iou_.i), f(x) = exp(-2 x^2) (Wang et al. 2020, SOLOv2, eq. 4, 5)."""
    scores, channels, boxes = crowd(seed, count=25)
    iou = box_iou(boxes, boxes)
    found = matrix_nms(scores, channels, iou, sigma=2.0)[0].numpy()
    value, label, overlap = scores[0].numpy(), channels[0].numpy(), iou[0].numpy().astype(np.float64)

    def better(one: int) -> list[int]:
        return [i for i in range(25) if label[i] == label[one] and (value[i], -i) > (value[one], -one)]

    def weight(share: float) -> float:
        return float(np.exp(-2.0 * share**2))

    for j in range(25):
        ratios = [
            weight(overlap[i, j]) / weight(max((overlap[k, i] for k in better(i)), default=0.0)) for i in better(j)
        ]
        assert found[j] == pytest.approx(value[j] * min([1.0, *ratios]), abs=1e-6)


def test_matrix_nms__by_hand() -> None:
    """Two of one class with IoU 0.5: the worse keeps exp(-2 * 0.25) of its score; another class keeps all."""
    iou = torch.tensor([[[1.0, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]]])
    lowered = matrix_nms(torch.tensor([[0.9, 0.8, 0.7]]), torch.tensor([[0, 0, 1]]), iou)
    torch.testing.assert_close(lowered, torch.tensor([[0.9, 0.8 * np.exp(-0.5), 0.7]], dtype=torch.float32))
