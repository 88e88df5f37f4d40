"""From a coarse mask to pixels: it is resampled first and cut at the threshold after, never the reverse.

A mask that is cut while it is coarse has the coarse grid's steps along every edge. Only the window an object lies in
is ever made: memory follows the objects, not objects times frame.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from segwright.core import Box, Size

Coarse = npt.NDArray[np.float32]
Edges = tuple[float, float, float, float]


def pasted(
    coarse: Coarse, covers: Edges, size: Size, *, threshold: float = 0.0
) -> tuple[tuple[int, int], npt.NDArray[np.bool_]] | None:
    """Row and column of a window in a frame of `size`, and the object's pixels in it; None where it has none.

    `coarse` (rows, columns) covers `covers` (x_min, y_min, x_max, y_max, px, half-open); a pixel belongs to the object
    where the value at its centre, interpolated bilinearly between the centres of the coarse cells, is above
    `threshold`. Outside of `covers` there is nothing.

    Values are shares of a cell (0..1, cut at one half) or logits (cut at 0); between a very sure and an unsure cell a
    logit's zero lies nearer to the unsure one, which makes every object thicker: shares are what networks learn.

    Source: the sampling rule of detectron2's `paste_masks_in_image` (pixel centres at 0.5, no corners aligned).
    """
    x_min, y_min, x_max, y_max = covers
    if not (x_max > x_min and y_max > y_min) or not np.isfinite(covers).all():
        return None
    support = _support(coarse, threshold)
    if support is None:
        return None
    rows = _pixels(support[0], y_min, y_max, coarse.shape[0], size.height)
    columns = _pixels(support[1], x_min, x_max, coarse.shape[1], size.width)
    if not len(rows) or not len(columns):
        return None
    vertical = _between(coarse, _places(rows, y_min, y_max, coarse.shape[0]), axis=0)
    fine = _between(vertical, _places(columns, x_min, x_max, coarse.shape[1]), axis=1)
    mask = fine > np.float32(threshold)
    return ((rows.start, columns.start), mask) if mask.any() else None


def _support(coarse: Coarse, threshold: float) -> tuple[range, range] | None:
    """The coarse rows and columns that hold a value above the threshold: nothing lies farther than one cell beyond."""
    above = coarse > threshold
    rows, columns = np.flatnonzero(above.any(axis=1)), np.flatnonzero(above.any(axis=0))
    if not len(rows):
        return None
    return range(int(rows[0]), int(rows[-1]) + 1), range(int(columns[0]), int(columns[-1]) + 1)


def _pixels(cells: range, first: float, last: float, count: int, length: int) -> range:
    """The pixels, inside the frame and inside first..last, whose centre lies within a cell of `cells`."""
    cell = (last - first) / count
    low = max(first, first + (cells.start - 1) * cell)
    high = min(last, first + (cells.stop + 1) * cell)
    return range(max(0, math.ceil(low - 0.5)), min(length, math.ceil(high - 0.5)))


def _places(pixels: range, first: float, last: float, count: int) -> npt.NDArray[np.floating]:
    """Where each pixel's centre lies on the coarse grid, in cells from the first one's centre."""
    centres = np.arange(pixels.start, pixels.stop) + 0.5
    return np.clip((centres - first) * (count / (last - first)) - 0.5, 0, count - 1)


def _between(values: Coarse, places: npt.NDArray[np.floating], axis: int) -> Coarse:
    """`values` at `places` along `axis`, linear between neighbours."""
    below = np.minimum(places.astype(np.intp), max(values.shape[axis] - 2, 0))
    above = np.minimum(below + 1, values.shape[axis] - 1)
    share = (places - below).astype(np.float32)
    share = share[:, None] if axis == 0 else share[None, :]
    low, high = values.take(below, axis=axis), values.take(above, axis=axis)
    return np.asarray(low + (high - low) * share, np.float32)


def window_box(at: tuple[int, int], mask: npt.NDArray[np.bool_]) -> Box:
    """The box of a window at row and column `at`."""
    return Box(at[0], at[1], at[0] + mask.shape[0], at[1] + mask.shape[1])
