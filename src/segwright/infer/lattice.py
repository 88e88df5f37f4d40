"""Gaussian filtering in any number of dimensions at once, by a permutohedral lattice, in numpy.

Source: Adams, Baek and Davis, "Fast High-Dimensional Filtering Using the Permutohedral Lattice" (Eurographics 2010):
points are splatted onto the corners of the simplices they lie in, the corners are blurred along each direction of the
lattice, and the points read their own corners again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float32]
Keys = npt.NDArray[np.int16]
CHANNELS_AT_A_TIME = 4


@dataclass(frozen=True)
class Lattice:
    """A Gaussian of unit variance over the points it was built from (see `lattice_of`).

    `splat` (corners, points) holds each point's barycentric weights; `neighbours` (directions, 2, corners) the corner
    on either side along each direction, the number of corners where there is none.
    """

    splat: sparse.csr_array
    read: sparse.csr_array
    neighbours: npt.NDArray[np.int32]

    def filter(self, values: Floats) -> Floats:
        """The sum over all points of (value of a point) times (its Gaussian weight): (points, channels) to the same.

        Weights are right up to one factor for all; a caller divides by the filtered ones. A few channels at a time: a
        noisy picture has several corners a pixel.
        """
        output = np.empty_like(values)
        for first in range(0, values.shape[1], CHANNELS_AT_A_TIME):
            some = slice(first, first + CHANNELS_AT_A_TIME)
            output[:, some] = self._filtered(np.ascontiguousarray(values[:, some]))
        return output

    def _filtered(self, values: Floats) -> Floats:
        corners = np.zeros((self.neighbours.shape[2] + 1, values.shape[1]), np.float32)  # the last is "no corner": zero
        corners[:-1] = self.splat @ values
        for one, other in self.neighbours:
            blurred = corners[one]
            blurred += corners[other]
            blurred *= np.float32(0.5)
            corners[:-1] += blurred
        return self.read @ corners[:-1]


def lattice_of(features: Floats) -> Lattice:
    """The lattice for points with `features` (points, dimensions), in units of the Gaussian's standard deviation."""
    corners, weights = _simplices(features)
    points, count = weights.shape
    keys, numbers = _numbered(corners)
    flat = numbers.reshape(points, count)
    pointers = np.arange(0, points * count + 1, count, dtype=np.int32)
    read = sparse.csr_array((weights.ravel(), flat.ravel(), pointers), shape=(points, len(keys)))
    return Lattice(read.T.tocsr(), read, _neighbours(keys))


def _simplices(features: Floats) -> tuple[Keys, Floats]:
    """The corners (points, dimensions + 1, dimensions) of the simplex each point lies in, and its weight at each.

    A corner is named by its first `dimensions` coordinates: all of them sum to zero.
    """
    elevated = _elevated(features)
    count = elevated.shape[1]
    nearest = np.rint(elevated / count)
    zero = (nearest * count).astype(np.float32)
    excess = np.rint(nearest.sum(axis=1)).astype(np.int32)
    rank = _ranks(elevated - zero) + excess[:, None]
    low, high = rank < 0, rank >= count
    zero += np.float32(count) * (low.astype(np.float32) - high)
    rank += count * (low.astype(np.int32) - high)
    weights = _barycentric((elevated - zero) / np.float32(count), rank)
    # canonical simplex: corner k adds k to the coordinates of rank below count - k and k - count to the others
    canonical = np.arange(count)[:, None] - np.where(
        np.arange(count)[None] < count - np.arange(count)[:, None], 0, count
    )
    corners = zero[:, None, :-1].astype(np.int16) + canonical.astype(np.int16)[:, rank[:, :-1]].transpose(1, 0, 2)
    return corners, weights


def _elevated(features: Floats) -> Floats:
    """The features on the hyperplane of the lattice (points, dimensions + 1).

    Scaled so that the blur of [1 2 1] / 4 along each direction, with the splat and the read, is of unit variance.
    """
    dimensions = features.shape[1]
    scale = (dimensions + 1) * np.sqrt(2 / 3) / np.sqrt(np.arange(1, dimensions + 1) * np.arange(2, dimensions + 2))
    scaled = features * scale.astype(np.float32)
    elevated = np.empty((len(features), dimensions + 1), np.float32)
    running = np.zeros(len(features), np.float32)
    for axis in range(dimensions, 0, -1):
        own = scaled[:, axis - 1]
        elevated[:, axis] = running - axis * own
        running += own
    elevated[:, 0] = running
    return elevated


def _ranks(differences: Floats) -> npt.NDArray[np.int32]:
    """The place of each coordinate when a point's are sorted from the largest, 0 first; the first wins a tie."""
    order = np.argsort(-differences, axis=1, kind="stable")
    rank = np.empty(order.shape, np.int32)
    np.put_along_axis(rank, order, np.arange(order.shape[1], dtype=np.int32)[None], axis=1)
    return rank


def _barycentric(offsets: Floats, rank: npt.NDArray[np.int32]) -> Floats:
    """The weights of the corners, which sum to one: differences of the sorted offsets."""
    by_rank = np.empty_like(offsets)
    np.put_along_axis(by_rank, rank, offsets, axis=1)
    weights = np.empty_like(offsets)
    # corner k is left by the step between the ranks count - 1 - k and count - k
    weights[:, 1:] = by_rank[:, -2::-1] - by_rank[:, :0:-1]
    weights[:, 0] = 1 + by_rank[:, -1] - by_rank[:, 0]
    return weights


def _numbered(corners: Keys) -> tuple[Keys, npt.NDArray[np.int32]]:
    """The different corners, sorted, and the number of each of the given ones."""
    rows = corners.reshape(-1, corners.shape[-1])
    low, high = _ends(rows)
    codes = _codes(rows, low, high)
    _, first, numbers = np.unique(codes, return_index=True, return_inverse=True)
    return rows[first], numbers.ravel().astype(np.int32)


def _neighbours(keys: Keys) -> npt.NDArray[np.int32]:
    """For each direction of the lattice the number of the corner before and after each; len(keys) where none is.

    A step along a direction is -1 in every coordinate but its own, which it raises by `dimensions`.
    """
    dimensions = keys.shape[1]
    lowest, highest = _ends(keys)
    low, high = lowest - dimensions, highest + dimensions
    codes = _codes(keys, low, high)
    order = np.argsort(codes)
    found = np.empty((dimensions + 1, 2, len(keys)), np.int32)
    for direction in range(dimensions + 1):
        step = np.full(dimensions, -1, np.int16)
        if direction < dimensions:
            step[direction] = dimensions
        for side, sign in enumerate((1, -1)):
            wanted = _codes(keys + np.int16(sign) * step, low, high)
            at = np.minimum(np.searchsorted(codes, wanted, sorter=order), len(keys) - 1)
            number = order[at]
            found[direction, side] = np.where(codes[number] == wanted, number, len(keys))
    return found


def _ends(rows: Keys) -> tuple[Keys, Keys]:
    """The smallest and the largest of each column."""
    columns = [rows[:, axis] for axis in range(rows.shape[1])]
    return np.array([column.min() for column in columns]), np.array([column.max() for column in columns])


def _codes(rows: Keys, low: Keys, high: Keys) -> npt.NDArray[np.int64]:
    """One whole number a row, different for different rows: their places in the box from `low` to `high`."""
    code = np.zeros(len(rows), np.int64)
    for axis in range(rows.shape[1]):
        spread = int(high[axis]) - int(low[axis]) + 1
        code *= spread
        code += rows[:, axis].astype(np.int64) - int(low[axis])
    return code
