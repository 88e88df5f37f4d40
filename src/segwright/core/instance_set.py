"""The instance answer: one mask an object; objects may overlap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from segwright.core.classes import ClassTable
from segwright.core.errors import Problem, raise_collected
from segwright.core.geometry import Box, Size
from segwright.core.image import adopt, frozen

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Instance:
    """One object: its class, the tight box around its pixels, and `mask` (box height, box width), read-only.

    `crowd` says that this is a region of several objects nobody told apart. `score` is how sure a model was, 0..1, None
    for what people drew. `attributes` are what an annotation says beyond the class. Equal by value.
    """

    class_id: int
    box: Box
    mask: Mask
    crowd: bool = False
    score: float | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.mask.dtype != np.bool_ or self.mask.shape != (self.box.height, self.box.width):
            raise ValueError(f"a mask of {self.box} is bool {self.box.height}x{self.box.width}, got {self.mask.shape}")
        if not self.mask.size or not all(side.any() for side in (*self.mask[[0, -1]], *self.mask.T[[0, -1]])):
            raise ValueError("an instance has pixels in the first and last row and column of its box")
        object.__setattr__(self, "mask", frozen(self.mask))
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))

    @property
    def area_px(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.mask))

    def over(self, size: Size) -> Mask:
        """The object as a mask of a whole frame of `size`, which must hold its box."""
        whole = np.zeros((size.height, size.width), dtype=bool)
        whole[self.box.slices] = self.mask
        return whole

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Instance):
            return NotImplemented
        return self._facts == other._facts and np.array_equal(self.mask, other.mask)

    @property
    def _facts(self) -> tuple:
        return (self.class_id, self.box, self.crowd, self.score, dict(self.attributes))

    __hash__ = None  # type: ignore[assignment]


def instance_from_mask(
    mask: Mask,
    class_id: int,
    *,
    at: tuple[int, int] = (0, 0),
    crowd: bool = False,
    score: float | None = None,
    attributes: Mapping[str, str] | None = None,
) -> Instance | None:
    """The object whose pixels are True in `mask` (height, width), which lies at row and column `at` of its frame.

    None where no pixel is True: an object without pixels is none.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    box = Box(top + at[0], left + at[1], bottom + at[0], right + at[1])
    cut = adopt(np.array(mask[top:bottom, left:right], dtype=bool))
    return Instance(class_id, box, cut, crowd, score, attributes or {})


@dataclass(frozen=True, eq=False)
class InstanceSet:
    """The objects of one frame of `size`, in a fixed order; they may overlap.

    `void` (height, width) is True where nobody is asked to get it right, None where that is nowhere. Void and
    background are no objects. Equal by value, order included; `sorted_set` gives an order that depends on the objects
    alone.

    Raises:
        DataError: boxes outside the frame, ids of no class, of the background or of void; all at once.
    """

    size: Size
    instances: tuple[Instance, ...]
    classes: ClassTable
    void: Mask | None = None

    def __post_init__(self) -> None:
        raise_collected(_problems(self))
        if self.void is not None:
            if self.void.dtype != np.bool_ or self.void.shape != (self.size.height, self.size.width):
                raise ValueError(f"void is bool (height, width) of {self.size}, got {self.void.shape}")
            object.__setattr__(self, "void", frozen(self.void) if self.void.any() else None)

    def __len__(self) -> int:
        return len(self.instances)

    def __iter__(self) -> Iterator[Instance]:
        return iter(self.instances)

    def sorted_set(self) -> InstanceSet:
        """The same objects ordered by class, box and pixels: equal for sets that differ in order alone."""
        ordered = sorted(self.instances, key=lambda one: (one.class_id, one.box, one.crowd, one.mask.tobytes()))
        return InstanceSet(self.size, tuple(ordered), self.classes, self.void)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, InstanceSet):
            return NotImplemented
        same = (self.size, self.classes, len(self)) == (other.size, other.classes, len(other))
        mine, theirs = (np.zeros((0, 0), bool) if one.void is None else one.void for one in (self, other))
        return same and np.array_equal(mine, theirs) and self.instances == other.instances

    __hash__ = None  # type: ignore[assignment]


def _problems(objects: InstanceSet) -> Iterator[Problem]:
    classes = objects.classes
    allowed = ", ".join(f"{spec.class_id} {spec.name}" for spec in classes.foreground)
    for at, one in enumerate(objects.instances):
        place = f"instance {at}"
        if one.box.clipped(objects.size) != one.box:
            fix = "cut the object to its frame"
            yield Problem(place, "lies outside its frame", f"inside {objects.size}", str(one.box), fix)
        if one.class_id not in classes.ids or one.class_id == classes.background_id:
            fix = "give it the id of a class that is not the background; void regions go into `void`"
            yield Problem(place, "has an id that is no class of objects", allowed, str(one.class_id), fix)
