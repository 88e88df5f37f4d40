"""Pixel counts: what each pixel of a class was called. Counts add up; ratios come later, in `scores`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, DataError, LabelMap, Probabilities, Problem
from segwright.evaluate.boundary import count_boundaries
from segwright.evaluate.boundary_iou import count_boundary_regions
from segwright.evaluate.frame_counts import FrameCounts
from segwright.evaluate.further import further
from segwright.evaluate.kernels import compiled
from segwright.evaluate.packed import PackedFrames

_WIDE = 65536


@dataclass(frozen=True, eq=False)
class PixelCounts:
    """How many pixels of each true class were called what, over any number of frames; equal by value, added with `+`.

    `confusion` is int64 (classes, classes + 1): rows are true classes and columns predicted classes, both in the
    order of the class table. The last column holds the pixels the prediction left undecided (void); they are missed
    pixels of their true class. Pixels where the *truth* is void are in no row, whatever the prediction says there:
    only their number is kept, in `void_px`.
    """

    confusion: npt.NDArray[np.int64]
    void_px: int = 0

    def __post_init__(self) -> None:
        if self.confusion.ndim != 2 or self.confusion.shape[1] != self.confusion.shape[0] + 1:
            raise ValueError(f"a confusion is (classes, classes + 1), got shape {self.confusion.shape}")
        counts = np.array(self.confusion, dtype=np.int64)
        counts.flags.writeable = False
        object.__setattr__(self, "confusion", counts)

    @staticmethod
    def none(classes: ClassTable) -> PixelCounts:
        """The counts of no frame at all: the zero of `+`."""
        return PixelCounts(np.zeros((len(classes), len(classes) + 1), dtype=np.int64))

    @property
    def correct_px(self) -> npt.NDArray[np.int64]:
        """Pixels called what they are, for each class (classes,)."""
        return np.diagonal(self.confusion)

    @property
    def truth_px(self) -> npt.NDArray[np.int64]:
        """Pixels that are of each class (classes,)."""
        return self.confusion.sum(axis=1)

    @property
    def predicted_px(self) -> npt.NDArray[np.int64]:
        """Pixels called each class (classes,), void truth left out."""
        return self.confusion[:, :-1].sum(axis=0)

    @property
    def valid_px(self) -> int:
        """Pixels whose truth is a class."""
        return int(self.confusion.sum())

    def __add__(self, other: PixelCounts) -> PixelCounts:
        if self.confusion.shape != other.confusion.shape:
            raise ValueError(f"counts of {len(self.confusion)} and {len(other.confusion)} classes do not add up")
        return PixelCounts(self.confusion + other.confusion, self.void_px + other.void_px)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PixelCounts):
            return NotImplemented
        return self.void_px == other.void_px and np.array_equal(self.confusion, other.confusion)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class FramePair:
    """One frame to score: its stem, its domain columns, and the two label maps, both at the truth's native size."""

    stem: str
    prediction: LabelMap
    truth: LabelMap
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Counts:
    """All counts of an evaluation: the pooled confusion, and a row a frame in the order of their stems, kept packed.

    Counts of disjoint sets of frames are added with `+`: any order and any sharding gives the same value.
    """

    classes: ClassTable
    boundary_px: tuple[int, ...]
    pixels: PixelCounts
    frames: Sequence[FrameCounts] = ()
    also: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "frames", PackedFrames.of(self.frames).in_order())

    @property
    def packed(self) -> PackedFrames:
        """The rows with their columns over all frames."""
        return PackedFrames.of(self.frames)

    def __add__(self, other: Counts) -> Counts:
        mine, theirs = ((each.classes.content_hash, each.boundary_px, each.also) for each in (self, other))
        if mine != theirs:
            raise ValueError("only counts of the same classes, boundary distances and further families add up")
        pixels, frames = self.pixels + other.pixels, PackedFrames.joined([self.packed, other.packed])
        return Counts(self.classes, self.boundary_px, pixels, frames, self.also)


