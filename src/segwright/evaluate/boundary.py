"""Boundary F: do the outlines agree within K pixels? The DAVIS definition, counted for all classes in one pass.

An outline pixel of a class is one whose right, lower or lower-right neighbour disagrees with it on being of the
class (pixels beyond the frame agree). An outline pixel of one map is matched where the other map has one at a
Euclidean distance of at most K px. Precision is the matched share of the predicted outline, recall the matched share
of the true one, F their harmonic mean. Pixels whose truth is void are of no class in either map, so what the
prediction says there changes nothing; an undecided (void) prediction is of no class either.

Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", CVPR 2016,
section 5, as computed by `f_measure` of davisvideochallenge/davis2017-evaluation with `bound_th` of K pixels
(tests/evaluate/test_boundary.py compares with the definition and with its recorded values).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, LabelMap
from segwright.evaluate.kernels import compiled

# Outlines denser than this share of the frame are noise, not shapes: one exact distance transform of the frame is then
# never slower than walking the disk around every outline pixel, and bounds it (640x480 noise at 10 px: 48 ms, not 447).
DENSE_OUTLINE = 1 / 16

# columns of BoundaryCounts.matched
PREDICTED, TRUE = 0, 1


@dataclass(frozen=True, eq=False, slots=True)
class BoundaryCounts:
    """Outline pixels of one frame, in all and matched, for each class and each distance; equal by value.

    `outline_px` is int64 (classes, 2): outline pixels of the prediction and of the truth.
    `matched_px` is int64 (distances, classes, 2): how many of them the other map's outline comes within K px of.
    `present` is bool (classes,): the class has at least one valid pixel in the truth or in the prediction.
    """

    boundary_px: tuple[int, ...]
    present: npt.NDArray[np.bool_]
    outline_px: npt.NDArray[np.int64]
    matched_px: npt.NDArray[np.int64]

    def f_scores(self, distance_px: int) -> list[float | None]:
        """The F of each class at K = `distance_px`, 0..1; None for a class in neither map.

        A class whose outline is empty in both maps (it fills both frames) scores 1, one with an outline in only one
        map scores 0: the DAVIS rules.
        """
        return [_f_score(pair) if pair is not None else None for pair in self.precision_recall(distance_px)]

    def precision_recall(self, distance_px: int) -> list[tuple[float, float] | None]:
        """Precision and recall of each class's outline at K = `distance_px`, 0..1; None for a class in neither map.

        Precision is 1 where no outline is predicted, recall where there is no true one, and both are 1 where neither
        is; an outline in one map only has the other one 0: the DAVIS rules.
        """
        matched = self.matched_px[self.boundary_px.index(distance_px)]
        return [
            _precision_recall(self.outline_px[channel], matched[channel]) if present else None
            for channel, present in enumerate(self.present)
        ]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoundaryCounts):
            return NotImplemented
        return self.boundary_px == other.boundary_px and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("present", "outline_px", "matched_px")
        )

    __hash__ = None  # type: ignore[assignment]


def count_boundaries(prediction: LabelMap, truth: LabelMap, *, boundary_px: tuple[int, ...] = (3,)) -> BoundaryCounts:
    """The outline counts of one frame for every class and every distance of `boundary_px` (whole pixels, at least 1).

    The maps are of one size and one class table (`counts.require_same_frame`). Works on the few pixels where a map
    changes, so it costs about the same for two classes and for twenty.
    """
    classes = truth.classes
    distances = tuple(sorted(set(boundary_px)))
    if distances and distances[0] < 1:
        raise ValueError(f"boundary distances are whole pixels, at least 1, got {boundary_px}")
    outline = np.zeros((len(classes), 2), dtype=np.int64)
    matched = np.zeros((len(distances), len(classes), 2), dtype=np.int64)
    if not distances:
        return BoundaryCounts((), np.zeros(len(classes), dtype=np.bool_), outline, matched)
    maps = (without_void(prediction, truth), truth.ids)
    if compiled():
        from segwright.evaluate.outline_matching import match_outlines

        found = match_outlines(maps, classes, distances, DENSE_OUTLINE * truth.ids.size)
        if found is not None:
            present, counts = found
            outline[:] = np.stack([rows[0] for rows in counts], axis=1)
            matched[:] = np.stack([rows[1:] for rows in counts], axis=2)
            return BoundaryCounts(distances, present, outline, matched)
    changes = [_Changes.of(ids) for ids in maps]
    present = changes[PREDICTED].present(classes) | changes[TRUE].present(classes)
    matcher = _Matcher(truth.ids.shape, distances)
    for channel in np.flatnonzero(present):
        class_id = classes.ids[channel]
        predicted, true = (change.outline_of(class_id) for change in changes)
        outline[channel] = predicted.size, true.size
        matched[:, channel, PREDICTED], matched[:, channel, TRUE] = matcher.matches(predicted, true)
    return BoundaryCounts(distances, present, outline, matched)


def boundary_f_score(prediction: LabelMap, truth: LabelMap, name: str, *, distance_px: int = 3) -> float | None:
    """One frame's boundary F of the class called `name` at `distance_px`, 0..1; None where it is in neither map."""
    counts = count_boundaries(prediction, truth, boundary_px=(distance_px,))
    return counts.f_scores(distance_px)[truth.classes.channel(name)]


def _precision_recall(outline_px: npt.NDArray[np.int64], matched_px: npt.NDArray[np.int64]) -> tuple[float, float]:
    precision, recall = (
        part / whole if whole else 1.0 for part, whole in zip(matched_px.tolist(), outline_px.tolist(), strict=True)
    )
    return precision, recall


