"""Connected regions of one class: how large, how wide, how long they are, and where."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Regions:
    """The 8-connected components of a mask, one row each.

    `areas` in px; `widths` in px: the diameter of the largest disk of pixels that fits in (1 for a one-pixel line);
    `band_widths` in px: of the straight band whose pixels are on average as far from the outside, so that a net of thin
    lines is thin however thick its knots are; `boxes` are (top, left, bottom, right), half-open. `labels` (height,
    width) numbers the pixels of the cut that holds them all, from 1; 0 is outside.
    """

    areas: npt.NDArray[np.int64]
    widths: npt.NDArray[np.float64]
    band_widths: npt.NDArray[np.float64]
    boxes: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int32]

    def elongations(self) -> npt.NDArray[np.float64]:
        """Long axis over short axis of the ellipse with the region's second moments, at least 1.

        A pixel counts as a square of side 1, so a line of one pixel by n gives n and a single pixel 1.
        """
        if not len(self.areas):
            return np.zeros(0)
        rows, columns = np.nonzero(self.labels)
        of = self.labels[rows, columns] - 1
        y, x = _centred(rows, of, self.areas), _centred(columns, of, self.areas)
        yy, xx, xy = (np.bincount(of, product) / self.areas for product in (y * y, x * x, x * y))
        yy, xx = yy + 1 / 12, xx + 1 / 12
        middle, spread = (yy + xx) / 2, np.sqrt(((yy - xx) / 2) ** 2 + xy**2)
        return np.sqrt((middle + spread) / np.maximum(middle - spread, 1e-12))


def measured_regions(painted: npt.NDArray[np.bool_]) -> Regions:
    """The 8-connected components of a mask (height, width), in reading order of their first pixels' rows."""
    mask = painted.view(np.uint8)
    left, top, width, height = cv2.boundingRect(mask)
    if width == 0:
        return Regions(
            np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros((0, 4), np.int64), np.zeros((0, 0), np.int32)
        )
    cut = np.pad(mask[top : top + height, left : left + width], 1)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cut, connectivity=8)
    depth = cv2.distanceTransform(cut, cv2.DIST_L2, cv2.DIST_MASK_5)
    inside = np.flatnonzero(cut)
    deepest = np.zeros(count, np.float32)
    labels = np.asarray(labels, np.int32)
    np.maximum.at(deepest, labels.ravel()[inside], depth.ravel()[inside])
    table = stats[1:].astype(np.int64)
    first_row, first_column = table[:, cv2.CC_STAT_TOP] + top - 1, table[:, cv2.CC_STAT_LEFT] + left - 1
    boxes = np.column_stack(
        [
            first_row,
            first_column,
            first_row + table[:, cv2.CC_STAT_HEIGHT],
            first_column + table[:, cv2.CC_STAT_WIDTH],
        ]
    )
    areas = table[:, cv2.CC_STAT_AREA]
    depths = np.bincount(labels.ravel()[inside], depth.ravel()[inside], count)[1:]
    return Regions(areas, 2 * np.floor(deepest[1:] + 0.05) - 1, _band_widths(depths / areas), boxes, labels)


def _band_widths(mean_depths: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A band of odd width w has depths 1, 2, ..., (w + 1) / 2, ..., 2, 1, whose mean is (w + 1)² / 4w: solved for w."""
    middle = np.maximum(2 * mean_depths - 1, 1)
    return middle + np.sqrt(middle**2 - 1)


def _centred(positions: npt.NDArray, of: npt.NDArray, areas: npt.NDArray) -> npt.NDArray[np.float64]:
    """Positions (pixels,) relative to the mean of their region's."""
    return positions - (np.bincount(of, positions) / areas)[of]
