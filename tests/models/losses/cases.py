"""Every loss there is, in every form a project can ask for, as a function of logits and target."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from segwright.models.losses import CLASS_TERMS, VOID_CHANNEL, DeepSupervision, SegmentationLoss

CHANNELS = 3
CLASS_WEIGHTS = (0.5, 2.0, 1.5)
SMOOTHING = 0.2
Loss = Callable[[Tensor, Tensor], Tensor]


def loss_of(name: str, channels: tuple[int, ...] = (0, 1, 2), weights=None, **options: object) -> Loss:
    """One term by itself."""
    loss = SegmentationLoss({name: 1.0}, channels, weights, {name: options})
    return lambda logits, target: loss(logits, target)[0]


def at_two_sizes(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy, Dice and Lovász of an output and of every second pixel of it."""
    weights = {"cross_entropy": 0.5, "dice": 0.5, "lovasz": 0.2}
    return DeepSupervision(SegmentationLoss(weights, (1, 2)))([logits, logits[..., 1::2, 1::2]], target)[0]


def summed_at_once(logits: Tensor, target: Tensor) -> Tensor:
    """All that is summed from the logits in one pass, in one loss."""
    weights = {"cross_entropy": 0.5, "dice": 0.5, "generalised_dice": 0.2, "tversky": 0.3, "focal_tversky": 0.1}
    options = {"cross_entropy": {"label_smoothing": 0.1}, "dice": {"per": "image"}, "tversky": {"channels": (2,)}}
    return SegmentationLoss(weights, (1, 2), CLASS_WEIGHTS, options)(logits, target)[0]


PIXEL_LOSSES: dict[str, Loss] = {
    "cross_entropy": loss_of("cross_entropy"),
    "cross_entropy weighted": loss_of("cross_entropy", weights=CLASS_WEIGHTS),
    "cross_entropy smoothed": loss_of("cross_entropy", label_smoothing=SMOOTHING),
    "cross_entropy smoothed and weighted": loss_of("cross_entropy", weights=CLASS_WEIGHTS, label_smoothing=SMOOTHING),
    "cross_entropy hardest": loss_of("cross_entropy", hardest=0.3),
    "cross_entropy hardest and weighted": loss_of("cross_entropy", weights=CLASS_WEIGHTS, hardest=0.3),
    "focal": loss_of("focal"),
    "focal weighted": loss_of("focal", weights=CLASS_WEIGHTS),
    "focal below one": loss_of("focal", gamma=0.5),
}
CLASS_LOSSES: dict[str, Callable[[tuple[int, ...]], Loss]] = {
    **{name: lambda channels, name=name: loss_of(name, channels) for name in CLASS_TERMS},
    **{
        f"{name} by image": lambda channels, name=name: loss_of(name, channels, per="image")
        for name in ("dice", "generalised_dice", "tversky", "focal_tversky", "lovasz", "lovasz_hinge")
    },
    "hausdorff not squared": lambda channels: loss_of("hausdorff", channels, alpha=1.0),
    "cldice of thin things": lambda channels: loss_of("cldice", channels, iterations=2),
}
LOSSES: dict[str, Loss] = {
    **PIXEL_LOSSES,
    **{name: make((0, 1, 2)) for name, make in CLASS_LOSSES.items()},
    "dice of some classes": loss_of("dice", (1, 2)),
    "lovasz of some classes": loss_of("lovasz", (2,)),
    "deep supervision": at_two_sizes,
    "smoothed and weighted sums": summed_at_once,
}


def example(
    seed: int = 0, *, void: bool = True, images: int = 2, height: int = 6, width: int = 7
) -> tuple[Tensor, Tensor]:
    """float64 logits (images, 3, height, width) and channel numbers in blocks, each class in each image, some void."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn((images, CHANNELS, height, width), generator=generator, dtype=torch.float64) * 2
    target = torch.zeros((images, height, width), dtype=torch.long)
    target[:, 1:4, :3] = 1
    target[:, 2:, 4:] = 2
    if void:
        target[torch.rand(target.shape, generator=generator) < 0.2] = VOID_CHANNEL
        target[:, 1, 0], target[:, 2, 5], target[:, 0, 0] = 1, 2, 0
    return logits, target


def answer(loss: Loss, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The loss and its gradient by the logits."""
    values = logits.detach().clone().requires_grad_()
    total = loss(values, target)
    total.backward()
    assert values.grad is not None
    return total.detach(), values.grad
