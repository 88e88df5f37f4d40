"""Single loss terms: equal to torch and to a plainly written Dice; void adds nothing, absent is no score."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.models.losses import VOID_CHANNEL, cross_entropy, soft_dice

CHANNELS = 4


def example(seed: int = 0, *, void: bool = True, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Logits (2, 4, 5, 6) and channel numbers (2, 5, 6), some of them void."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn((2, CHANNELS, 5, 6), generator=generator, dtype=dtype)
    target = torch.randint(0, CHANNELS, (2, 5, 6), generator=generator)
    if void:
        target[torch.rand(target.shape, generator=generator) < 0.3] = VOID_CHANNEL
    return logits, target


def plain_dice(logits: Tensor, target: Tensor, channels: list[int]) -> float:
    """One minus Dice of each present channel, pixel by pixel, with one pixel of smoothing, averaged."""
    probabilities = logits.softmax(1)
    losses = []
    for channel in channels:
        overlap = predicted = true = 0.0
        for frame in range(target.shape[0]):
            for row in range(target.shape[1]):
                for column in range(target.shape[2]):
                    if target[frame, row, column] == VOID_CHANNEL:
                        continue
                    probability = float(probabilities[frame, channel, row, column])
                    is_it = float(target[frame, row, column] == channel)
                    overlap += probability * is_it
                    predicted += probability
                    true += is_it
        if true:
            losses.append(1 - (2 * overlap + 1) / (predicted + true + 1))
    return sum(losses) / max(1, len(losses))


@pytest.mark.parametrize("void", [False, True])
@pytest.mark.parametrize("weights", [None, (0.2, 1.0, 3.0, 0.0)])
def test_cross_entropy__equals_torch(void: bool, weights: tuple[float, ...] | None) -> None:
    logits, target = example(void=void)
    weight = None if weights is None else torch.tensor(weights)
    ours = cross_entropy(logits.log_softmax(1), target, weight)
    torch.testing.assert_close(ours, F.cross_entropy(logits, target, weight=weight, ignore_index=VOID_CHANNEL))


@pytest.mark.parametrize("void", [False, True])
@pytest.mark.parametrize("channels", [[1, 2, 3], [0, 1, 2, 3], [2]])
def test_soft_dice__equals_one_written_out(void: bool, channels: list[int]) -> None:
    logits, target = example(1, void=void)
    assert float(soft_dice(logits.log_softmax(1), target, channels)) == pytest.approx(
        plain_dice(logits, target, channels), abs=1e-6
    )


def test_soft_dice__right_everywhere_is_nothing_and_wrong_everywhere_is_nearly_one() -> None:
    target = torch.tensor([[[1, 1, 2, 2]]]).repeat(1, 64, 16)
    right = F.one_hot(target, 3).permute(0, 3, 1, 2) * 60.0
    wrong = F.one_hot((target + 1) % 3, 3).permute(0, 3, 1, 2) * 60.0
    assert float(soft_dice(right.log_softmax(1), target, [1, 2])) == pytest.approx(0, abs=1e-6)
    assert float(soft_dice(wrong.log_softmax(1), target, [1, 2])) > 0.999


def test_soft_dice__an_absent_class_is_neither_perfect_nor_wrong() -> None:
    logits, target = example(2, void=False)
    target[target == 3] = 0
    with_absent = soft_dice(logits.log_softmax(1), target, [1, 2, 3])
    assert torch.equal(with_absent, soft_dice(logits.log_softmax(1), target, [1, 2]))


def test_soft_dice__pools_over_the_batch_not_over_frames() -> None:
    logits, target = example(3)
    apart = [soft_dice(logits[i : i + 1].log_softmax(1), target[i : i + 1], [1]) for i in range(2)]
    together = soft_dice(logits.log_softmax(1), target, [1])
    assert float(together) == pytest.approx(plain_dice(logits, target, [1]), abs=1e-6)
    assert float(together) != pytest.approx(float(sum(apart)) / 2, abs=1e-4)


@pytest.mark.parametrize("channels", [[1, 2], []])
def test_soft_dice__is_zero_with_gradient_zero_where_no_channel_is_present(channels: list[int]) -> None:
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = soft_dice(logits.log_softmax(1), torch.zeros((1, 4, 4), dtype=torch.long), channels)
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


TERMS = {
    "cross_entropy": lambda logits, target: cross_entropy(logits.log_softmax(1), target),
    "weighted cross_entropy": lambda logits, target: cross_entropy(
        logits.log_softmax(1), target, torch.tensor([0.5, 2.0, 1.0, 4.0], dtype=logits.dtype)
    ),
    "soft_dice": lambda logits, target: soft_dice(logits.log_softmax(1), target, [1, 2, 3]),
}


@pytest.mark.parametrize("name", TERMS)
def test_void__adds_nothing_to_loss_or_gradient(name: str) -> None:
    logits, target = example(4)
    void = (target == VOID_CHANNEL).unsqueeze(1)
    other = torch.where(void, torch.randn_like(logits) * 20, logits)
    answers = []
    for given in (logits, other):
        values = given.clone().requires_grad_()
        loss = TERMS[name](values, target)
        loss.backward()
        assert values.grad is not None
        answers.append((loss.detach(), values.grad))
    (loss, gradient), (other_loss, other_gradient) = answers
    assert torch.equal(loss, other_loss)
    assert torch.equal(gradient, other_gradient)
    assert not gradient[void.expand_as(gradient)].any()
    assert gradient[~void.expand_as(gradient)].any()


@pytest.mark.parametrize("name", TERMS)
def test_void__frames_of_nothing_else_change_nothing(name: str) -> None:
    logits, target = example(5)
    more = torch.cat([logits, torch.randn(1, *logits.shape[1:])])
    void = torch.full((1, *target.shape[1:]), VOID_CHANNEL)
    torch.testing.assert_close(TERMS[name](more, torch.cat([target, void])), TERMS[name](logits, target))


@pytest.mark.parametrize("name", TERMS)
def test_void__a_batch_of_nothing_else_is_a_finite_zero(name: str) -> None:
    logits = torch.randn(2, CHANNELS, 4, 4, requires_grad=True)
    loss = TERMS[name](logits, torch.full((2, 4, 4), VOID_CHANNEL))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


@pytest.mark.parametrize("name", TERMS)
def test_terms__gradients_are_those_of_finite_differences(name: str) -> None:
    logits, target = example(6, dtype=torch.float64)
    small, target = logits[:1, :, :3, :3].clone().requires_grad_(), target[:1, :3, :3]
    assert torch.autograd.gradcheck(lambda values: TERMS[name](values, target), (small,))


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_terms__huge_logits_stay_finite(name: str, size: float) -> None:
    logits, target = example(7)
    values = (logits * size).requires_grad_()
    loss = TERMS[name](values, target)
    loss.backward()
    assert values.grad is not None
    assert bool(torch.isfinite(loss))
    assert bool(torch.isfinite(values.grad).all())
