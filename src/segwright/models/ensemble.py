"""Several networks for the same classes as one: the mean of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

LEAST_PROBABILITY = 1e-12  # of float32, so that its logarithm is finite


class Ensemble(nn.Module):
    """Logits (batch, channels, height, width) whose softmax is the mean of the members' probabilities.

    The members take the same frames; height and width must be multiples of `stride_px`, the largest of theirs.
    """

    def __init__(self, members: Sequence[nn.Module], stride_px: int) -> None:
        super().__init__()
        if not members:
            raise ValueError("an ensemble has at least one member")
        self.members = nn.ModuleList(members)
        self.stride_px = stride_px

    def forward(self, frames: Tensor) -> Tensor:
        answers = [member(frames).float().softmax(dim=1) for member in self.members]
        total = answers[0]
        for answer in answers[1:]:
            total = total + answer
        return torch.log(torch.clamp(total / len(answers), min=LEAST_PROBABILITY))
