"""What rules need to know of one frame's labels: pixels, components, seams, ids that stand between two others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    # of OpenCV's ways this is the one that takes a third of the time; for 4-connected components there is none
    _, _, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(cut, 8, cv2.CV_32S, cv2.CCL_GRANA)
    stats = stats[1:]
    areas = stats[:, cv2.CC_STAT_AREA]
    boxes = stats[:, cv2.CC_STAT_WIDTH] * stats[:, cv2.CC_STAT_HEIGHT]
    large = areas >= BOX_FROM_PX
    return ComponentFacts(
        areas.astype(np.int32),
        int(np.count_nonzero(large)),
        _spots(stats[large & (areas >= BOX_FILL * boxes)], top, left),
        _spots(stats[areas <= SMALL_PX], top, left),
        _spots(_pinholes(cut), top, left),
    )


def _pinholes(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """The 4-connected components of at most `SMALL_PX` unpainted pixels that painted ones enclose, as OpenCV's rows.

    Contours find them in a tenth of the time of labelling all that is unpainted. The contour of a hole runs through
    the painted pixels around it.
    """
    contours, tree = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    holes = [one for one, row in zip(contours, tree[0] if tree is not None else (), strict=True) if row[3] >= 0]
    found: dict[tuple[int, ...], int] = {}
    for left, top, width, height in (cv2.boundingRect(one) for one in holes):
        if width - 2 <= SMALL_PX and height - 2 <= SMALL_PX:
            inside = mask[top : top + height, left : left + width] == 0
            for place, area in _enclosed(inside):
                found[left + place[0], top + place[1], place[2], place[3]] = area
    return np.array([[*place, area] for place, area in sorted(found.items())], np.int32).reshape(-1, 5)


def _enclosed(blank: Mask) -> Iterator[tuple[tuple[int, int, int, int], int]]:
    """Box (left, top, width, height) and area of the small components that do not touch the edge of `blank`."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(blank.view(np.uint8), connectivity=4)
    for left, top, width, height, area in stats[1:].tolist():
        inner = left > 0 and top > 0 and left + width < blank.shape[1] and top + height < blank.shape[0]
        if inner and area <= SMALL_PX:
            yield (left, top, width, height), area


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
    blank = ids == classes.void_id
    if classes.background_id is not None:
        blank |= ids == classes.background_id
    kernel = np.ones((_SEAM_PX + 1, _SEAM_PX + 1), np.uint8)
    # what lies outside the frame is taken as blank: a margin along the edge is no seam
    framed = cv2.copyMakeBorder(blank.view(np.uint8), 3, 3, 3, 3, cv2.BORDER_CONSTANT, value=1)
    opened = cv2.morphologyEx(framed, cv2.MORPH_OPEN, kernel)[3:-3, 3:-3]
    thin = blank & (opened == 0)
    if not thin.any():
        return thin
    rows, columns = np.nonzero(thin)
    across = np.zeros(len(rows), bool)
    for axis in (0, 1):
        before, after = (_nearest(ids, blank, (rows, columns), axis, step) for step in (-1, 1))
        across |= (before >= 0) & (after >= 0) & (before != after)
    seam = np.zeros_like(thin)
    seam[rows[across], columns[across]] = True
    return seam


Places = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]


def _nearest(ids: Ids, blank: Mask, places: Places, axis: int, step: int) -> npt.NDArray[np.int32]:
    """The id of the nearest painted pixel up to 2 px away from each place in one direction; -1 where there is none."""
    found = np.full(len(places[0]), -1, np.int32)
    for distance in range(_SEAM_PX, 0, -1):
        moved = [places[0], places[1]]
        moved[axis] = moved[axis] + step * distance
        here = (moved[axis] >= 0) & (moved[axis] < ids.shape[axis])
        rows, columns = moved[0][here], moved[1][here]
        painted = np.where(blank[rows, columns], -1, ids[rows, columns].astype(np.int32))
        found[here] = np.where(painted >= 0, painted, found[here])
    return found


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
    marked = np.zeros(ids.shape, bool)
    direct = 0
    for axis in (0, 1):
        lines = ids if axis == 1 else ids.T
        row, column = np.nonzero(lines[:, :-2] != lines[:, 1:-1])  # elsewhere nothing stands between
        before, here, after = (lines[row, column + moved].astype(np.int32) for moved in range(3))
        known = (before != classes.void_id) & (here != classes.void_id) & (after != classes.void_id)
        inside = known & (here > np.minimum(before, after)) & (here < np.maximum(before, after))
        view = marked if axis == 1 else marked.T
        view[row[inside], column[inside] + 1] = True
        direct += int(np.count_nonzero(known & (np.abs(here - before) >= 2) & (here == after)))
    return spots_of(marked), direct
