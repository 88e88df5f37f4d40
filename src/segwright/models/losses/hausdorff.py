"""Hausdorff loss by distance transforms: far mistakes cost most."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from segwright.models.losses.distances import distances_to_other_side
from segwright.models.losses.target import as_index, mean_of_present, truth_of, valid_pixels

# A pixel is the prediction's where its class has more than this, as in the paper's two-class case.
PREDICTED_ABOVE = 0.5


def hausdorff(log_probabilities: Tensor, target: Tensor, channels: Sequence[int], *, alpha: float = 2.0) -> Tensor:
    """Mean over valid pixels of (probability - truth)^2 times both distances to the `alpha`, averaged over `channels`.

    Log-probabilities (batch, channels, height, width), target (batch, height, width) of channel numbers. The distances,
    px, are to the true outline and to the predicted one; they are constants, gradients flow through the difference
    alone. Void pixels are of neither side of either outline, and in no mean. A class absent from an image gives no
    term; 0 where none is present. Costs grow with the square of a crop: start with a weight of 1e-3.

    Source: Karimi and Salcudean 2019, "Reducing the Hausdorff distance in medical image segmentation with
    convolutional neural networks", eq. 8; equal to MONAI's HausdorffDTLoss.
    """
    wanted = as_index(channels, target)
    valid, truth = valid_pixels(target), truth_of(target, wanted)
    present = truth.flatten(2).any(2)
    probability = log_probabilities[:, wanted].exp()
    costs = log_probabilities.new_zeros(truth.shape)
    for image, position in present.nonzero().tolist():
        for inside in (truth[image, position], probability[image, position] > PREDICTED_ABOVE):
            costs[image, position] += distances_to_other_side(inside, valid[image]).to(costs.dtype) ** alpha
    squares = (probability - truth.to(probability.dtype)) ** 2
    means = (squares * costs).sum((2, 3)) / valid.sum((1, 2)).clamp(min=1).unsqueeze(1)
    return mean_of_present(means, present, "image")
