"""What every loss knows of a target: which pixels count, and which classes are there.

The rules all losses keep, and one conformance suite proves (`tests/models/losses/test_conformance.py`):

- a void pixel (`VOID_CHANNEL`) is not there: whatever the network says on it, loss and gradients stay the same, and its
  own gradient is exactly zero; a batch of nothing else has loss 0 and gradient 0;
- a class without a valid pixel gives no term and no gradient. It is neither perfect nor wrong: its false pixels are
  those of the classes that are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from segwright.models.joint import joint_sum

VOID_CHANNEL = -1

Per = Literal["batch", "image"]


def valid_pixels(target: Tensor) -> Tensor:
    """Whether each pixel counts, of the target's shape."""
    return target != VOID_CHANNEL


def truth_of(target: Tensor, wanted: Tensor) -> Tensor:
    """Whether each pixel is of each wanted class (batch, wanted, height, width), one byte each; False at void."""
    return target.unsqueeze(1) == wanted.view(1, -1, 1, 1)


def as_index(channels: Sequence[int], target: Tensor) -> Tensor:
    """The channel numbers as an index on the target's device."""
    return torch.tensor(list(channels), device=target.device, dtype=torch.long)


def mean_of_present(losses: Tensor, present: Tensor, per: Per) -> Tensor:
    """The mean of the losses (groups, classes) or (classes,) that are of a class that is there, over all groups.

    0, with gradient 0, where none is. A group (an image) without any of the classes has no part in the mean. Where
    processes share a batch each has its own images (`per` "image"), but all have the batch's losses (`per` "batch").
    """
    counted = present.to(losses.dtype)
    total, number = (losses * counted).sum(), counted.sum()
    if per == "image":
        total, number = joint_sum(total), joint_sum(number)
    return total / number.clamp(min=1)
