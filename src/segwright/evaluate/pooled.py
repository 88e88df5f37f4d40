"""Two more scores of the pooled confusion: IoU weighted by how frequent a class is, and the mean of the recalls.

Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015, section 5
("mean accuracy", "frequency weighted IU"); mmsegmentation prints the second as mAcc.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from segwright.evaluate.ratios import Score, mean, ratio, score

Pixels = npt.NDArray[np.int64]

POOLED_DEFINITIONS: Mapping[str, str] = {
    "frequency_weighted_iou": (
        "Sum over classes of IoU times the class's share of the valid true pixels, pooled over all images; a class "
        "that is nowhere true weighs nothing. MISLEADING on imbalanced classes: the background decides it."
    ),
    "mean_accuracy": (
        "Mean over classes of recall, pooled over all images; a class that is nowhere true is left out, so what is "
        "invented of it has no score of its own."
    ),
}


def frequency_weighted_iou(correct_px: Pixels, truth_px: Pixels, predicted_px: Pixels) -> Score:
    """Sum over classes of the class's share of the valid true pixels times its IoU, 0..1; None without a valid pixel.

    The counts are (classes,), as in `PixelCounts`: void truth is in none, an undecided prediction is a missed pixel.
    Three of four pixels are background, found whole but for the one taken for a scratch; the scratch is found:

        >>> import numpy as np
        >>> frequency_weighted_iou(np.array([2, 1]), np.array([3, 1]), np.array([2, 2]))
        0.625
    """
    iou = ratio(correct_px, truth_px + predicted_px - correct_px)
    true = truth_px > 0  # elsewhere the IoU is 0 or absent, and the weight 0
    return float((iou[true] * truth_px[true]).sum() / truth_px.sum()) if true.any() else None


def mean_accuracy(correct_px: Pixels, truth_px: Pixels) -> Score:
    """Mean over the classes of the truth of their recall, 0..1; None without a valid pixel.

    The counts are (classes,), as in `PixelCounts`. A class that is nowhere true is left out:

        >>> import numpy as np
        >>> mean_accuracy(np.array([3, 1]), np.array([4, 1]))
        0.875
    """
    return score(mean(ratio(correct_px, truth_px)))
