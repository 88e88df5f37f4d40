"""An exponential moving average of the weights: what is validated, kept and exported."""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from segwright.train.sharded import local

Tensors = list[Tensor] | tuple[Tensor, ...]


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """A copy of `network` that `update_parameters` moves towards it, batch-norm statistics included.

    The decay grows from 0.1 towards `decay` as (1 + n) / (10 + n), so that a short run is not an average with its
    random start (the warm-up TensorFlow's ExponentialMovingAverage describes for `num_updates`).
    """

    def blend(average: Tensors, current: Tensors, updates: Tensor | int) -> None:
        count = int(updates)
        average, current = [local(tensor) for tensor in average], [local(tensor) for tensor in current]
        if average[0].is_floating_point():
            get_ema_multi_avg_fn(min(decay, (1 + count) / (10 + count)))(average, current, updates)
        else:
            for kept, new in zip(average, current, strict=True):
                kept.copy_(new)

    return AveragedModel(network, multi_avg_fn=blend, use_buffers=True)
