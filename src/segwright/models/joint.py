"""Sums and rows over all processes that share a batch, so that each computes what one process with the whole would.

Inside `joint_batch(processes)` every process holds its own slots of one batch. A loss or a statistic that is made of
`joint_sum` and `joint_rows` is then that of the whole batch on every process. Gradients are scaled so that their mean
over the processes, which is what data-parallel training takes, is the gradient of the whole batch.

Outside of it, or with one process, both functions give back what they are given.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

_PROCESSES: ContextVar[int] = ContextVar("processes that share the batch", default=1)


@contextmanager
def joint_batch(processes: int) -> Iterator[None]:
    """Within: the batch at hand is a share of one that `processes` processes hold together.

    All of them must go through the same losses and layers in the same order: each sum waits for every process.
    """
    before = _PROCESSES.set(processes)
    try:
        yield
    finally:
        _PROCESSES.reset(before)


def joint_sum(value: Tensor) -> Tensor:
    """The sum of `value`, of any shape, over all processes."""
    return value if _PROCESSES.get() == 1 else _JointSum.apply(value)  # type: ignore[return-value]


def joint_mean(total: Tensor, count: Tensor | int) -> Tensor:
    """The sum of `total` over all processes over that of `count`, what each of them added up; 0 where nothing was."""
    counted = torch.as_tensor(count, dtype=total.dtype, device=total.device)
    return joint_sum(total) / joint_sum(counted).clamp(min=1)


def joint_rows(rows: Tensor) -> Tensor:
    """The rows (first dimension) of all processes, in the order of their ranks; how many a process has may differ.

    What is made of them must be the same on every process: a gradient is taken from there once, and not summed.
    """
    return rows if _PROCESSES.get() == 1 else _JointRows.apply(rows)  # type: ignore[return-value]


def joint_draw(rows: int, device: torch.device) -> tuple[int, int]:
    """A number below 2**62 drawn at random, the same in every process, and how many rows processes before this have.

    This process has `rows` of them. It is drawn from torch's random state on the CPU, which checkpoints hold: the
    first process's, and all move theirs on.
    """
    drawn = int(torch.randint(2**62, ()))
    if _PROCESSES.get() == 1:
        return drawn, 0
    told = joint_rows(torch.tensor([[drawn, rows]], device=device))
    return int(told[0, 0]), int(told[: dist.get_rank(), 1].sum())


class _JointSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:  # noqa: ARG004  # autograd's signature
        total = value.detach().clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_total: Tensor) -> Tensor:  # type: ignore[override]  # noqa: ARG004
        gradient = of_total.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(gradient)
        return gradient


class _JointRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        counts = _row_counts(rows)
        padded = rows.new_zeros((max(counts), *rows.shape[1:]))
        padded[: len(rows)] = rows
        pieces = [torch.empty_like(padded) for _ in counts]
        dist.all_gather(pieces, padded)
        rank = dist.get_rank()
        ctx.mine, ctx.processes = slice(sum(counts[:rank]), sum(counts[: rank + 1])), len(counts)
        return torch.cat([piece[:count] for piece, count in zip(pieces, counts, strict=True)])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_rows: Tensor) -> Tensor:  # type: ignore[override]
        return of_rows[ctx.mine] * ctx.processes


def _row_counts(rows: Tensor) -> list[int]:
    own = torch.tensor([len(rows)], device=rows.device)
    counts = [torch.empty_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(counts, own)
    return [int(count) for count in counts]
