"""What every loss keeps to: void is not there, an absent class has no term, nothing is ever not a number."""

from __future__ import annotations

import inspect

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from segwright.models.losses import CLASS_TERMS, PIXEL_TERMS, VOID_CHANNEL
from segwright.project.losses import TERMS, Loss
from tests.models.losses.cases import CHANNELS, CLASS_LOSSES, LOSSES, SMOOTHING, answer, example

every_loss = pytest.mark.parametrize("name", LOSSES)
every_class_loss = pytest.mark.parametrize("name", CLASS_LOSSES)


@every_loss
@pytest.mark.parametrize("extreme", [None, 1e3, 1e30, 1e300])
def test_void__what_the_network_says_there_changes_no_bit(name: str, extreme: float | None) -> None:
    logits, target = example()
    void = (target == VOID_CHANNEL).unsqueeze(1).expand_as(logits)
    said = torch.randn_like(logits) * 20 if extreme is None else extreme * torch.randn_like(logits).sign()
    (loss, gradient), (other_loss, other_gradient) = (
        answer(LOSSES[name], values, target) for values in (logits, torch.where(void, said, logits))
    )
    assert torch.equal(loss, other_loss)
    assert torch.equal(gradient, other_gradient)
    assert not gradient[void].any()
    assert gradient[~void].any()


@every_loss
@given(seed=st.integers(0, 10**6), images=st.integers(1, 3), height=st.integers(4, 9), width=st.integers(6, 9))
@settings(max_examples=8)
def test_void__has_gradient_zero_whatever_the_masks(name: str, seed: int, images: int, height: int, width: int) -> None:
    logits, target = example(seed, images=images, height=height, width=width)
    loss, gradient = answer(LOSSES[name], logits, target)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()
    assert not gradient[(target == VOID_CHANNEL).unsqueeze(1).expand_as(logits)].any()


@every_loss
def test_void__a_batch_of_nothing_else_is_zero_without_gradient(name: str) -> None:
    loss, gradient = answer(LOSSES[name], example()[0], torch.full((2, 6, 7), VOID_CHANNEL))
    assert loss == 0
    assert not gradient.any()


@every_loss
def test_void__an_image_of_nothing_else_changes_nothing(name: str) -> None:
    logits, target = example(1)
    more = torch.cat([logits, torch.randn_like(logits[:1])])
    loss, gradient = answer(LOSSES[name], logits, target)
    other, other_gradient = answer(LOSSES[name], more, torch.cat([target, torch.full((1, 6, 7), VOID_CHANNEL)]))
    torch.testing.assert_close(other, loss)
    torch.testing.assert_close(other_gradient[:2], gradient)


@every_loss
def test_void__a_margin_of_it_is_as_if_the_frame_ended_there(name: str) -> None:
    logits, target = example(2, void=False)
    wider, framed = F.pad(logits, (2, 2, 4, 2), value=3.0), F.pad(target, (2, 2, 4, 2), value=VOID_CHANNEL)
    loss, gradient = answer(LOSSES[name], logits, target)
    other, other_gradient = answer(LOSSES[name], wider, framed)
    torch.testing.assert_close(other, loss)
    torch.testing.assert_close(other_gradient[..., 4:-2, 2:-2], gradient)


@every_class_loss
def test_absent__a_class_gives_no_term_and_no_gradient_of_its_own(name: str) -> None:
    logits, target = example(3)
    target[target == 2] = 0
    with_it, without = (answer(CLASS_LOSSES[name](channels), logits, target) for channels in ((1, 2), (1,)))
    torch.testing.assert_close(with_it, without, rtol=1e-12, atol=1e-15)


@every_class_loss
@pytest.mark.parametrize("channels", [(2,), ()])
def test_absent__where_every_class_is_the_loss_is_zero_without_gradient(name: str, channels: tuple[int, ...]) -> None:
    logits, target = example(3)
    target[target == 2] = 0
    loss, gradient = answer(CLASS_LOSSES[name](channels), logits, target)
    assert loss == 0
    assert not gradient.any()