def _f_score(precision_recall: tuple[float, float]) -> float:
    precision, recall = precision_recall
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def without_void(prediction: LabelMap, truth: LabelMap) -> npt.NDArray:
    """The predicted ids with void wherever the truth is void."""
    void_id = truth.classes.void_id
    if compiled() and prediction.ids.dtype == truth.ids.dtype:
        from segwright.evaluate.kernels.void import hide_void

        return hide_void(prediction.ids, truth.ids, void_id)
    hidden = truth.ids == void_id
    if not hidden.any():
        return prediction.ids
    return np.where(hidden, np.array(void_id, dtype=truth.ids.dtype), prediction.ids)


@dataclass(frozen=True)
class _Changes:
    """The pixels of a label map that differ from their right, lower or lower-right neighbour, by flat position.

    A neighbour beyond the frame is the pixel's own row or column repeated, which is what DAVIS does at the last
    row and the last column.
    """

    first_id: int
    position: npt.NDArray[np.intp]
    own: npt.NDArray
    neighbours: tuple[npt.NDArray, npt.NDArray, npt.NDArray]

    @staticmethod
    def of(ids: npt.NDArray) -> _Changes:
        """The changes of a map of ids (height, width)."""
        height, width = ids.shape
        changed = np.zeros(ids.shape, dtype=np.bool_)
        np.not_equal(ids[:, :-1], ids[:, 1:], out=changed[:, :-1])
        changed[:-1] |= ids[:-1] != ids[1:]
        changed[:-1, :-1] |= ids[:-1, :-1] != ids[1:, 1:]
        position = np.flatnonzero(changed)
        row, column = np.divmod(position, width)
        right = np.minimum(column + 1, width - 1)
        below = np.minimum(row + 1, height - 1)
        neighbours = (ids[row, right], ids[below, column], ids[below, right])
        return _Changes(int(ids[0, 0]), position, ids[row, column], neighbours)

    def present(self, classes: ClassTable) -> npt.NDArray[np.bool_]:
        """True for each class in the map (classes,): it takes part in a change, or the map is all one id."""
        seen = np.zeros(65536, dtype=np.bool_)
        seen[self.first_id] = True
        for ids in (self.own, *self.neighbours):
            seen[ids] = True
        return seen[list(classes.ids)]

    def outline_of(self, class_id: int) -> npt.NDArray[np.intp]:
        """Flat positions of the class's outline pixels, ascending."""
        inside = self.own == class_id
        differs = np.zeros(inside.shape, dtype=np.bool_)
        for neighbour in self.neighbours:
            differs |= (neighbour == class_id) != inside
        return self.position[differs]


class _Matcher:
    """Asks, for outline pixels of one map, whether the other map's outline comes within each distance.

    Looks up the disk's offsets around each outline pixel, nearest first, and only for pixels not matched yet: outlines
    are thin, so this touches far less memory than dilating whole frames, and one walk serves every distance.
    """

    def __init__(self, shape: tuple[int, ...], distances: tuple[int, ...]) -> None:
        height, self._width = shape
        self._margin = distances[-1]
        self._stride = self._width + 2 * self._margin
        self._canvas = np.zeros((height + 2 * self._margin) * self._stride, dtype=np.bool_)
        self._distances = distances

    def matches(self, predicted: npt.NDArray[np.intp], true: npt.NDArray[np.intp]) -> Iterator[list[int]]:
        """Matched predicted pixels at each distance, then matched true pixels at each distance."""
        here, there = self._padded(predicted), self._padded(true)
        yield self._matched(here, there)
        yield self._matched(there, here)

    def _padded(self, position: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        row, column = np.divmod(position, self._width)
        return (row + self._margin) * self._stride + column + self._margin

    def _matched(self, asked: npt.NDArray[np.intp], other: npt.NDArray[np.intp]) -> list[int]:
        if asked.size > DENSE_OUTLINE * self._canvas.size:
            return self._matched_dense(asked, other)
        self._canvas[other] = True
        left, found = asked, []
        for ring in _rings(self._distances):
            for down, right in ring:
                if not left.size:
                    break
                left = left[~self._canvas[left + (down * self._stride + right)]]
            found.append(asked.size - left.size)
        self._canvas[other] = False
        return found

    def _matched_dense(self, asked: npt.NDArray[np.intp], other: npt.NDArray[np.intp]) -> list[int]:
        if not other.size:
            return [0] * len(self._distances)
        away = np.ones(self._canvas.size, dtype=np.uint8)
        away[other] = 0
        nearest = cv2.distanceTransform(away.reshape(-1, self._stride), cv2.DIST_L2, cv2.DIST_MASK_PRECISE).ravel()[
            asked
        ]
        squared = np.rint(np.square(nearest, dtype=np.float64))  # the square of a pixel distance is a whole number
        return [int(np.count_nonzero(squared <= distance * distance)) for distance in self._distances]


@lru_cache(maxsize=32)
def _rings(distances: tuple[int, ...]) -> tuple[tuple[tuple[int, int], ...], ...]:
    """For each distance, the offsets (down, right) that it reaches and the one before did not, nearest first."""
    rings, reached = [], -1
    for distance in distances:
        span = range(-distance, distance + 1)
        offsets = [
            (down, right)
            for down in span
            for right in span
            if reached < down * down + right * right <= distance * distance
        ]
        rings.append(tuple(sorted(offsets, key=lambda offset: math.hypot(*offset))))
        reached = distance * distance
    return tuple(rings)
