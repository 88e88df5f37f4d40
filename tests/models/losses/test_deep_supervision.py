"""One loss over outputs of several sizes."""

from __future__ import annotations

import pytest
import torch

from segwright.models.losses import VOID_CHANNEL, DeepSupervision, SegmentationLoss
from segwright.models.losses.deep_supervision import resized
from tests.models.losses.cases import example

LOSS = SegmentationLoss({"cross_entropy": 0.5, "dice": 0.5}, (1, 2))


def test_deep_supervision__of_one_output_is_the_loss_itself() -> None:
    logits, target = example()
    assert torch.equal(DeepSupervision(LOSS)(logits, target)[0], LOSS(logits, target)[0])
    assert torch.equal(DeepSupervision(LOSS)([logits], target)[0], LOSS(logits, target)[0])


def test_deep_supervision__halves_the_weight_with_the_depth_and_tells_the_finest_terms() -> None:
    logits, target = example(height=8, width=8)
    outputs = [logits, logits[..., 1::2, 1::2], logits[..., 2::4, 2::4]]
    targets = [target, target[:, 1::2, 1::2], target[:, 2::4, 2::4]]
    parts = [LOSS(*pair)[0] for pair in zip(outputs, targets, strict=True)]
    total, terms = DeepSupervision(LOSS)(outputs, target)
    torch.testing.assert_close(total, (4 * parts[0] + 2 * parts[1] + parts[2]) / 7)
    assert terms == {name: pytest.approx(float(term)) for name, term in LOSS(logits, target)[1].items()}


def test_resized__invents_no_channel_and_keeps_void() -> None:
    target = torch.tensor([[[0, 0, 5, 5], [0, 0, 5, VOID_CHANNEL], [0, 0, 5, 5], [2, 2, 250, 250]]])
    assert resized(target, (2, 2)).tolist() == [[[0, VOID_CHANNEL], [2, 250]]]
    assert resized(target, (4, 4)) is target
