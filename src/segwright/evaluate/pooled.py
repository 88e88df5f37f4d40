"""Two more scores of the pooled confusion: IoU weighted by how frequent a class is, and the mean of the recalls.

Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015, section 5
("mean accuracy", "frequency weighted IU"); mmsegmentation prints the second as mAcc.
"""

from __future__ import annotations

from collections.abc import Mapping

from segwright.evaluate.counts import PixelCounts
from segwright.evaluate.scores import Score, ratio

POOLED_DEFINITIONS: Mapping[str, str] = {
    "frequency_weighted_iou": (
        "Sum over classes of IoU times the class's share of the valid true pixels, pooled over all images; a class "
        "that is nowhere true weighs nothing. MISLEADING on imbalanced classes: the background decides it."
    ),
    "mean_accuracy": (
        "Mean over classes of recall, pooled over all images; a class that is nowhere true is left out, so inventing "
        "a class costs nothing."
    ),
}


def frequency_weighted_iou(pixels: PixelCounts) -> Score:
    """Sum over classes of the class's share of the valid true pixels times its IoU, 0..1; None without a valid pixel.

    Void truth is in no count, an undecided prediction is a missed pixel. Three of four pixels are background, found
    whole but for the one taken for a scratch; the scratch is found:

        >>> import numpy as np
        >>> frequency_weighted_iou(PixelCounts(np.array([[2, 1, 0], [0, 1, 0]])))
        0.625
    """
    iou = ratio(pixels.correct_px, pixels.truth_px + pixels.predicted_px - pixels.correct_px)
    true = pixels.truth_px > 0  # elsewhere the IoU is 0 or absent, and the weight 0
    return float((iou[true] * pixels.truth_px[true]).sum() / pixels.valid_px) if true.any() else None


def mean_accuracy(pixels: PixelCounts) -> Score:
    """Mean over the classes of the truth of their recall, 0..1; None without a valid pixel.

    Void truth is in no count, an undecided prediction is a missed pixel, and a class that is nowhere true is left out:

        >>> import numpy as np
        >>> mean_accuracy(PixelCounts(np.array([[3, 1, 0], [0, 1, 0]])))
        0.875
    """
    true = pixels.truth_px > 0
    return float(ratio(pixels.correct_px, pixels.truth_px)[true].mean()) if true.any() else None
