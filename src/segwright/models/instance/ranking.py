"""The best of many, always the same number of them, so that no shape depends on what a frame shows."""

from __future__ import annotations

import torch
from torch import Tensor

from segwright.models.instance.contract import Candidates


def best(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` highest of scores (batch, n), which are 0 or more, falling, and their index; both (batch, count).

    Where there are fewer than `count`, the rest has score 0 and the index of the last.
    """
    padded = torch.cat([scores, scores.new_zeros(1, count).expand(scores.shape[0], -1)], dim=1)
    values, index = padded.topk(count, dim=1)
    return values, index.clamp(max=scores.shape[1] - 1)


def take(values: Tensor, index: Tensor) -> Tensor:
    """The rows `index` (batch, k) of values (batch, n, ...): (batch, k, ...)."""
    shape = index.shape + (1,) * (values.ndim - 2)
    return values.gather(1, index.reshape(shape).expand(-1, -1, *values.shape[2:]))


def ranks_above(scores: Tensor) -> Tensor:
    """(batch, n, n) bool: whether i has a higher score than j in scores (batch, n); of equals the first is higher."""
    position = torch.arange(scores.shape[1], device=scores.device)
    first = position.unsqueeze(1) < position.unsqueeze(0)
    above, below = scores.unsqueeze(2), scores.unsqueeze(1)
    return (above > below) | ((above == below) & first)


def filled(scores: Tensor) -> int:
    """How many columns of scores (batch, n), falling, hold more than padding; one at least.

    Nothing need be worked out for the rest. In an exported graph, where no shape may depend on what a frame shows, all.
    """
    if torch.compiler.is_exporting():
        return scores.shape[1]
    return max(1, int((scores > 0).sum(1).amax()))


def padded_with_nothing(candidates: Candidates, count: int) -> Candidates:
    """The candidates in float32, with 0 everywhere where the score is, and `count` of them: the rest is 0."""
    real = candidates.scores > 0
    return Candidates(
        _lengthened(candidates.scores.float(), count),
        _lengthened(torch.where(real, candidates.channels, 0), count),
        _lengthened(torch.where(real[..., None], candidates.boxes, 0).float(), count),
        _lengthened(torch.where(real[..., None, None], candidates.mask_logits, 0).float(), count),
    )


def _lengthened(values: Tensor, count: int) -> Tensor:
    """Values (batch, n, ...) as (batch, count, ...), zeros behind: memory the system gives only where it is written."""
    if values.shape[1] == count:
        return values
    longer = values.new_zeros(values.shape[0], count, *values.shape[2:])
    longer[:, : values.shape[1]] = values
    return longer
