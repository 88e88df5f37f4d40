"""IoU of detections with truths of one class in one frame, for masks, boxes and boundaries.

A crowd is a region in which single objects were not told apart: the overlap with it is the share of the *detection*
that lies inside, not an IoU. Pixels are counted, so IoU is a ratio of whole numbers, the same in every code; boxes are
compared in the order of operations of COCO's own code.

Source: `iou` of pycocotools.mask; boundary: Cheng et al., "Boundary IoU: Improving Object-Centric Image Segmentation
Evaluation", CVPR 2021, section 5, as `computeIoU` and `mask_to_boundary` of bowenc0221/boundary-iou-api take it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from segwright.evaluate.boundary_iou import boundary_distance_px
from segwright.evaluate.instances.batches import Batch
from segwright.evaluate.instances.frame import Detections, Truths
from segwright.evaluate.instances.rules import IOU_THRESHOLDS, Kind
from segwright.evaluate.instances.run_texts import Runs, RunTexts
from segwright.evaluate.instances.runs import boxes_around, iou, pixels_of
from segwright.evaluate.kernels import pays

Overlap = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Which detections of a batch meet which truths: those of their frame and class, in groups.

    `detections` and `truths` are the objects' positions in the batch, int64, in the order of the groups. In these,
    group g has the detections from `detection_start[g]` to `detection_start[g + 1]` and the truths from
    `truth_start[g]` to `truth_end[g]`; classes without detections make no group, so their truths lie between those of
    others. Overlaps are flat, detection after detection, truth after truth, from `overlap_start[g]` on.
    """

    detections: npt.NDArray[np.int64]
    truths: npt.NDArray[np.int64]
    overlap_start: npt.NDArray[np.int64]
    detection_start: npt.NDArray[np.int64]
    truth_start: npt.NDArray[np.int64]
    truth_end: npt.NDArray[np.int64]

    @staticmethod
    def of(batch: Batch, detections: npt.NDArray, truths: npt.NDArray) -> Pairs:
        """The pairs of detections and truths that are given in the order of their groups."""
        found, true = batch.detection_group[detections], batch.truth_group[truths]
        groups, first = np.unique(found, return_index=True)
        start = np.append(first, len(found)).astype(np.int64)
        begin, end = (np.searchsorted(true, groups, side=side).astype(np.int64) for side in ("left", "right"))
        cells = np.diff(start) * (end - begin)
        return Pairs(detections, truths, np.cumsum(cells) - cells, start, begin, end)

    @property
    def starts(self) -> tuple[npt.NDArray[np.int64], ...]:
        """The four columns that mark the groups, as the kernels take them."""
        return self.overlap_start, self.detection_start, self.truth_start, self.truth_end

    def groups(self) -> Iterator[tuple[slice, slice, slice]]:
        """Detections, truths and overlaps of each group that has both."""
        for group, cell in enumerate(self.overlap_start):
            detections = slice(self.detection_start[group], self.detection_start[group + 1])
            truths = slice(self.truth_start[group], self.truth_end[group])
            cells = (detections.stop - detections.start) * (truths.stop - truths.start)
            if cells:
                yield detections, truths, slice(cell, cell + cells)


def overlaps(batch: Batch, kind: Kind, pairs: Pairs, *, boundary_ratio: float) -> Overlap:
    """How far the detections of a batch overlap the truths of their frame and class, 0..1, flat as `Pairs` says.

    For `boundary` the smaller of mask IoU and boundary IoU, and for a crowd the mask's alone; values below 0.5, which
    no threshold reaches, are the mask's.
    """
    crowd = batch.truths.crowd[pairs.truths]
    if kind == "box":
        sides = _boxes(batch.detections)[pairs.detections], _boxes(batch.truths)[pairs.truths]
        return (_box_iou if pays(batch.objects_so_far) else iou_plainly)(*sides, pairs, crowd)
    found, true = _masks(batch.detections), _masks(batch.truths)
    if pays(batch.objects_so_far):
        shared = _mask_iou(found, true, pairs, crowd)
    else:
        shared = iou_plainly(_some(found, pairs.detections), _some(true, pairs.truths), pairs, crowd)
    if kind == "boundary":
        for detections, truths, cells in pairs.groups():
            distance_px = boundary_distance_px(batch.size(int(pairs.detections[detections.start])), boundary_ratio)
            part = shared[cells].reshape(-1, truths.stop - truths.start)
            _lower_to_boundary_iou(
                part, _some(found, pairs.detections[detections]), _some(true, pairs.truths[truths]),
                crowd[truths], distance_px,
            )  # fmt: skip
    return shared


def _box_iou(
    found: npt.NDArray[np.float64], true: npt.NDArray[np.float64], pairs: Pairs, crowd: npt.NDArray[np.bool_]
) -> Overlap:
    from segwright.evaluate.kernels import instance_iou

    overlap_start, detection_start, truth_start, truth_end = pairs.starts
    return instance_iou.boxes(found, true, overlap_start, detection_start, truth_start, truth_end, crowd)


def _mask_iou(found: RunTexts, true: RunTexts, pairs: Pairs, crowd: npt.NDArray[np.bool_]) -> Overlap:
    from segwright.evaluate.kernels import instance_iou

    masks = RunTexts.joined([found, true])
    order = np.concatenate([pairs.detections, len(found) + pairs.truths])
    overlap_start, detection_start, truth_start, truth_end = pairs.starts
    return instance_iou.masks(
        masks.text, masks.start, masks.height, order, overlap_start, detection_start, truth_start, truth_end, crowd
    )


def iou_plainly(
    found: list[Runs] | npt.NDArray[np.float64],
    true: list[Runs] | npt.NDArray[np.float64],
    pairs: Pairs,
    crowd: npt.NDArray[np.bool_],
) -> Overlap:
    """What the kernels give, by pycocotools, one group after another."""
    parts = [iou(found[detections], true[truths], crowd[truths]).ravel() for detections, truths, _ in pairs.groups()]
    return np.concatenate([np.empty(0), *parts])


def _boxes(objects: Truths | Detections) -> npt.NDArray[np.float64]:
    if objects.boxes is None:
        raise ValueError("box scores need the boxes of every object")
    return objects.boxes


def _masks(objects: Truths | Detections) -> RunTexts:
    if objects.masks is None:
        raise ValueError("mask and boundary scores need the masks of every object")
    return RunTexts.of(objects.masks)


def _some(masks: RunTexts, chosen: npt.NDArray[np.int64]) -> list[Runs]:
    return [masks[position] for position in chosen.tolist()]


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
