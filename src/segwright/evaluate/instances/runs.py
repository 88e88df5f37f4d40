"""Run lengths of masks, made, measured and compared by pycocotools.mask, as COCO's own code does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pycocotools.mask

from segwright.core import Size
from segwright.data.workers import in_threads
from segwright.evaluate.instances.run_texts import Runs, RunTexts, text_of
from segwright.evaluate.instances.segmentations import counts_of
from segwright.evaluate.kernels import compiled, pays

# its type stubs name fewer arguments than its code takes
_coco: Any = pycocotools.mask

# its `area` writes the number of masks into 8 bits, which newer numpy refuses beyond 255
_AT_ONCE = 255


def runs_of(segmentation: Any, size: Size) -> Runs:
    """Compressed run lengths of a COCO `segmentation`: polygons, uncompressed or compressed run lengths.

    It is one in which `segmentations.flaws` finds nothing. Polygons are painted as COCO's code paints them.
    """
    if isinstance(segmentation, list):
        return _coco.merge(_coco.frPyObjects(segmentation, size.height, size.width))
    if isinstance(segmentation["counts"], list):
        return _coco.frPyObjects(segmentation, size.height, size.width)
    return segmentation


def measures_of(masks: Sequence[Runs]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Area in px (masks,), and box as in `boxes_around` (masks, 4), of each mask."""
    if not pays(len(masks)):
        return areas_of(masks), boxes_around(masks)
    from segwright.evaluate.kernels import instance_iou

    texts = RunTexts.of(masks)
    parts = in_threads(lambda part: instance_iou.measure(part.text, part.start, part.height), texts.parts())
    found = [np.empty((0, 5)), *parts]
    area, boxes = np.split(np.concatenate(found), [1], axis=1)
    # with a run of no pixels pycocotools has a box of its own
    for position in np.flatnonzero(area[:, 0] < 0).tolist():
        area[position], boxes[position] = areas_of([texts[position]]), boxes_around([texts[position]])
    return area[:, 0].copy(), boxes


def areas_of(masks: Sequence[Runs]) -> npt.NDArray[np.float64]:
    """The area of each mask in px (masks,)."""
    parts = [_coco.area(list(masks[start : start + _AT_ONCE])) for start in range(0, len(masks), _AT_ONCE)]
    return np.concatenate([np.empty(0), *parts])


def boxes_around(masks: Sequence[Runs]) -> npt.NDArray[np.float64]:
    """The box of each mask: left, top, width, height in px (masks, 4); zeros for an empty mask."""
    return np.asarray(_coco.toBbox(list(masks)), dtype=np.float64).reshape(-1, 4)


def pixels_of(mask: Runs, columns: slice | None = None) -> npt.NDArray[np.uint8]:
    """The mask as pixels, 0 or 1 (height, width), or some columns of it.

    It is one in which `segmentations.flaws` finds nothing. pycocotools decodes too, but only all of it, and it warns
    with newer numpy.
    """
    height, width = mask["size"]
    first, end = (0, width) if columns is None else (columns.start, columns.stop)
    text = text_of(mask)
    if not compiled():
        return columns_plainly(text, height, first, end).T
    from segwright.evaluate.kernels import run_lengths

    return run_lengths.columns(np.frombuffer(text, dtype=np.uint8), height, first, end).T


def columns_plainly(text: bytes, height: int, first: int, end: int) -> npt.NDArray[np.uint8]:
    """The columns `first` to `end` of compressed run lengths, 0 or 1 (columns, height), by numpy."""
    counts = counts_of(text)
    if counts is None:
        raise ValueError("these are no run lengths")
    edges = np.clip(np.cumsum(counts) - first * height, 0, (end - first) * height)
    inside = (np.arange(len(counts)) & 1).astype(np.uint8)
    return np.repeat(inside, np.diff(edges, prepend=0)).reshape(end - first, height)


def iou(
    detections: Sequence[Runs] | npt.NDArray[np.float64],
    truths: Sequence[Runs] | npt.NDArray[np.float64],
    crowd: npt.NDArray[np.bool_],
) -> npt.NDArray[np.float64]:
    """IoU of masks, or of boxes (left, top, width, height), float64 (detections, truths), neither of them empty.

    Where a truth is a crowd, the share of the detection inside it.
    """
    return np.asarray(_coco.iou(detections, truths, crowd.astype(np.uint8)), dtype=np.float64)
