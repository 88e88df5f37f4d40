"""Outlines, strokes and runs to pixels. A point (x, y) is continuous: pixel (row, column) spans one unit square."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from segwright.core import Box, Size

Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float64]
_FINER = 5  # COCO walks outlines on a grid five times finer than the pixels
_PIECE_PX = 64.0
BRUSH_PX = 3.0  # how wide a line is painted whose width nobody says


@dataclass(frozen=True, eq=False)
class Patch:
    """Painted pixels (height, width) of a box inside a frame; everything else is unpainted."""

    box: Box
    painted: Mask

    def paint(self, ids: npt.NDArray, class_id: int) -> None:
        """Write `class_id` where the patch is painted, in place."""
        ids[self.box.slices][self.painted] = class_id

    def over(self, size: Size) -> Mask:
        """The patch as a mask of a whole frame."""
        mask = np.zeros((size.height, size.width), dtype=bool)
        mask[self.box.slices] = self.painted
        return mask


NOTHING = Patch(Box(0, 0, 0, 0), np.zeros((0, 0), dtype=bool))


def merged(patches: Sequence[Patch], holes: Sequence[Patch]) -> Patch:
    """One patch of all that `patches` paint, less what `holes` paint, in the box around `patches`."""
    boxes = [patch.box for patch in patches if patch.box.area_px]
    if not boxes:
        return NOTHING
    top, left = min(box.top for box in boxes), min(box.left for box in boxes)
    around = Box(top, left, max(box.bottom for box in boxes), max(box.right for box in boxes))
    painted = np.zeros((around.height, around.width), dtype=bool)
    for value, group in ((True, patches), (False, holes)):
        for patch in group:
            _set(painted, around, patch, value=value)
    return Patch(around, painted)


def same_pixels(one: Patch, other: Patch) -> bool:
    """Whether two patches of one frame paint the same pixels."""
    around = merged([one, other], ()).box
    whole = [np.zeros((around.height, around.width), dtype=bool) for _ in range(2)]
    for painted, patch in zip(whole, (one, other), strict=True):
        _set(painted, around, patch, value=True)
    return np.array_equal(whole[0], whole[1])


def _set(painted: Mask, around: Box, patch: Patch, *, value: bool) -> None:
    """Write `value` into `painted`, whose box is `around`, where `patch` is painted and inside that box."""
    top, bottom = max(patch.box.top, around.top), min(patch.box.bottom, around.bottom)
    left, right = max(patch.box.left, around.left), min(patch.box.right, around.right)
    if top >= bottom or left >= right:
        return
    box = patch.box
    cut = patch.painted[top - box.top : bottom - box.top, left - box.left : right - box.left]
    painted[top - around.top : bottom - around.top, left - around.left : right - around.left][cut] = value


def polygon_patch(points: Points, size: Size) -> Patch:
    """The pixels inside one closed outline of points (n, 2) as x, y; even-odd where it crosses itself.

    Pixel for pixel COCO's rule: the outline is walked on a grid five times finer, and a pixel column is entered where
    the walk passes its centre. What lies outside the frame is clipped. Fewer than three points paint nothing.

    Source: the rule of `rleFrPoly` in cocoapi; tests/data/test_rasterise.py compares with pycocotools, pixel for pixel.
    """
    if len(points) < 3:
        return NOTHING
    columns, rows = _crossings(points, size)
    if not len(columns) or rows.min() == rows.max():
        return NOTHING
    box = Box(int(rows.min()), int(columns.min()), int(rows.max()), int(columns.max()) + 1)
    starts = (columns - box.left) * box.height + (rows - box.top)
    flips = np.bincount(starts, minlength=box.area_px + 1)[: box.area_px]
    inside = np.cumsum(flips) % 2 == 1
    return Patch(box, inside.reshape(box.width, box.height).T)


def _crossings(points: Points, size: Size) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where the outline passes from one pixel column to the next: the column, and the first row below the passage."""
    walked = np.trunc(points * _FINER + 0.5).astype(np.int64)
    start, end = walked, np.roll(walked, -1, axis=0)
    steps = np.abs(end - start).max(axis=1) + 1
    edge = np.repeat(np.arange(len(start)), steps)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(steps) - steps, steps)
    x, y = _walk(start[edge], end[edge], step)
    passed = np.flatnonzero(x[1:] != x[:-1])
    fine = np.minimum(x[passed], x[passed + 1])
    upper = np.minimum(y[passed], y[passed + 1])
    kept = (fine % _FINER == _FINER // 2) & (fine >= 0) & (fine // _FINER <= size.width - 1)
    rows = -((_FINER // 2 - upper[kept]) // _FINER)
    return fine[kept] // _FINER, np.clip(rows, 0, size.height)


def _walk(
    start: npt.NDArray[np.int64], end: npt.NDArray[np.int64], step: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The fine grid point after `step` steps along each edge's longer axis; the other axis is rounded.

    An edge is always computed from its smaller end, so that it comes out the same in both directions.
    """
    distance = np.abs(end - start)
    along_x = distance[:, 0] >= distance[:, 1]
    rows = np.arange(len(start))
    major, minor = np.where(along_x, 0, 1), np.where(along_x, 1, 0)
    backwards = start[rows, major] > end[rows, major]
    low = np.where(backwards[:, None], end, start)
    high = np.where(backwards[:, None], start, end)
    longer = distance[rows, major]
    taken = np.where(backwards, longer - step, step)
    slope = (high[rows, minor] - low[rows, minor]) / np.maximum(longer, 1)
    on_major = low[rows, major] + taken
    on_minor = np.trunc(low[rows, minor] + slope * taken + 0.5).astype(np.int64)
    return np.where(along_x, on_major, on_minor), np.where(along_x, on_minor, on_major)


def polyline_patch(points: Points, width_px: float, size: Size) -> Patch:
    """The pixels whose centre lies within half of `width_px` of an open line of points (n, 2) as x, y.

    Ends are round; a single point paints a disk. What lies outside the frame is clipped.
    """
    radius = width_px / 2
    box = _box_around(points, radius).clipped(size)
    painted = np.zeros((box.height, box.width), dtype=bool)
    for start, end in pairwise(points if len(points) > 1 else np.repeat(points, 2, axis=0)):
        pieces = max(
            1, int(np.ceil(np.linalg.norm(end - start) / _PIECE_PX))
        )  # a long slanted line fills its box badly
        marks = start + (end - start) * np.linspace(0, 1, pieces + 1)[:, None]
        for first, last in pairwise(marks):
            _stroke(painted, box, first, last, radius)
    return Patch(box, painted)


def _box_around(points: Points, radius: float) -> Box:
    left, top = np.floor(points.min(axis=0) - radius).astype(int)
    right, bottom = np.ceil(points.max(axis=0) + radius).astype(int)
    return Box(int(top), int(left), int(bottom), int(right))


def _stroke(painted: Mask, frame: Box, start: Points, end: Points, radius: float) -> None:
    around = _box_around(np.stack([start, end]), radius)
    top, bottom = max(around.top, frame.top), min(around.bottom, frame.bottom)
    left, right = max(around.left, frame.left), min(around.right, frame.right)
    if top >= bottom or left >= right:
        return
    y = np.arange(top, bottom)[:, None] + 0.5 - start[1]
    x = np.arange(left, right)[None, :] + 0.5 - start[0]
    along = end - start
    length = float(along @ along)
    share = np.clip((x * along[0] + y * along[1]) / length, 0, 1) if length else 0.0
    near = (x - share * along[0]) ** 2 + (y - share * along[1]) ** 2 <= radius * radius + 1e-9
    painted[top - frame.top : bottom - frame.top, left - frame.left : right - frame.left] |= near


def ellipse_outline(centre: tuple[float, float], radii: tuple[float, float]) -> Points:
    """Points (n, 2) on an ellipse, close enough together that the outline is within a twentieth of a pixel."""
    count = 4 * max(4, int(np.ceil(np.pi / 4 / np.arccos(1 - min(0.5, 0.05 / max(*radii, 0.1))))))
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.column_stack([centre[0] + radii[0] * np.cos(angle), centre[1] + radii[1] * np.sin(angle)])


def turned(points: Points, degrees: float) -> Points:
    """Points (n, 2) turned clockwise (y points down) about the middle of their bounding box."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (points - middle) @ np.array([[cosine, sine], [-sine, cosine]]) + middle


def runs_mask(runs: Sequence[int], size: Size, *, by_column: bool) -> Mask:
    """The pixels (height, width) of alternating run lengths that start with a run outside, possibly of length 0.

    COCO's runs go column by column, CVAT's row by row.

    Raises:
        ValueError: negative runs, or runs that do not sum to the pixels of `size`.
    """
    lengths = np.asarray(runs, dtype=np.int64)
    if lengths.size and lengths.min() < 0:
        raise ValueError("a run length is negative")
    if lengths.sum() != size.area_px:
        raise ValueError(f"the runs cover {lengths.sum()} pixels, not the {size.area_px} of {size}")
    flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return flat.reshape(size.width, size.height).T if by_column else flat.reshape(size.height, size.width)


def unpacked_runs(text: str | bytes) -> list[int]:
    """The run lengths in COCO's compressed text: five bits a character, least significant first; from the third run
    on, each is stored as the difference to the run two before.

    Raises:
        ValueError: characters outside the alphabet, or a number cut off.
    """
    data = text.encode("ascii") if isinstance(text, str) else text
    runs: list[int] = []
    value, shift = 0, 0
    for character in data:
        bits = character - 48
        if not 0 <= bits < 64:
            raise ValueError(f"character {chr(character)!r} is not part of a compressed run")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value, shift = 0, 0
    if shift:
        raise ValueError("the compressed runs end inside a number")
    return runs


def mask_runs(mask: Mask, *, by_column: bool) -> list[int]:
    """The alternating run lengths of a mask (height, width), as `runs_mask` reads them: unpainted first, maybe 0."""
    flat = mask.ravel(order="F" if by_column else "C")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(edges, prepend=0, append=flat.size).tolist() if flat.size else []
    return [0, *runs] if flat.size and flat[0] else runs


def packed_runs(runs: Sequence[int]) -> str:
    """Run lengths as COCO's compressed text, byte for byte as pycocotools writes it; see `unpacked_runs`."""
    text = bytearray()
    for at, run in enumerate(runs):
        value = run - runs[at - 2] if at > 2 else run
        more = True
        while more:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            text.append((bits | (32 if more else 0)) + 48)
    return text.decode("ascii")
