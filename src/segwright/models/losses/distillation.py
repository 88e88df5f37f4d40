"""What a student learns from a teacher's answer: its probabilities, its features, and most of all its outlines.

Not terms of a label: a pixel counts where `counted` says so, whatever its label is.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segwright.models.joint import joint_sum


def softened_divergence(student: Tensor, teacher: Tensor, weights: Tensor, *, temperature: float) -> Tensor:
    """Kullback-Leibler divergence of the student's answer from the teacher's, times the temperature squared.

    Logits (batch, channels, height, width), divided by the temperature before the softmax; `weights` (batch, height,
    width) say how much each pixel counts in the mean, 0 where it does not. 0, with gradient 0, where none counts.

    Source: Hinton et al. 2015, "Distilling the knowledge in a neural network", section 2.
    """
    wanted = F.log_softmax(teacher / temperature, dim=1)
    said = F.log_softmax(student / temperature, dim=1)
    by_pixel = (wanted.exp() * (wanted - said)).sum(1)
    total, mass = joint_sum((by_pixel * weights).sum()), joint_sum(weights.sum())
    return temperature**2 * total / mass.clamp(min=1e-6)


def outline_weights(teacher: Tensor, counted: Tensor, *, extra: float, band_px: int) -> Tensor:
    """How much each pixel counts: 1, and `extra` more within `band_px` of an outline in the teacher's answer.

    Teacher's logits (batch, channels, height, width), `counted` (batch, height, width); 0 where a pixel is not counted.
    """
    weights = counted.to(teacher.dtype)
    if extra == 0:
        return weights
    classes = teacher.argmax(1, keepdim=True).to(teacher.dtype)
    side = 2 * band_px + 1
    highest, lowest = (sign * F.max_pool2d(sign * classes, side, stride=1, padding=band_px) for sign in (1, -1))
    return weights * (1 + extra * (highest != lowest).squeeze(1))


class FeatureMatch(nn.Module):
    """One minus the cosine between the student's features, each projected by a 1x1 convolution, and the teacher's.

    Averaged over the counted places and over the strides; a place counts where most of its pixels do. Features are
    (batch, width, height, width) at strides that match in pairs. The projections learn with the student, and are no
    part of it.

    Source: Romero et al. 2015, "FitNets", section 2.2, with a cosine in place of the squared difference, so that
    stages of large values do not rule the sum.
    """

    def __init__(self, student_widths: Sequence[int], teacher_widths: Sequence[int]) -> None:
        super().__init__()
        pairs = zip(student_widths, teacher_widths, strict=True)
        self.projections = nn.ModuleList(nn.Conv2d(mine, theirs, kernel_size=1, bias=False) for mine, theirs in pairs)

    def forward(self, student: Sequence[Tensor], teacher: Sequence[Tensor], counted: Tensor) -> Tensor:
        losses = []
        for projection, mine, theirs in zip(self.projections, student, teacher, strict=True):
            share = F.interpolate(counted.unsqueeze(1).float(), size=theirs.shape[-2:], mode="area").squeeze(1)
            counts = (share > 0.5).to(torch.float32)
            distance = 1 - F.cosine_similarity(projection(mine.float()), theirs.float(), dim=1)
            losses.append(joint_sum((distance * counts).sum()) / joint_sum(counts.sum()).clamp(min=1))
        return torch.stack(losses).mean()
