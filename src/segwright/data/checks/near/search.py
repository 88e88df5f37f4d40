"""Candidates for one picture: every frame, whole, against windows of every other, in blocks of matrix products."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from segwright.core import Listener, Progress
from segwright.data.checks.near.descriptor import (
    SYMMETRIES,
    Floats,
    as_unit,
    cosines,
    normalised,
    symmetric,
)

LEAST_ALIKE = 0.55
_QUERY_BLOCK = 128
_INDEX_BLOCK = 64
# Sides of the windows as a share of the frame, and how many fit along an axis. A crop between two of them is still
# found: at these frequencies a window may be off by a tenth of its side.
_WINDOWS = ((1.0, 1), (0.94, 2), (0.82, 3), (0.71, 4), (0.62, 6))


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a frame, as shares of its height and width; the whole frame is 0, 0, 1."""

    top: float
    left: float
    share: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """Frame `query`, under `symmetry`, looks like the `window` of frame `other`."""

    query: int
    other: int
    alike: float
    symmetry: int
    window: Window


@cache
def windows(cropped: bool) -> tuple[Window, ...]:
    """The whole frame alone, or also the windows that a crop of it may be."""
    kinds = _WINDOWS if cropped else _WINDOWS[:1]
    return tuple(
        Window(float(top), float(left), share)
        for share, count in kinds
        for top in np.linspace(0, 1 - share, count)
        for left in np.linspace(0, 1 - share, count)
    )


def candidates(
    thumbnails: npt.NDArray[np.uint8],
    sides: Sequence[int],
    *,
    cropped: bool,
    most: int,
    least: float = LEAST_ALIKE,
    listener: Listener,
) -> Iterator[list[Candidate]]:
    """For each frame up to `most` frames of another side that it looks like, most alike first; empty where none is.

    `thumbnails` are (n, 128, 128). `sides` gives each frame its part of
    the split; where all are equal, each frame is compared with every other one.
    """
    side = np.asarray(sides)
    alone = len(set(sides)) == 1
    described = _all_described(thumbnails, cropped, listener)
    for value in sorted(set(sides)):
        pool = np.arange(len(side)) if alone else np.flatnonzero(side != value)
        others = described[pool]
        mine = np.flatnonzero(side == value)
        for start in range(0, len(mine), _QUERY_BLOCK):
            chosen = mine[start : start + _QUERY_BLOCK]
            queries = symmetric(described[chosen, 0].astype(np.float32))
            scores = _scores(queries, others)
            scores[chosen[:, None] == pool] = -1
            for query, row, variants in zip(chosen, scores, queries, strict=True):
                top = np.argpartition(-row, min(most, len(row) - 1))[:most]
                best = sorted((int(at) for at in top if row[at] >= least), key=lambda at: -row[at])
                found = [(int(pool[at]), float(row[at])) for at in best]
                yield [_fitted(int(query), other, alike, described, variants, cropped) for other, alike in found]


def _fitted(
    query: int, other: int, alike: float, described: npt.NDArray[np.float16], variants: Floats, cropped: bool
) -> Candidate:
    """The candidate with the window and the symmetry under which the two are most alike."""
    fits = described[other].astype(np.float32) @ variants.T
    window, symmetry = np.unravel_index(int(fits.argmax()), fits.shape)
    return Candidate(query, other, alike, int(symmetry), windows(cropped)[int(window)])


def _all_described(thumbnails: npt.NDArray[np.uint8], cropped: bool, listener: Listener) -> npt.NDArray[np.float16]:
    """The descriptors (n, windows, 49) of every window of every frame; the whole frame is window 0.

    In half precision: 10,000 frames take 65 MB.
    """
    total = len(thumbnails)
    blocks = []
    for start in range(0, total, _INDEX_BLOCK):
        blocks.append(_described(thumbnails[start : start + _INDEX_BLOCK], cropped).astype(np.float16))
        listener(Progress("describing", min(start + _INDEX_BLOCK, total), total))
    return np.concatenate(blocks)


def _scores(queries: Floats, described: npt.NDArray[np.float16]) -> Floats:
    """(queries, frames): the largest correlation over symmetries and windows."""
    flat = queries.reshape(-1, queries.shape[-1])
    found = np.empty((len(queries), len(described)), np.float32)
    for start in range(0, len(described), _INDEX_BLOCK):
        block = described[start : start + _INDEX_BLOCK].astype(np.float32)
        product = block.reshape(-1, flat.shape[1]) @ flat.T
        best = product.reshape(len(block), -1, len(flat)).max(axis=1)
        found[:, start : start + _INDEX_BLOCK] = best.reshape(len(block), len(queries), SYMMETRIES).max(axis=2).T
    return found


def _described(thumbnails: npt.NDArray[np.uint8], cropped: bool) -> Floats:
    """The descriptors (n, windows, 49) of every window."""
    pixels = normalised(thumbnails)
    parts = []
    for share, count in _WINDOWS if cropped else _WINDOWS[:1]:
        basis = np.concatenate([cosines(float(start), share) for start in np.linspace(0, 1 - share, count)])
        both = basis @ pixels @ basis.T
        each = both.reshape(len(pixels), count, -1, count, both.shape[2] // count).transpose(0, 1, 3, 2, 4)
        parts.append(as_unit(each.reshape(len(pixels), count * count, *each.shape[3:])))
    return np.concatenate(parts, axis=1)
