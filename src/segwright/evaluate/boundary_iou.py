"""Boundary IoU: IoU of the pixels that lie near the outline of their own region, counted for all classes in one pass.

A pixel is near the outline where a pixel of another class, or the frame's edge, is within d px of it (the larger of the
offsets across and down); d is 2 % of the frame's diagonal, at least 1. That is the set that d erosions with a 3x3
square take away from a class's mask. Pixels whose truth is void are of no class in either map.

Source: Cheng et al., "Boundary IoU: Improving Object-Centric Image Segmentation Evaluation", CVPR 2021, equation 3,
with the distance and the frame's edge as `mask_to_boundary` of bowenc0221/boundary-iou-api takes them
(tests/evaluate/test_boundary_iou.py compares with that definition).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, LabelMap, Size
from segwright.evaluate.boundary import without_void
from segwright.evaluate.kernels import compiled

DILATION_RATIO = 0.02

# rows of the counts
BOTH, TRUE, PREDICTED = 0, 1, 2


def boundary_distance_px(size: Size, ratio: float = DILATION_RATIO) -> int:
    """How far from its outline a region's pixel still counts, px: `ratio` of the frame's diagonal, at least 1."""
    return max(1, round(ratio * math.hypot(size.width, size.height)))


def count_boundary_regions(
    prediction: LabelMap, truth: LabelMap, *, distance_px: int | None = None
) -> npt.NDArray[np.int64]:
    """Pixels near the outline, int64 (3, classes): near it in both maps, in the truth, in the prediction.

    The maps are of one size and one class table (`counts.require_same_frame`). `distance_px` None takes 2 % of the
    diagonal. On a 2x2 square that is predicted one column to the right, every pixel is near an outline:

        >>> import numpy as np
        >>> from segwright.core import ClassTable, LabelMap
        >>> classes = ClassTable.of(["background", "dent"])
        >>> truth = LabelMap(np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]], np.uint8), classes)
        >>> prediction = LabelMap(np.roll(truth.ids, 1, axis=1), classes)
        >>> count_boundary_regions(prediction, truth)[:, 1].tolist()
        [2, 4, 4]
    """
    classes = truth.classes
    reach = min(distance_px or boundary_distance_px(truth.size), max(truth.ids.shape))
    predicted = without_void(prediction, truth)
    if compiled():
        from segwright.evaluate.kernels.regions import count_near

        every_id = max(*classes.ids, classes.void_id) + 1
        return count_near(truth.ids, predicted, reach, every_id)[:, list(classes.ids)]
    near = _near_outline(predicted, reach), _near_outline(truth.ids, reach)
    agreed = near[0] & near[1] & (predicted == truth.ids)
    return np.stack([_of_classes(ids, classes) for ids in (truth.ids[agreed], truth.ids[near[1]], predicted[near[0]])])


def _near_outline(ids: npt.NDArray, reach: int) -> npt.NDArray[np.bool_]:
    """Where a pixel of another id, or the frame's edge, is within `reach` px across and down."""
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    near = cv2.dilate(ids, square) != cv2.erode(ids, square)
    near[:reach] = near[-reach:] = True
    near[:, :reach] = near[:, -reach:] = True
    return near


def _of_classes(ids: npt.NDArray, classes: ClassTable) -> npt.NDArray[np.int64]:
    """How many of `ids` (count,) are of each class."""
    return np.bincount(ids, minlength=max(classes.ids) + 1)[list(classes.ids)]
