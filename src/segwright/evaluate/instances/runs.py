"""Run lengths of masks: made, measured and compared by pycocotools.mask, as COCO's own code does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pycocotools.mask

from segwright.core import Size
from segwright.evaluate.instances.frame import Runs
from segwright.evaluate.instances.segmentations import counts_of

# its type stubs name fewer arguments than its code takes
_coco: Any = pycocotools.mask


def runs_of(segmentation: Any, size: Size) -> Runs:
    """Compressed run lengths of a COCO `segmentation`: polygons, uncompressed or compressed run lengths.

    It is one in which `segmentations.flaws` finds nothing. Polygons are painted as COCO's code paints them.
    """
    if isinstance(segmentation, list):
        return _coco.merge(_coco.frPyObjects(segmentation, size.height, size.width))
    if isinstance(segmentation["counts"], list):
        return _coco.frPyObjects(segmentation, size.height, size.width)
    return segmentation


def areas_of(masks: Sequence[Runs]) -> npt.NDArray[np.float64]:
    """The area of each mask in px (masks,)."""
    return np.asarray(_coco.area(list(masks)), dtype=np.float64)


def boxes_around(masks: Sequence[Runs]) -> npt.NDArray[np.float64]:
    """The box of each mask: left, top, width, height in px (masks, 4); zeros for an empty mask."""
    return np.asarray(_coco.toBbox(list(masks)), dtype=np.float64).reshape(-1, 4)


def pixels_of(mask: Runs) -> npt.NDArray[np.uint8]:
    """The mask as pixels, 0 or 1 (height, width). pycocotools decodes too, but warns with newer numpy."""
    height, width = mask["size"]
    text = mask["counts"]
    counts = counts_of(text.encode() if isinstance(text, str) else text)
    if counts is None or counts.sum() != height * width:
        raise ValueError("these run lengths do not fill their image")
    return np.repeat((np.arange(len(counts)) & 1).astype(np.uint8), counts).reshape(width, height).T


def iou(
    detections: Sequence[Runs] | npt.NDArray[np.float64],
    truths: Sequence[Runs] | npt.NDArray[np.float64],
    crowd: npt.NDArray[np.bool_],
) -> npt.NDArray[np.float64]:
    """IoU of masks, or of boxes (left, top, width, height), float64 (detections, truths), neither of them empty.

    Where a truth is a crowd, the share of the detection inside it.
    """
    return np.asarray(_coco.iou(detections, truths, crowd.astype(np.uint8)), dtype=np.float64)
