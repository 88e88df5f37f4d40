"""Centreline Dice: thin connected things found in one piece."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from segwright.models.joint import joint_sum
from segwright.models.losses.target import as_index, mean_of_present, truth_of, valid_pixels


def soft_cldice(
    log_probabilities: Tensor,
    target: Tensor,
    channels: Sequence[int],
    *,
    iterations: int = 10,
    smooth_px: float = 1.0,
) -> Tensor:
    """One minus the soft centreline Dice of `channels` over the batch, averaged over those present in the target.

    The harmonic mean of how much of the predicted centreline lies in the truth and how much of the true centreline in
    the prediction. `iterations` is the largest radius, px, that a skeleton is taken of. Log-probabilities (batch,
    channels, height, width), target (batch, height, width) of channel numbers. A void pixel is like one outside the
    frame: it neither wears a region down nor lets one grow. An absent class is left out of the mean; 0 where none is
    present.

    Source: Shit et al. 2021, "clDice: a novel topology-preserving loss function for tubular structure segmentation",
    eq. 1 to 3 and algorithm 1; equal to the authors' `soft_cldice` on one class.
    """
    wanted = as_index(channels, target)
    valid = valid_pixels(target).unsqueeze(1)
    truth = truth_of(target, wanted).to(log_probabilities.dtype)
    probability = log_probabilities[:, wanted].exp() * valid
    if not len(wanted):
        return probability.sum()
    predicted_line = soft_skeleton(probability, valid, iterations)
    true_line = soft_skeleton(truth, valid, iterations)
    pixels = (0, 2, 3)
    on_truth, predicted, on_prediction, true, own = (
        joint_sum(each.sum(pixels))
        for each in (predicted_line * truth, predicted_line, true_line * probability, true_line, truth)
    )
    precise, complete = (
        (on_truth + smooth_px) / (predicted + smooth_px),
        (on_prediction + smooth_px) / (true + smooth_px),
    )
    return mean_of_present(1 - 2 * precise * complete / (precise + complete), own > 0, "batch")


def soft_skeleton(shapes: Tensor, valid: Tensor, iterations: int) -> Tensor:
    """How much each pixel is on the centreline of soft shapes (batch, classes, height, width); 0 where not `valid`.

    What an opening takes away, at every depth of erosion. `valid` is (batch, 1, height, width).
    """
    void = ~valid
    skeleton = F.relu(shapes - _opened(shapes, void))
    for _ in range(iterations):
        shapes = _eroded(shapes, void)
        ridge = F.relu(shapes - _opened(shapes, void))
        skeleton = skeleton + F.relu(ridge - skeleton * ridge)
    return skeleton * valid


def _opened(shapes: Tensor, void: Tensor) -> Tensor:
    grown = F.max_pool2d(_eroded(shapes, void).masked_fill(void, 0), 3, stride=1, padding=1)
    return grown.masked_fill(void, 0)


def _eroded(shapes: Tensor, void: Tensor) -> Tensor:
    """The smallest of each pixel and its four neighbours, those that are void or outside left out; 0 at void."""
    negative = -shapes.masked_fill(void, 1)
    upright = F.max_pool2d(negative, (3, 1), stride=1, padding=(1, 0))
    level = F.max_pool2d(negative, (1, 3), stride=1, padding=(0, 1))
    return -upright.maximum(level).masked_fill(void, 0)