def count_pixels(prediction: LabelMap, truth: LabelMap) -> PixelCounts:
    """The confusion of one frame.

    Void truth is left out, a void prediction counts as missed; see `PixelCounts`. On a 2x2 mask:

        >>> import numpy as np
        >>> from segwright.core import ClassTable, LabelMap
        >>> classes = ClassTable.of(["background", "scratch"])
        >>> truth = LabelMap(np.array([[0, 1], [1, 255]], np.uint8), classes)
        >>> prediction = LabelMap(np.array([[0, 1], [255, 1]], np.uint8), classes)
        >>> count_pixels(prediction, truth).confusion.tolist()
        [[1, 0, 0], [0, 1, 1]]

    Raises:
        DataError: the sizes or the class tables differ.
    """
    require_same_frame(prediction, truth)
    classes = truth.classes
    narrow = max(classes.void_id, *classes.ids) <= 255  # masks of 8 bits may have a table of 16
    if narrow and prediction.ids.dtype == np.uint8 and truth.ids.dtype == np.uint8:
        confusion = _narrow_confusion(prediction.ids, truth.ids, classes)
    else:
        confusion = _wide_confusion(prediction.ids, truth.ids, classes)
    return PixelCounts(confusion, truth.ids.size - int(confusion.sum()))


def count_frame(
    pair: FramePair, *, boundary_px: tuple[int, ...] = (3,), also: Sequence[str] = ()
) -> tuple[PixelCounts, FrameCounts]:
    """The confusion of one frame, and its row, with the further families named in `also`."""
    pixels = count_pixels(pair.prediction, pair.truth)
    row = FrameCounts(
        pair.stem,
        dict(pair.columns),
        pixels.correct_px.copy(),
        pixels.truth_px,
        pixels.predicted_px,
        pixels.void_px,
        count_boundaries(pair.prediction, pair.truth, boundary_px=boundary_px),
        count_boundary_regions(pair.prediction, pair.truth)
        if boundary_px
        else np.zeros((3, len(pixels.truth_px)), int),
        {name: further(name).count(pair.prediction, pair.truth, pair.stem) for name in also},
    )
    return pixels, row


def require_same_frame(prediction: LabelMap, truth: LabelMap, *, place: str = "prediction") -> None:
    """Refuse a pair that is not of one size and one class table.

    Raises:
        DataError: with one problem for the size and one for the table.
    """
    problems = tuple(pair_problems(prediction, truth, place=place))
    if problems:
        raise DataError(*problems)


def pair_problems(prediction: LabelMap | Probabilities, truth: LabelMap, *, place: str) -> list[Problem]:
    """Why a prediction cannot be compared with its truth; empty where it can."""
    problems = []
    if prediction.size != truth.size:
        problems.append(
            Problem(
                place,
                "is not of the truth's size",
                f"{truth.size} (width x height), the size the truth was drawn at",
                str(prediction.size),
                "predict at the image's native size: nothing is resized silently, a resized mask has another score",
            )
        )
    same_table = prediction.classes is truth.classes or prediction.classes.content_hash == truth.classes.content_hash
    if not same_table:
        fix = "score both with one class table (--classes FILE)"
        problems.append(
            Problem(place, "is of another class table", truth.classes.describe(), prediction.classes.describe(), fix)
        )
    return problems


def _narrow_confusion(prediction: npt.NDArray, truth: npt.NDArray, classes: ClassTable) -> npt.NDArray[np.int64]:
    """Both maps uint8: a histogram of the ids side by side in 16 bits, then the cells of the table's ids."""
    if compiled():
        from segwright.evaluate.kernels.confusion import count_id_pairs

        table = count_id_pairs(truth, prediction)
    else:
        pairs = truth.astype(np.uint16)
        pairs <<= 8
        pairs |= prediction
        table = np.bincount(pairs.ravel(), minlength=_WIDE).reshape(256, 256)
    return table[np.ix_(classes.ids, (*classes.ids, classes.void_id))]


def _wide_confusion(prediction: npt.NDArray, truth: npt.NDArray, classes: ClassTable) -> npt.NDArray[np.int64]:
    columns = len(classes) + 1
    channel_of = np.full(_WIDE, len(classes), dtype=np.int64)
    channel_of[list(classes.ids)] = np.arange(len(classes))
    pairs = channel_of[truth] * columns + channel_of[prediction]
    return np.bincount(pairs.ravel(), minlength=columns * columns).reshape(columns, columns)[:-1]
