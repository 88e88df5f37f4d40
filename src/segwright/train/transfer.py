"""Transfer learning as the guide has it: decoder and last encoder stages first, deeper ones when validation stalls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from torch import nn

from segwright.models.trainable import Trainable
from segwright.train.settings import STAGE_RATE

# These learn from the first step on, however few stages timm gives an encoder (hrnet four, some xception one).
LEARNING_STAGES = 2


def parameter_groups(
    network: Trainable,
    *,
    learning_rate: float,
    encoder_learning_rate: float,
    weight_decay: float,
    stage_rate: float = STAGE_RATE,
) -> list[dict[str, Any]]:
    """Optimiser groups with their own `peak` rate; biases and norm scales are not decayed.

    Every parameter is in exactly one group, frozen or not: thawing a stage needs no new optimiser.
    """
    stages = network.stages
    groups: list[dict[str, Any]] = []
    for depth, stage in enumerate(stages):
        peak = encoder_learning_rate * stage_rate ** (len(stages) - 1 - depth)
        groups.extend(_by_decay(_parameters(stage), peak, weight_decay))
    encoder = {id(parameter) for stage in stages for parameter in _parameters(stage)}
    others = [parameter for parameter in network.parameters() if id(parameter) not in encoder]
    groups.extend(_by_decay(others, learning_rate, weight_decay))
    return groups


def freeze(network: Trainable, stages: int, *, batch_norm: bool) -> None:
    """Freeze the first `stages` encoder stages, but never the last two there are.

    With `batch_norm` the whole encoder keeps its running statistics.

    Call it again after `network.train()`: a frozen stage's batch norm must stay in evaluation mode, or the running
    statistics of pretrained features drift while their weights stand still.
    """
    encoder = network.stages
    stages = min(stages, max(0, len(encoder) - LEARNING_STAGES))
    for depth, stage in enumerate(encoder):
        frozen = depth < stages
        for module in stage:
            module.requires_grad_(not frozen)
            if frozen or batch_norm:
                _hold_batch_norm(module)


def _hold_batch_norm(module: nn.Module) -> None:
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.eval()


def _parameters(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    return [parameter for module in modules for parameter in module.parameters()]


def _by_decay(parameters: Sequence[nn.Parameter], peak: float, weight_decay: float) -> Iterator[dict[str, Any]]:
    for decayed in (True, False):
        chosen = [parameter for parameter in parameters if (parameter.ndim > 1) is decayed]
        if chosen:
            yield {"params": chosen, "peak": peak, "lr": peak, "weight_decay": weight_decay if decayed else 0.0}
