"""Cross-entropy and soft Dice: equal to torch and to a plainly written Dice; absent is no score."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.models.losses import VOID_CHANNEL, SegmentationLoss, cross_entropy, soft_dice

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


def written_plainly(log_probabilities: Tensor, target: Tensor, channels: list[int]) -> Tensor:
    """Soft Dice as torch differentiates it: what the first releases trained with."""
    valid = (target != VOID_CHANNEL).unsqueeze(1)
    wanted = torch.tensor(channels)
    truth = (target.unsqueeze(1) == wanted.view(1, -1, 1, 1)).to(log_probabilities.dtype)
    probability = log_probabilities[:, wanted].exp() * valid
    pixels = (0, 2, 3)
    overlap = (probability * truth).sum(pixels)
    total = probability.sum(pixels) + truth.sum(pixels)
    present = (truth.sum(pixels) > 0).to(overlap.dtype)
    return ((1 - (2 * overlap + 1) / (total + 1)) * present).sum() / present.sum().clamp(min=1)


@pytest.mark.parametrize("channels", [[1, 2, 3], [0, 1, 2, 3], [2]])
@pytest.mark.parametrize("weights", [None, (0.2, 1.0, 3.0, 0.5)])
def test_default_loss__is_the_one_written_plainly(channels: list[int], weights: tuple[float, ...] | None) -> None:
    """Sums in one pass round otherwise, and no more than that."""
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn((4, CHANNELS, 32, 48), generator=generator).requires_grad_()
    target = torch.randint(-1, CHANNELS, (4, 32, 48), generator=generator)
    logs = logits.log_softmax(1)
    weight = None if weights is None else torch.tensor(weights)
    before = 0.5 * cross_entropy(logs, target, weight) + 0.5 * written_plainly(logs, target, channels)
    loss, _ = SegmentationLoss({"cross_entropy": 0.5, "dice": 0.5}, channels, weights)(logits, target)
    torch.testing.assert_close(loss, before, rtol=1e-6, atol=0)
    slope, expected = (torch.autograd.grad(each, logits)[0] for each in (loss, before))
    torch.testing.assert_close(slope, expected, rtol=1e-5, atol=2e-6 * float(expected.abs().max()))
