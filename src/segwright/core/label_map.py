"""The semantic answer: one class id a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core.classes import ClassTable
from segwright.core.errors import DataError
from segwright.core.geometry import Box, Size
from segwright.core.image import adopt, frozen


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Class ids `(height, width)`, uint8 or uint16, read-only; every id is in the table or is its void id.

    There is no arithmetic, and one kind of resize (nearest): an average of class ids is another class.

    Raises:
        DataError: a pixel holds an id that the table does not know.
    """

    ids: npt.NDArray
    classes: ClassTable

    def __post_init__(self) -> None:
        if self.ids.ndim != 2 or 0 in self.ids.shape:
            raise ValueError(f"class ids are (height, width) with at least one pixel, got shape {self.ids.shape}")
        if self.ids.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"class ids are uint8 or uint16, got {self.ids.dtype}")
        object.__setattr__(self, "ids", frozen(self.ids))
        unknown = unknown_ids(self.ids, self.classes)
        if unknown:
            count = int(np.isin(self.ids, list(unknown)).sum())
            raise DataError.of(
                "label map",
                f"{count} pixels have ids that are not in the class table",
                allowed=self.classes.describe(),
                found=", ".join(str(value) for value in unknown),
                fix="add a class for each of them, or change them to one of the table, or to void",
            )

    @property
    def size(self) -> Size:
        """Height and width in px."""
        return Size(self.ids.shape[0], self.ids.shape[1])

    @property
    def valid(self) -> npt.NDArray[np.bool_]:
        """True where the pixel has a class, False where it is void; (height, width)."""
        return self.ids != self.classes.void_id

    @property
    def void_fraction(self) -> float:
        """The share of pixels nobody is asked to get right, 0..1."""
        return float(np.count_nonzero(self.ids == self.classes.void_id)) / self.ids.size

    def area_px(self, name: str) -> int:
        """Number of pixels of the class called `name`; 0 where it is absent."""
        return int(np.count_nonzero(self.ids == self.classes[name].class_id))

    def mask(self, *names: str) -> npt.NDArray[np.bool_]:
        """True where the pixel is one of the classes called `names`; (height, width)."""
        return np.isin(self.ids, [self.classes[name].class_id for name in names])

    def crop(self, box: Box) -> LabelMap:
        """The ids inside `box`, which must lie inside the frame and not be empty."""
        if box.area_px == 0 or box.clipped(self.size) != box:
            raise ValueError(f"{box} does not lie inside a frame of {self.size}")
        return LabelMap(self.ids[box.slices], self.classes)

    def resized(self, size: Size) -> LabelMap:
        """The map at another size by nearest neighbour (pixel centres): never invents an id, void stays void.

        Lost: detail finer than the new grid. Never score a resized map.
        """
        rows = ((np.arange(size.height) + 0.5) * self.size.height / size.height).astype(np.intp)
        columns = ((np.arange(size.width) + 0.5) * self.size.width / size.width).astype(np.intp)
        return LabelMap(adopt(self.ids[np.ix_(rows, columns)]), self.classes)

    def channels(self, *, void_as: int) -> npt.NDArray[np.int64]:
        """Network channel numbers (height, width): position in the class table, `void_as` where void."""
        table = np.full(WIDE, void_as, dtype=np.int64)
        for channel, class_id in enumerate(self.classes.ids):
            table[class_id] = channel
        return table[self.ids]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LabelMap):
            return NotImplemented
        return self.classes == other.classes and np.array_equal(self.ids, other.ids)

    __hash__ = None  # type: ignore[assignment]


WIDE = 65536


def unknown_ids(ids: npt.NDArray, classes: ClassTable) -> tuple[int, ...]:
    """The ids in an array of uint8 or uint16 that are neither a class of the table nor void, ascending."""
    known = {*classes.ids, classes.void_id}
    first, last = min(classes.ids), max(classes.ids)
    if known.issuperset(range(first, last + 1)):  # extremes and comparisons take a tenth of the time of a count
        if ids.max() <= last and ids.min() >= first:
            return ()
        fits = (ids >= first) & (ids <= last)
        fits |= ids == classes.void_id
        if fits.all():
            return ()
    present = np.flatnonzero(np.bincount(ids.ravel(), minlength=1))
    return tuple(int(value) for value in present if int(value) not in known)
