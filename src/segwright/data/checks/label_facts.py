"""What rules need to know of one frame's labels: pixels, components, seams, ids that stand between two others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Box, ClassTable, LabelMap

SMALL_PX = 4  # specks and pinholes: what a brush leaves and nobody paints
BOX_FROM_PX = 64  # smaller components fill their boxes by chance
BOX_FILL = 0.98
_SEAM_PX = 2

Mask = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Spots:
    """Places of one kind in a frame: how many, how many pixels, and the box of the largest."""

    count: int = 0
    area_px: int = 0
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class ComponentFacts:
    """The 8-connected components of one class in one frame: areas in px, those that are boxes, those that are specks.

    `large` counts components of at least 64 px, `boxes` those of them that fill their bounding box.
    """

    areas: npt.NDArray[np.int32]
    large: int
    boxes: Spots
    specks: Spots
    pinholes: Spots


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """One frame's labels; `pixels` maps each id that occurs, void included, to its pixels.

    `between` counts pixels whose id stands numerically between those of both neighbours, `direct` the borders between
    ids that are at least two apart; `seams` are lines of void or background of 1-2 px between two classes.
    """

    pixels: Mapping[int, int]
    components: Mapping[int, ComponentFacts]
    seams: Spots
    between: Spots
    direct: int


def look_at_labels(labels: LabelMap) -> LabelFacts:
    """Everything above, in one go over the ids."""
    ids, classes = labels.ids, labels.classes
    counts = np.bincount(ids.ravel())
    pixels = {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    present = [class_id for class_id in pixels if class_id not in (classes.void_id, classes.background_id)]
    components = {class_id: _components(ids == class_id) for class_id in present}
    between, direct = _between(ids, classes) if len(pixels) > 2 else (Spots(), 0)
    return LabelFacts(pixels, components, spots_of(seam_pixels(labels)), between, direct)


def _components(painted: Mask) -> ComponentFacts:
    mask = painted.view(np.uint8)
    left, top, width, height = cv2.boundingRect(mask)
    cut = np.ascontiguousarray(mask[top : top + height, left : left + width])
    _, _, stats, _ = cv2.connectedComponentsWithStats(cut, connectivity=8)
    stats = stats[1:]
    areas = stats[:, cv2.CC_STAT_AREA]
    boxes = stats[:, cv2.CC_STAT_WIDTH] * stats[:, cv2.CC_STAT_HEIGHT]
    large = areas >= BOX_FROM_PX
    _, _, inverse, _ = cv2.connectedComponentsWithStats(np.pad(1 - cut, 1, constant_values=1), connectivity=4)
    return ComponentFacts(
        areas.astype(np.int32),
        int(np.count_nonzero(large)),
        _spots(stats[large & (areas >= BOX_FILL * boxes)], top, left),
        _spots(stats[areas <= SMALL_PX], top, left),
        _spots(inverse[1:][inverse[1:, cv2.CC_STAT_AREA] <= SMALL_PX], top - 1, left - 1),
    )


def _spots(stats: npt.NDArray, top: int, left: int) -> Spots:
    """Rows of OpenCV's component statistics as spots, moved by where the cut-out lies."""
    if len(stats) == 0:
        return Spots()
    column, row, width, height, _ = (int(value) for value in stats[stats[:, cv2.CC_STAT_AREA].argmax()])
    box = Box(top + row, left + column, top + row + height, left + column + width)
    return Spots(len(stats), int(stats[:, cv2.CC_STAT_AREA].sum()), box)


def spots_of(painted: Mask) -> Spots:
    """The components of a mask as spots."""
    if not painted.any():
        return Spots()
    _, _, stats, _ = cv2.connectedComponentsWithStats(painted.view(np.uint8), connectivity=8)
    return _spots(stats[1:], 0, 0)


def seam_pixels(labels: LabelMap) -> Mask:
    """Pixels of void or background in a line 1-2 px wide with one class on one side and another on the other."""
    ids, classes = labels.ids, labels.classes
    empty = [classes.void_id] if classes.background_id is None else [classes.void_id, classes.background_id]
    blank = np.isin(ids, empty)
    kernel = np.ones((_SEAM_PX + 1, _SEAM_PX + 1), np.uint8)
    # what lies outside the frame is taken as blank: a margin along the edge is no seam
    framed = cv2.copyMakeBorder(blank.view(np.uint8), 3, 3, 3, 3, cv2.BORDER_CONSTANT, value=1)
    opened = cv2.morphologyEx(framed, cv2.MORPH_OPEN, kernel)[3:-3, 3:-3]
    thin = blank & (opened == 0)
    if not thin.any():
        return thin
    seam = np.zeros_like(thin)
    for axis in (0, 1):
        before, after = nearest_painted(ids, blank, axis, 1), nearest_painted(ids, blank, axis, -1)
        seam |= thin & (before >= 0) & (after >= 0) & (before != after)
    return seam


def nearest_painted(ids: Ids, blank: Mask, axis: int, step: int) -> npt.NDArray[np.int32]:
    """For each pixel the id of the nearest painted pixel up to 2 px away in one direction; -1 where there is none."""
    painted = np.where(blank, -1, ids.astype(np.int32))
    found = np.full(ids.shape, -1, np.int32)
    for distance in range(_SEAM_PX, 0, -1):
        moved = np.full(ids.shape, -1, np.int32)
        target, source = [slice(None)] * 2, [slice(None)] * 2
        target[axis] = slice(distance, None) if step > 0 else slice(None, -distance)
        source[axis] = slice(None, -distance) if step > 0 else slice(distance, None)
        moved[tuple(target)] = painted[tuple(source)]
        found = np.where(moved >= 0, moved, found)
    return found


def _between(ids: Ids, classes: ClassTable) -> tuple[Spots, int]:
    """Pixels between two others, across and down, whose id lies between theirs; and the borders that have none.

    Averaging two class ids gives such pixels along the whole border of the two; drawing does not.
    """
    wide = ids.astype(np.int32)
    marked = np.zeros(ids.shape, bool)
    direct = 0
    for axis in (0, 1):
        lines = wide if axis == 1 else wide.T
        before, here, after = lines[:, :-2], lines[:, 1:-1], lines[:, 2:]
        low, high = np.minimum(before, after), np.maximum(before, after)
        known = (before != classes.void_id) & (here != classes.void_id) & (after != classes.void_id)
        inside = known & (here > low) & (here < high)
        view = marked if axis == 1 else marked.T
        view[:, 1:-1] |= inside
        direct += int(np.count_nonzero(known & (np.abs(here - before) >= 2) & (here == after)))
    return spots_of(marked), direct