@every_class_loss
def test_absent__from_one_image_is_never_perfect(name: str) -> None:
    """Wrong everywhere stays wrong: the mean is over what is there, not raised by what is not."""
    target = torch.zeros((2, 6, 7), dtype=torch.long)
    target[0, 1:4, 1:5] = 1
    right = F.one_hot(target, CHANNELS).permute(0, 3, 1, 2).double() * 30
    wrong = right.roll(1, dims=1)
    loss = CLASS_LOSSES[name]((1, 2))
    one, both = (answer(loss, wrong[:images], target[:images])[0] for images in (1, 2))
    assert one > answer(loss, right[:1], target[:1])[0] + 0.1
    assert both >= 0.5 * one if "boundary" in name else both >= 0.9 * one


@every_loss
@pytest.mark.parametrize("only", [0, 1, 2])
def test_one_class__in_the_whole_batch_is_finite(name: str, only: int) -> None:
    loss, gradient = answer(LOSSES[name], example(4)[0], torch.full((2, 6, 7), only))
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", [*CLASS_TERMS, *PIXEL_TERMS])
def test_one_channel__leaves_nothing_to_learn(name: str) -> None:
    term = CLASS_TERMS.get(name)
    values = torch.randn((1, 1, 5, 5), dtype=torch.float64, requires_grad=True)
    target = torch.tensor([[[0, 0, 0, -1, 0]] * 5])
    logs = values.log_softmax(1)
    loss = PIXEL_TERMS[name](logs, target) if term is None else term(logs, target, (0,))
    loss.backward()
    assert abs(loss.item()) < 1e-4
    assert values.grad is not None
    assert not values.grad.any()


@every_loss
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("right", [True, False])
def test_half_precision__stays_finite_with_logits_of_a_hundred(name: str, dtype: torch.dtype, right: bool) -> None:
    logits, target = example(5)
    sure = F.one_hot(target.clamp(min=0), CHANNELS).permute(0, 3, 1, 2) * 200.0 - 100.0
    for values in (sure if right else -sure, logits.sign() * 100):
        with torch.autocast("cpu", dtype):
            loss, gradient = answer(LOSSES[name], values.to(dtype), target)
        assert loss.dtype == torch.float32
        assert torch.isfinite(loss)
        assert torch.isfinite(gradient).all()
        assert torch.equal(loss, answer(LOSSES[name], values.to(dtype).float(), target)[0])


@every_loss
def test_gradient__is_that_of_finite_differences(name: str) -> None:
    logits, target = example(6, images=2, height=5, width=6)
    assert torch.autograd.gradcheck(lambda values: LOSSES[name](values, target), (logits.requires_grad_(),))


@every_loss
def test_images__may_come_in_any_order(name: str) -> None:
    logits, target = example(7, images=3)
    order = [2, 0, 1]
    loss, gradient = answer(LOSSES[name], logits, target)
    other, other_gradient = answer(LOSSES[name], logits[order], target[order])
    torch.testing.assert_close(other, loss)
    torch.testing.assert_close(other_gradient, gradient[order])


@every_loss
def test_minimum__is_the_right_answer(name: str) -> None:
    _, target = example(8)
    truth = F.one_hot(target.clamp(min=0), CHANNELS).permute(0, 3, 1, 2).double()
    # smoothed labels ask for less than certainty
    share = SMOOTHING if "smoothed" in name else 1e-13
    right = (truth * (1 - share) + share / CHANNELS).log()
    least = answer(LOSSES[name], right, target)[0]
    if "weighted" not in name or "smoothed" not in name:
        for seed in range(6):
            other = example(seed)[0] * (seed + 1)
            assert answer(LOSSES[name], other, target)[0] >= least
            assert answer(LOSSES[name], right + 0.3 * other, target)[0] >= least - 1e-9
    if "smoothed" not in name and "boundary" not in name:
        assert abs(least) < 1e-4


def test_terms__of_the_project_file_are_those_there_are() -> None:
    assert set(TERMS) == {*PIXEL_TERMS, *CLASS_TERMS}


@pytest.mark.parametrize("name", TERMS)
def test_terms__take_the_options_of_the_project_file_with_the_same_defaults(name: str) -> None:
    (block,) = [kind for kind in Loss.model_fields[name].annotation.__args__ if hasattr(kind, "model_fields")]
    said = {key: field.default for key, field in block.model_fields.items() if key not in ("weight", "classes")}
    parameters = inspect.signature({**PIXEL_TERMS, **CLASS_TERMS}[name]).parameters.values()
    taken = {each.name: each.default for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY}
    taken.pop("smooth_px", None)
    assert said == taken
    assert ("classes" in block.model_fields) == (name in CLASS_TERMS)
