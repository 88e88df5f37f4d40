"""Boundary loss: probability priced by its distance to the true outline."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from segwright.models.losses.distances import distances_to_other_side
from segwright.models.losses.target import as_index, mean_of_present, truth_of, valid_pixels


def boundary(log_probabilities: Tensor, target: Tensor, channels: Sequence[int]) -> Tensor:
    """Mean over valid pixels of probability times signed distance to the true outline, px, averaged over `channels`.

    Log-probabilities (batch, channels, height, width), target (batch, height, width) of channel numbers. The distance
    is to the nearest pixel of the class outside it, and minus the distance to the nearest other pixel, plus 1, inside:
    so it is 1 just outside and 0 just inside. The loss can be negative: right pixels deep inside are a gain. Void
    pixels are of neither side and in no mean. A class absent from an image, or alone in it, has no outline there and no
    term; 0 where no image has one. On its own it has a trivial optimum: add it to an overlap loss.

    Source: Kervadec et al. 2019, "Boundary loss for highly unbalanced segmentation", eq. 5 and 8, distances as in the
    authors' `one_hot2dist`; the weight stays as it is, where the paper also tries one that grows during training.
    """
    wanted = as_index(channels, target)
    valid, truth = valid_pixels(target), truth_of(target, wanted)
    heights = log_probabilities.new_zeros(truth.shape)
    for image, position in truth.flatten(2).any(2).nonzero().tolist():
        inside = truth[image, position]
        distance = distances_to_other_side(inside, valid[image]).to(heights.dtype)
        heights[image, position] = torch.where(inside, (1 - distance) * (distance > 0), distance)
    means = (log_probabilities[:, wanted].exp() * heights).sum((2, 3)) / valid.sum((1, 2)).clamp(min=1).unsqueeze(1)
    return mean_of_present(means, heights.flatten(2).any(2), "image")
