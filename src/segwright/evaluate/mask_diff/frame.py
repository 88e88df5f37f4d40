"""The difference of two label maps of one frame, as counts that add up over frames."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import LabelMap
from segwright.evaluate.component_overlap import Matching, labels_of, shared_pixels
from segwright.evaluate.counts import require_same_frame

Mask = npt.NDArray[np.bool_]
_EVERY = Matching()
_BINS = 65  # of boundary shifts: 0, 1, ..., 63 px, and more


@dataclass(frozen=True)
class ClassDiff:
    """What became of one class: 8-connected components, and how far its outline moved.

    A component of the old map that shares no pixel with one of the new is removed, of the new with none of the old
    added; one that shares pixels with several is split, and a new one that does is merged. `shifts` counts outline
    pixels of both maps by their distance to the other map's outline, whole px rounded down (the last: 64 px and more);
    outlines of a class that only one map has are in none.
    """

    added: int = 0
    removed: int = 0
    split: int = 0
    merged: int = 0
    shift_px_sum: float = 0.0
    shifts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(_BINS, np.int64))

    def __add__(self, other: ClassDiff) -> ClassDiff:
        return ClassDiff(**{name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__})

    @property
    def mean_shift_px(self) -> float | None:
        """The mean distance of outline pixels to the other map's outline; None where no outline was compared."""
        count = int(self.shifts.sum())
        return self.shift_px_sum / count if count else None

    def shift_quantile_px(self, share: float) -> int | None:
        """The whole px that `share` of the outline pixels moved at most; 64 stands for 64 and more."""
        count = int(self.shifts.sum())
        return int(np.searchsorted(np.cumsum(self.shifts), share * count)) if count else None


@dataclass(frozen=True)
class MaskDiff:
    """Pixels by old and new id, `pixels` (classes + 1, classes + 1), rows old, columns new, void last; and the classes.

    Void is counted like any other label here: that a region became void is a change. `classes` has the foreground
    classes in the table's order.
    """

    pixels: npt.NDArray[np.int64]
    classes: tuple[ClassDiff, ...]

    def __add__(self, other: MaskDiff) -> MaskDiff:
        rows = tuple(mine + theirs for mine, theirs in zip(self.classes, other.classes, strict=True))
        return MaskDiff(self.pixels + other.pixels, rows)

    @property
    def changed_px(self) -> int:
        """Pixels whose label differs."""
        return int(self.pixels.sum() - np.trace(self.pixels))


def diff_masks(old: LabelMap, new: LabelMap) -> MaskDiff:
    """What changed from `old` to `new`, of one size and one class table.

        >>> from segwright.core import ClassTable, LabelMap
        >>> table = ClassTable.of(["background", "scratch"])
        >>> maps = [LabelMap(np.array([row], np.uint8), table) for row in ([0, 1, 1, 1, 0], [0, 1, 0, 1, 1])]
        >>> found = diff_masks(*maps)
        >>> found.pixels.tolist(), found.classes[0].split
        ([[1, 1, 0], [1, 2, 0], [0, 0, 0]], 1)

    Raises:
        DataError: another size or another class table.
    """
    require_same_frame(new, old, place="new labels")
    count = len(old.classes)
    channels = [labels.channels(void_as=count) for labels in (old, new)]
    codes = channels[0] * (count + 1) + channels[1]
    pixels = np.bincount(codes.ravel(), minlength=(count + 1) ** 2).reshape(count + 1, count + 1)
    rows = (_class_diff(old.ids == spec.class_id, new.ids == spec.class_id) for spec in old.classes.foreground)
    return MaskDiff(pixels.astype(np.int64), tuple(rows))


def _class_diff(old: Mask, new: Mask) -> ClassDiff:
    left, top, width, height = cv2.boundingRect((old | new).view(np.uint8))
    if width == 0:
        return ClassDiff()
    before, after = (np.ascontiguousarray(mask[top : top + height, left : left + width]) for mask in (old, new))
    if np.array_equal(before, after):
        distances = np.zeros(int(_outline(before).sum()) * 2)
        return ClassDiff(0, 0, 0, 0, 0.0, _binned(distances))
    (parts, areas), (new_parts, new_areas) = (labels_of(mask, _EVERY) for mask in (before, after))
    pairs, _ = shared_pixels(parts, new_parts, max(len(new_areas), 1))
    met = [np.bincount(pairs[:, side], minlength=len(px)) for side, px in ((0, areas), (1, new_areas))]
    distances = _shifts(before, after)
    return ClassDiff(
        added=int((met[1] == 0).sum()),
        removed=int((met[0] == 0).sum()),
        split=int((met[0] > 1).sum()),
        merged=int((met[1] > 1).sum()),
        shift_px_sum=float(distances.sum()),
        shifts=_binned(distances),
    )


def _shifts(before: Mask, after: Mask) -> npt.NDArray[np.float64]:
    """The distance of each outline pixel of either mask to the outline of the other; none where one mask is empty."""
    if not before.any() or not after.any():
        return np.zeros(0)
    lines = _outline(before), _outline(after)
    found = [
        cv2.distanceTransform((~other).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[line]
        for line, other in (lines, lines[::-1])
    ]
    return np.concatenate(found).astype(np.float64)


def _outline(mask: Mask) -> Mask:
    """The pixels of a mask that have a 4-neighbour outside it; beyond the frame is outside, so every mask has some."""
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inside


def _binned(distances: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    whole = np.minimum(distances.astype(np.int64), _BINS - 1)
    return np.bincount(whole, minlength=_BINS)
