"""The weighted sum of terms."""

from __future__ import annotations

import pytest
import torch

from segwright.models.losses import VOID_CHANNEL, SegmentationLoss, cross_entropy, soft_dice


def example() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(-1, 3, (2, 8, 8), generator=generator)
    return torch.randn((2, 3, 8, 8), generator=generator) * 4, target


def test_loss__is_the_weighted_sum_and_tells_its_terms() -> None:
    logits, target = example()
    weights = (0.5, 1.0, 2.0)
    total, terms = SegmentationLoss({"cross_entropy": 0.5, "dice": 0.25}, (1, 2), weights)(logits, target)
    log_probabilities = logits.log_softmax(1)
    assert torch.equal(terms["cross_entropy"], cross_entropy(log_probabilities, target, torch.tensor(weights)))
    assert torch.equal(terms["dice"], soft_dice(log_probabilities, target, (1, 2)))
    torch.testing.assert_close(total, 0.5 * terms["cross_entropy"] + 0.25 * terms["dice"])


@pytest.mark.parametrize(
    ("weights", "names"), [({"dice": 1.0}, ["dice"]), ({"cross_entropy": 1.0, "dice": 0.0}, ["cross_entropy"])]
)
def test_loss__a_term_without_weight_is_not_computed(weights: dict[str, float], names: list[str]) -> None:
    total, terms = SegmentationLoss(weights, (1, 2))(*example())
    assert list(terms) == names
    assert torch.equal(total.detach(), terms[names[0]])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_loss__half_precision_logits_are_computed_in_float32(dtype: torch.dtype) -> None:
    logits, target = example()
    loss = SegmentationLoss({"cross_entropy": 0.5, "dice": 0.5}, (1, 2))
    half = (logits * 100).to(dtype).requires_grad_()
    total, _ = loss(half, target)
    total.backward()
    expected, _ = loss(half.detach().float(), target)
    assert total.dtype == torch.float32
    assert torch.equal(total.detach(), expected)
    assert half.grad is not None
    assert bool(torch.isfinite(half.grad).all())


def test_loss__of_a_batch_of_void_moves_nothing() -> None:
    logits = example()[0].requires_grad_()
    total, _ = SegmentationLoss({"cross_entropy": 0.5, "dice": 0.5}, (1, 2), (1.0, 5.0, 5.0))(
        logits, torch.full((2, 8, 8), VOID_CHANNEL)
    )
    total.backward()
    assert total.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()
