"""Batch norm over the crops of all processes."""

from __future__ import annotations

import torch
from timm.layers.norm_act import BatchNormAct2d, SyncBatchNormAct
from torch import Tensor, nn

from segwright.models.joint import joint_sum


class _Joint(nn.modules.batchnorm._BatchNorm):
    """Torch's own form works on GPUs alone; this one anywhere."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name for it
        return _normalised(self, input) if self.training else super().forward(input)


class JointBatchNorm1d(_Joint, nn.BatchNorm1d):
    """Batch norm over (batch, channels) or (batch, channels, length) of the joint batch."""


class JointBatchNorm2d(_Joint, nn.BatchNorm2d):
    """Batch norm over (batch, channels, height, width) of the joint batch."""


class JointBatchNorm3d(_Joint, nn.BatchNorm3d):
    """Batch norm over (batch, channels, depth, height, width) of the joint batch."""


class JointBatchNormAct2d(BatchNormAct2d):
    """The same for timm's batch norm with an activation behind it."""

    def forward(self, x: Tensor) -> Tensor:
        # timm's scripted classes hide from a type checker that these are modules, and that this one is a batch norm
        return self.act(self.drop(_normalised(self, x))) if self.training else super().forward(x)  # type: ignore[operator, arg-type]


_ANYWHERE: dict[type, type] = {
    nn.BatchNorm1d: JointBatchNorm1d,
    nn.BatchNorm2d: JointBatchNorm2d,
    nn.BatchNorm3d: JointBatchNorm3d,
    BatchNormAct2d: JointBatchNormAct2d,
}
_ON_GPUS: dict[type, type] = {
    nn.BatchNorm1d: nn.SyncBatchNorm,
    nn.BatchNorm2d: nn.SyncBatchNorm,
    nn.BatchNorm3d: nn.SyncBatchNorm,
    BatchNormAct2d: SyncBatchNormAct,
}


def join_batch_norm(network: nn.Module) -> tuple[str, ...]:
    """Let every batch norm of `network` see the joint batch; returns the names of those it cannot change.

    Layers are changed where they are: parameters, statistics and their names stay, and so does who refers to them.
    The network must be on its device already: on GPUs torch's own form is taken.
    """
    joint = _ON_GPUS if next(network.parameters()).is_cuda else _ANYWHERE
    left = []
    for name, layer in network.named_modules():
        if type(layer) in joint:
            layer.__class__ = joint[type(layer)]
            layer.process_group = None  # type: ignore[assignment]  # all processes
        elif isinstance(layer, nn.modules.batchnorm._BatchNorm) and type(layer) not in joint.values():
            left.append(name)
    return tuple(left)


def _normalised(layer: nn.modules.batchnorm._BatchNorm, values: Tensor) -> Tensor:
    """`values` (batch, channels, ...) by the joint mean and variance; moves the running statistics as torch does.

    Values of 16 bits are counted in 32, as torch's own batch norm does, and come back in 16.
    """
    given, values = values.dtype, values.to(torch.promote_types(values.dtype, torch.float32))
    others = [axis for axis in range(values.ndim) if axis != 1]
    shape = [1, -1, *[1] * (values.ndim - 2)]
    count = joint_sum(values.new_tensor(float(values.numel() // values.shape[1])))
    mean = joint_sum(values.sum(others)) / count
    centred = values - mean.view(shape)
    variance = joint_sum((centred**2).sum(others)) / count
    if layer.track_running_stats:
        _move_statistics(layer, mean.detach(), variance.detach() * count / (count - 1).clamp(min=1))
    scaled = centred * torch.rsqrt(variance + layer.eps).view(shape)
    if layer.affine:
        scaled = scaled * layer.weight.view(shape) + layer.bias.view(shape)
    return scaled.to(given)


def _move_statistics(layer: nn.modules.batchnorm._BatchNorm, mean: Tensor, variance: Tensor) -> None:
    assert layer.running_mean is not None  # both are there where statistics are tracked
    assert layer.running_var is not None
    assert layer.num_batches_tracked is not None
    layer.num_batches_tracked.add_(1)
    share = 1.0 / int(layer.num_batches_tracked) if layer.momentum is None else layer.momentum
    layer.running_mean.lerp_(mean, share)
    layer.running_var.lerp_(variance, share)
