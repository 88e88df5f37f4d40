"""Values and gradients of kept libraries and of the authors' code, on targets without void and with every class."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from segmentation_models_pytorch import losses as smp
from segmentation_models_pytorch.losses._functional import softmax_focal_loss_with_logits
from torch import Tensor
from torch.nn import functional as F

from segwright.models.losses import VOID_CHANNEL
from tests.models.losses.cases import CLASS_WEIGHTS, Loss, answer, example, loss_of

WEIGHTS = torch.tensor(CLASS_WEIGHTS, dtype=torch.float64)


def torch_hardest(logits: Tensor, target: Tensor) -> Tensor:
    losses = F.cross_entropy(logits, target, reduction="none").flatten()
    return losses.topk(math.ceil(0.3 * len(losses))).values.mean()


def smp_lovasz(*, per_image: bool) -> Loss:
    loss = smp.LovaszLoss("multiclass", per_image=per_image, ignore_index=VOID_CHANNEL)
    return lambda logits, target: loss(logits.float(), target).double()  # it mixes types where it is given float64


def smp_hinge(*, per_image: bool) -> Loss:
    loss = smp.LovaszLoss("binary", per_image=per_image, ignore_index=VOID_CHANNEL)
    return lambda logits, target: loss((logits[:, 1] - logits[:, 0]).float(), target).double()


# what -> ours, theirs
PAIRS: dict[str, tuple[Loss, Callable[[Tensor, Tensor], Tensor]]] = {
    "cross-entropy, torch": (
        loss_of("cross_entropy", weights=CLASS_WEIGHTS, label_smoothing=0.1),
        lambda logits, target: F.cross_entropy(logits, target, WEIGHTS, label_smoothing=0.1),
    ),
    "cross-entropy smoothed, torch": (
        loss_of("cross_entropy", label_smoothing=0.3),
        lambda logits, target: F.cross_entropy(logits, target, label_smoothing=0.3),
    ),
    "cross-entropy of the hardest, torch": (loss_of("cross_entropy", hardest=0.3), torch_hardest),
    "focal, smp": (
        loss_of("focal", gamma=1.5),
        lambda logits, target: softmax_focal_loss_with_logits(logits, target, gamma=1.5),
    ),
    "dice, smp": (loss_of("dice"), smp.DiceLoss("multiclass", smooth=0.5)),
    "dice of some classes, smp": (loss_of("dice", (1, 2)), smp.DiceLoss("multiclass", classes=[1, 2], smooth=0.5)),
    "tversky, smp": (
        loss_of("tversky", alpha=0.2, beta=0.9),
        smp.TverskyLoss("multiclass", smooth=1.0, alpha=0.2, beta=0.9),
    ),
    "focal tversky of one class, smp": (
        loss_of("focal_tversky", (1,), gamma=4 / 3),
        smp.TverskyLoss("multiclass", classes=[1], smooth=1.0, alpha=0.3, beta=0.7, gamma=0.75),
    ),
    "lovasz, smp": (loss_of("lovasz"), smp_lovasz(per_image=False)),
    "lovasz by image, smp": (loss_of("lovasz", per="image"), smp_lovasz(per_image=True)),
}


@pytest.mark.parametrize("what", PAIRS)
@pytest.mark.parametrize("seed", range(3))
def test_reference__without_void_values_and_gradients_are_the_same(what: str, seed: int) -> None:
    ours, theirs = PAIRS[what]
    logits, target = example(seed, void=False)
    torch.testing.assert_close(answer(ours, logits, target), answer(theirs, logits, target), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("ours", "theirs", "channels"),
    [
        (loss_of("cross_entropy", weights=CLASS_WEIGHTS), None, 3),
        (loss_of("lovasz"), smp_lovasz(per_image=False), 3),
        (loss_of("lovasz_hinge", (1,)), smp_hinge(per_image=False), 2),
        (loss_of("lovasz_hinge", (1,), per="image"), smp_hinge(per_image=True), 2),
    ],
)
def test_reference__with_void_where_theirs_is_right_too(ours: Loss, theirs: Loss | None, channels: int) -> None:
    logits, target = example(4)
    logits, target = logits[:, :channels], target.clamp(max=channels - 1)
    against = theirs or (lambda logits, target: F.cross_entropy(logits, target, WEIGHTS, ignore_index=VOID_CHANNEL))
    torch.testing.assert_close(answer(ours, logits, target), answer(against, logits, target), rtol=1e-5, atol=1e-7)


def recorded_example() -> tuple[Tensor, Tensor]:
    """What the numbers below were computed on."""
    number = torch.arange(2 * 3 * 8 * 9, dtype=torch.float64)
    target = torch.zeros((2, 8, 9), dtype=torch.long)
    target[0, 1:5, 2:6], target[0, 5:7, :4] = 1, 2
    target[1, :, 3], target[1, 2:4, 5:9], target[1, 6, :] = 1, 2, 1
    return (2 * torch.sin(number * 0.37) + torch.cos(number * 0.0531)).view(2, 3, 8, 9), target


# Ours -> the loss, the norm of its gradient, and the gradient along cos(0.11 n), each computed once by running:
# generalised Dice: MONAI 1.6.1, GeneralizedDiceLoss(softmax=True, smooth_nr=0, smooth_dr=0, batch=True or False)
# Hausdorff: MONAI 1.6.1, HausdorffDTLoss(softmax=True), which leaves the background out
# clDice: soft_cldice of jocpae/clDice at 47d31a6, one channel of the softmax
# boundary: the mean of softmax times the maps of `one_hot2dist`, classes 1 and 2, of LIVIAETS/boundary-loss at 171c32d
RECORDED: dict[str, tuple[Loss, tuple[float, float, float]]] = {
    "generalised dice": (loss_of("generalised_dice"), (0.77034283, 0.019893254, -0.006788383)),
    "generalised dice by image": (
        loss_of("generalised_dice", per="image"),
        (0.77153933, 0.020180611, -0.005085108),
    ),
    "hausdorff": (loss_of("hausdorff", (1, 2)), (1.782143674, 0.123558091, -0.213061149)),
    "hausdorff not squared": (loss_of("hausdorff", (1, 2), alpha=1.0), (0.755114325, 0.041079073, -0.059421378)),
    "cldice, class 1": (loss_of("cldice", (1,)), (0.683137204, 0.046960421, 0.022244985)),
    "cldice, class 2": (loss_of("cldice", (2,)), (0.772193846, 0.026964627, 0.01158746)),
    "boundary": (loss_of("boundary", (1, 2)), (0.637006242, 0.024390532, -0.047574606)),
}


@pytest.mark.parametrize("what", RECORDED)
def test_reference__values_and_gradients_computed_once_by_the_peer(what: str) -> None:
    ours, expected = RECORDED[what]
    loss, gradient = answer(ours, *recorded_example())
    flat = gradient.flatten()
    along = flat @ torch.cos(torch.arange(len(flat), dtype=torch.float64) * 0.11)
    assert (loss.item(), flat.norm().item(), along.item()) == pytest.approx(expected, rel=1e-5)
