"""Distances in an image, px, from every valid pixel to the nearest one in and outside a region."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def distances_to_other_side(inside: Tensor, valid: Tensor) -> Tensor:
    """For each pixel (height, width) how far, px, the nearest valid pixel on the other side of the region's edge is.

    `inside` and `valid` are boolean. From a pixel of the region it is the nearest valid pixel outside, from any other
    the nearest valid one inside. Void pixels are on neither side, and get 0. All 0 where a side has no valid pixel:
    then there is no edge. float32, exact, on the CPU; the answer is on the device of `inside`.
    """
    within, counted = _array(inside & valid), _array(valid)
    outside = counted & ~within
    if not within.any() or not outside.any():
        return torch.zeros(inside.shape, device=inside.device)
    found = np.where(within, _distance_to(outside), _distance_to(within)) * counted
    return torch.from_numpy(found).to(inside.device)


def _array(mask: Tensor) -> npt.NDArray[np.bool_]:
    return mask.detach().cpu().numpy()


def _distance_to(pixels: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    found = cv2.distanceTransform((~pixels).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return found.astype(np.float32, copy=False)
