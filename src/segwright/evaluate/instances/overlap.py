"""IoU of detections with truths of one class in one frame, for masks, boxes and boundaries.

A crowd is a region in which single objects were not told apart: the overlap with it is the share of the *detection*
that lies inside, not an IoU. Run lengths and boxes are compared by pycocotools.mask, as COCO's own code does.

Source: `iou` of pycocotools.mask; boundary: Cheng et al., "Boundary IoU: Improving Object-Centric Image Segmentation
Evaluation", CVPR 2021, section 5, as `computeIoU` and `mask_to_boundary` of bowenc0221/boundary-iou-api take it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from segwright.evaluate.boundary_iou import boundary_distance_px
from segwright.evaluate.instances.frame import Detections, InstanceFrame, Runs, Truths
from segwright.evaluate.instances.rules import IOU_THRESHOLDS, Kind
from segwright.evaluate.instances.runs import boxes_around, iou, pixels_of

Overlap = npt.NDArray[np.float64]


def overlap(
    frame: InstanceFrame, kind: Kind, detections: npt.NDArray, truths: npt.NDArray, *, boundary_ratio: float
) -> Overlap:
    """How far each of the frame's `detections` overlaps each of its `truths` (their positions), 0..1.

    Float64 (detections, truths). For `boundary` the smaller of mask IoU and boundary IoU, and for a crowd the mask's
    alone; values below 0.5, which no threshold reaches, are the mask's.
    """
    crowd = frame.truths.crowd[truths]
    if kind == "box":
        return iou(_boxes(frame.detections)[detections], _boxes(frame.truths)[truths], crowd)
    found, true = _masks(frame.detections, detections), _masks(frame.truths, truths)
    shared = iou(found, true, crowd)
    if kind == "boundary":
        _lower_to_boundary_iou(shared, found, true, crowd, boundary_distance_px(frame.size, boundary_ratio))
    return shared


def _boxes(objects: Truths | Detections) -> npt.NDArray[np.float64]:
    if objects.boxes is None:
        raise ValueError("box scores need the boxes of every object")
    return objects.boxes


def _masks(objects: Truths | Detections, chosen: npt.NDArray) -> list[Runs]:
    if objects.masks is None:
        raise ValueError("mask and boundary scores need the masks of every object")
    return [objects.masks[position] for position in chosen]


def _lower_to_boundary_iou(
    shared: Overlap, found: list[Runs], true: list[Runs], crowd: npt.NDArray[np.bool_], distance_px: int
) -> None:
    """Where `shared` can still pass a threshold, make it the boundary IoU if that is smaller.

    Below the smallest threshold no value matters, and that is most pairs: their boundaries are never drawn.
    """
    rows, columns = np.nonzero((shared >= IOU_THRESHOLDS[0]) & ~crowd)
    rims = {("found", row): Rim.of(found[row], distance_px) for row in set(rows.tolist())}
    rims |= {("true", column): Rim.of(true[column], distance_px) for column in set(columns.tolist())}
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        shared[row, column] = min(shared[row, column], rims["found", row].iou(rims["true", column]))


@dataclass(frozen=True, eq=False)
class Rim:
    """The pixels of a mask that `distance_px` erosions by a 3x3 square take from it, with nothing beyond the frame.

    `pixels` is bool (height, width) of the mask's own box, whose left upper corner is at `top`, `left`.
    """

    top: int
    left: int
    pixels: npt.NDArray[np.bool_]
    area_px: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "area_px", int(np.count_nonzero(self.pixels)))

    @staticmethod
    def of(runs: Runs, distance_px: int) -> Rim:
        """The rim of a mask given as run lengths."""
        left, top, width, height = boxes_around([runs])[0].astype(int).tolist()
        mask = np.ascontiguousarray(pixels_of(runs, slice(left, left + width))[top : top + height])
        if min(mask.shape) > 2 * distance_px:
            square = np.ones((2 * distance_px + 1, 2 * distance_px + 1), np.uint8)
            mask -= cv2.erode(mask, square, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        return Rim(top, left, mask.astype(np.bool_))

    def iou(self, other: Rim) -> float:
        """Pixels in both rims over pixels in either, 0..1; 0 where neither has any."""
        both = int(np.count_nonzero(self._within(other) & other._within(self)))
        either = self.area_px + other.area_px - both
        return both / either if either else 0.0

    def _within(self, other: Rim) -> npt.NDArray[np.bool_]:
        """The part of this rim that lies in the other's box."""
        rows, columns = (
            slice(max(0, theirs - mine), max(0, theirs + length - mine))
            for mine, theirs, length in zip(
                (self.top, self.left), (other.top, other.left), other.pixels.shape, strict=True
            )
        )
        return self.pixels[rows, columns]
