"""The weighted sum of terms."""

from __future__ import annotations

import pytest
import torch

from segwright.models.losses import CLASS_TERMS, VOID_CHANNEL, SegmentationLoss, cross_entropy, soft_dice
from segwright.models.losses.segmentation_loss import REGION_TERMS


def example() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(-1, 3, (2, 8, 8), generator=generator)
    return torch.randn((2, 3, 8, 8), generator=generator) * 4, target


def test_loss__is_the_weighted_sum_and_tells_its_terms() -> None:
    logits, target = example()
    weights = (0.5, 1.0, 2.0)
    total, terms = SegmentationLoss({"cross_entropy": 0.5, "dice": 0.25}, (1, 2), weights)(logits, target)
    log_probabilities = logits.log_softmax(1)
    torch.testing.assert_close(terms["cross_entropy"], cross_entropy(log_probabilities, target, torch.tensor(weights)))
    torch.testing.assert_close(terms["dice"], soft_dice(log_probabilities, target, (1, 2)))
    torch.testing.assert_close(total, 0.5 * terms["cross_entropy"] + 0.25 * terms["dice"])


FORMS: dict[str, dict[str, dict[str, object]]] = {
    "plain": {},
    "each crop by itself": {"dice": {"per": "image"}, "tversky": {"per": "image", "alpha": 0.5}},
    "own classes": {"dice": {"channels": (2,)}, "focal_tversky": {"channels": ()}},
    "smoothed": {"cross_entropy": {"label_smoothing": 0.1}},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("class_weights", [None, (0.5, 1.0, 2.0)])
@pytest.mark.parametrize("alone", [True, False])
def test_loss__summed_in_one_pass_is_that_of_each_term(
    form: str, class_weights: tuple[float, ...] | None, alone: bool
) -> None:
    """Values and gradients, of one term and of all of them at once."""
    logits, target = example()
    logits = logits.double().requires_grad_()
    log_probabilities = logits.log_softmax(1)
    loss_weights = dict.fromkeys(("dice",) if alone else ("cross_entropy", *REGION_TERMS), 0.3)
    total, terms = SegmentationLoss(loss_weights, (1, 2), class_weights, FORMS[form])(logits, target)
    apart = {}
    for name in loss_weights:
        options = FORMS[form].get(name, {})
        if name in CLASS_TERMS:
            apart[name] = CLASS_TERMS[name](log_probabilities, target, **{"channels": (1, 2), **options})
        else:
            weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float64)
            apart[name] = cross_entropy(log_probabilities, target, weights, **options)  # type: ignore[arg-type]
        torch.testing.assert_close(terms[name], apart[name].detach(), rtol=1e-12, atol=1e-14)
    gradients = [torch.autograd.grad(each, logits)[0] for each in (total, 0.3 * sum(apart.values()))]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-16)


@pytest.mark.parametrize("ahead", [-400.0, -100.0, -20.0, 0.0, 5.0, 20.0, 400.0])
def test_loss__is_that_of_the_logits_where_the_network_is_all_but_sure(ahead: float) -> None:
    """A probability that float32 cannot tell from 0 or 1 still has the loss and the slope of its logits."""
    logits = torch.tensor([[0.0], [ahead]]).view(1, 2, 1, 1) + 1000
    exact = logits.double().requires_grad_()
    expected = torch.nn.functional.cross_entropy(exact, torch.ones((1, 1, 1), dtype=torch.long))
    total, _ = SegmentationLoss({"cross_entropy": 1.0}, (1,))(
        logits.requires_grad_(), torch.ones_like(logits[:, 0]).long()
    )
    (slope,), (wanted,) = (torch.autograd.grad(*pair) for pair in ((total, logits), (expected, exact)))
    torch.testing.assert_close(total.double(), expected, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(slope.double(), wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("impossible", "expected"), [("another class", "torch's"), ("the true class", "infinite")])
def test_loss__of_classes_with_probability_zero(impossible: str, expected: str) -> None:
    """Half precision overflows to infinity: harmless at a class that is not there, and said at the one that is."""
    logits = torch.zeros((1, 3, 1, 4))
    logits[:, 2 if impossible == "another class" else 1, :, :2] = -torch.inf
    logits[:, 0, :, 3] = -torch.inf  # where void is
    target = torch.tensor([[[1, 1, 0, VOID_CHANNEL]]])
    total, _ = SegmentationLoss({"cross_entropy": 1.0}, (1,))(logits.requires_grad_(), target)
    total.backward()
    wanted = torch.nn.functional.cross_entropy(logits, target, ignore_index=VOID_CHANNEL)
    assert bool(torch.isfinite(wanted)) == (expected == "torch's")
    torch.testing.assert_close(total, wanted)
    assert logits.grad is not None
    assert bool(torch.isfinite(logits.grad).all())
    assert not logits.grad[..., 3].any()


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
