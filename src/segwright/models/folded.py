"""Convolutions whose batch norm was folded into weight and bias, put back into a network that has batch norm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from segwright.core import ArtefactError, Problem, raise_collected


@dataclass(frozen=True, slots=True)
class FoldedLayer:
    """A convolution's weight (out, in, height, width) and bias (out,), its batch norm multiplied in."""

    weight: Tensor
    bias: Tensor


def load_folded(backbone: nn.Module, layers: Sequence[FoldedLayer]) -> tuple[int, int]:
    """Fill the backbone's convolution + batch-norm pairs in order; returns (layers used, layers left over).

    Each norm becomes the identity plus the layer's bias (mean 0, variance 1), so that in evaluation mode the pair
    computes exactly what the folded layer did. Layers left over belong to a classifier that a pyramid does not have.

    Raises:
        ArtefactError: layers that do not fit (the file was made for another encoder), all at once; nothing is changed.
    """
    pairs = conv_norm_pairs(backbone)
    raise_collected(_misfits(pairs, layers), ArtefactError)
    for (convolution, norm), layer in zip(pairs, layers, strict=False):
        with torch.no_grad():
            convolution.weight.copy_(layer.weight)
            if convolution.bias is not None:
                convolution.bias.zero_()
            norm.weight.fill_(1.0)
            norm.bias.copy_(layer.bias)
            mean, variance = _statistics(norm)
            mean.zero_()
            variance.fill_(1.0 - norm.eps)
    return len(pairs), len(layers) - len(pairs)


def _misfits(pairs: Sequence[tuple[nn.Conv2d, nn.BatchNorm2d]], layers: Sequence[FoldedLayer]) -> Iterator[Problem]:
    fix = "choose the encoder the file was made for (model.encoder)"
    if len(layers) < len(pairs):
        yield Problem(
            "folded weights", "end before the encoder does", f"{len(pairs)} layers", f"{len(layers)} layers", fix
        )
    for number, ((convolution, _), layer) in enumerate(zip(pairs, layers, strict=False)):
        wanted, found = tuple(convolution.weight.shape), tuple(layer.weight.shape)
        if wanted != found:
            yield Problem("folded weights", f"layer {number} does not fit the encoder", str(wanted), str(found), fix)


def unfold_batch_norm(backbone: nn.Module, frames: Tensor) -> None:
    """Give each norm the mean and variance its input has on `frames`, and undo them in weight and bias.

    What the backbone computes in evaluation mode does not change; training mode, which normalises by the batch,
    then starts from nearly the same function instead of from another network.
    """
    norms = [norm for _, norm in conv_norm_pairs(backbone)]
    handles = [norm.register_forward_pre_hook(_adopt_statistics) for norm in norms]
    was_training = backbone.training
    backbone.eval()
    try:
        backbone(frames)
    finally:
        for handle in handles:
            handle.remove()
        backbone.train(was_training)


def conv_norm_pairs(backbone: nn.Module) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Each convolution with the batch norm that follows it, in the order the modules are defined."""
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []
    pending: nn.Conv2d | None = None
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d):
            pending = module
        elif isinstance(module, nn.BatchNorm2d) and pending is not None:
            pairs.append((pending, module))
            pending = None
    return pairs


def _adopt_statistics(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    assert isinstance(norm, nn.BatchNorm2d)
    running_mean, running_variance = _statistics(norm)
    variance, mean = torch.var_mean(inputs[0].float(), dim=(0, 2, 3), correction=0)
    old_scale = norm.weight / torch.sqrt(running_variance + norm.eps)
    old_shift = norm.bias - running_mean * old_scale
    with torch.no_grad():
        norm.weight.copy_(old_scale * torch.sqrt(variance + norm.eps))
        norm.bias.copy_(old_shift + mean * old_scale)
        running_mean.copy_(mean)
        running_variance.copy_(variance)


def _statistics(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """The mean and the variance a norm uses in evaluation mode; every encoder of timm tracks them."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return norm.running_mean, norm.running_var
