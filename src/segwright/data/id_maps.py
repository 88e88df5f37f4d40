"""Labels from pictures of numbers: each number stands for a class, an object or a segment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from segwright.core import ClassTable, InstanceSet, LabelMap, PanopticMap, Segment, adopt, instance_from_mask
from segwright.data.codecs import FrameShape, MaskOrientation
from segwright.data.codecs.header import RefusedError
from segwright.data.codecs.labels import read_colours, read_values

Numbers = npt.NDArray[np.uint32]
_DIRECT = 65536  # numbers below this are looked up in a table as long as themselves
_SHOWN = 8


class Raster(Protocol):
    """A picture of numbers; `str(raster)` is the place that messages name."""

    def numbers(self, shape: FrameShape) -> Numbers:
        """The numbers (height, width) for an image of this shape, upright.

        Raises:
            RefusedError: damaged, or of another size than the image.
        """
        ...

    @property
    def files(self) -> tuple[Path, ...]:
        """The files read, for hashing."""
        ...

    @property
    def digest(self) -> str:
        """Everything that decides the numbers and is not in `files`, as text."""
        ...


@dataclass(frozen=True)
class ValueRaster:
    """The values of a one-band file: grey values, palette indices."""

    path: Path
    orientation: MaskOrientation = "auto"

    def __str__(self) -> str:
        return str(self.path)

    def numbers(self, shape: FrameShape) -> Numbers:
        """The values as they are; negative and broken numbers are refused."""
        values, _ = read_values(self.path, expected=shape, orientation=self.orientation)
        return whole_numbers(values)

    @property
    def files(self) -> tuple[Path, ...]:
        """The file."""
        return (self.path,)

    @property
    def digest(self) -> str:
        """The orientation."""
        return f"values {self.orientation}"


@dataclass(frozen=True)
class ColourRaster:
    """The colours of a file, each as R + 256 G + 65,536 B."""

    path: Path
    orientation: MaskOrientation = "auto"

    def __str__(self) -> str:
        return str(self.path)

    def numbers(self, shape: FrameShape) -> Numbers:
        """The colours as numbers."""
        return read_colours(self.path, expected=shape, orientation=self.orientation)

    @property
    def files(self) -> tuple[Path, ...]:
        """The file."""
        return (self.path,)

    @property
    def digest(self) -> str:
        """The orientation."""
        return f"colours {self.orientation}"


@dataclass(frozen=True)
class Meaning:
    """What a number stands for: a class (or void), and where `thing` is given, which object of it.

    Numbers of equal meaning are one object, or one segment. `painted` is the class id in the label map where that is
    another: a crowd that is void there. `segment_id` is the segment's id where the file gives it one.
    """

    class_id: int
    thing: int | None = None
    crowd: bool = False
    painted: int | None = None
    segment_id: int | None = None


class Meanings(Protocol):
    """What each number of a raster stands for."""

    def of(self, number: int) -> Meaning | None:
        """The meaning of a number; None where it has none, which is an error of the file."""
        ...

    def allowed(self) -> str:
        """What numbers there may be, and the next thing to do about others: for messages."""
        ...


@dataclass(frozen=True)
class MeaningTable:
    """Meanings written down one by one; `hint` says what to do about a number that has none."""

    meanings: Mapping[int, Meaning]
    known: str
    hint: str = "name the class, or map it to void"

    def of(self, number: int) -> Meaning | None:
        """The meaning written down."""
        return self.meanings.get(number)

    def allowed(self) -> str:
        """What is known."""
        return self.known


@dataclass(frozen=True)
class Labels:
    """A raster and what its numbers mean: what the mask sources below have in common."""

    raster: Raster
    meanings: Meanings
    hint: str = "add the class to the class table, or correct the file"

    def parts(self, shape: FrameShape) -> tuple[Numbers, tuple[Meaning, ...]]:
        """For each pixel the position of its meaning among the distinct meanings, which follow.

        Raises:
            DataError: numbers without a meaning, or a raster that cannot be read.
        """
        try:
            present, position = _ranked(self.raster.numbers(shape))
            found = [self.meanings.of(int(number)) for number in present]
            strange = [int(number) for number, meaning in zip(present, found, strict=True) if meaning is None]
            if strange:
                raise self._unknown(strange, present, position)
        except RefusedError as refusal:
            raise refusal.at(str(self.raster)) from refusal
        meanings = tuple(meaning for meaning in found if meaning is not None)
        distinct = tuple(dict.fromkeys(meanings))
        places = {meaning: at for at, meaning in enumerate(distinct)}
        return np.array([places[meaning] for meaning in meanings], np.uint32)[position], distinct

    def _unknown(self, strange: list[int], present: Numbers, position: Numbers) -> RefusedError:
        pixels = int(np.isin(position, np.flatnonzero(np.isin(present, strange))).sum())
        shown = ", ".join(str(number) for number in strange[:_SHOWN])
        return RefusedError(
            f"{pixels} pixels have {len(strange)} values that stand for no class",
            allowed=self.meanings.allowed(),
            found=shown + (f" ... ({len(strange)})" if len(strange) > _SHOWN else ""),
            fix=self.hint,
        )

    def label_map(self, shape: FrameShape, classes: ClassTable) -> LabelMap:
        """The class id of each pixel."""
        parts, meanings = self.parts(shape)
        painted = [one.class_id if one.painted is None else one.painted for one in meanings]
        return LabelMap(adopt(np.array(painted, classes.id_type)[parts]), classes)

    def instances(self, shape: FrameShape, classes: ClassTable) -> InstanceSet:
        """The things, in the order of their numbers; they never overlap. Void pixels are the set's void."""
        parts, meanings = self.parts(shape)
        void = np.isin(parts, [at for at, one in enumerate(meanings) if one.class_id == classes.void_id])
        objects = []
        for at, box in enumerate(ndimage.find_objects((parts + 1).astype(np.int32), len(meanings))):
            one = meanings[at]
            if one.thing is None or one.class_id == classes.void_id or box is None:
                continue
            corner = (box[0].start, box[1].start)
            objects.append(instance_from_mask(parts[box] == at, one.class_id, at=corner, crowd=one.crowd))
        found = tuple(one for one in objects if one is not None)
        return InstanceSet(shape.size, found, classes, adopt(void) if void.any() else None)

    def panoptic(self, shape: FrameShape, classes: ClassTable) -> PanopticMap:
        """A segment for each thing and for each class of the rest; void is 0.

        Segments keep their ids where all have one, else are numbered from 1.
        """
        parts, meanings = self.parts(shape)
        kept = [at for at, one in enumerate(meanings) if one.class_id != classes.void_id]
        numbers = np.zeros(len(meanings), np.uint32)
        named = [meanings[at].segment_id for at in kept]
        numbers[kept] = [one or at for at, one in enumerate(named, 1)] if all(named) else range(1, len(kept) + 1)
        segments = (Segment(int(numbers[at]), meanings[at].class_id, meanings[at].crowd) for at in kept)
        return PanopticMap(adopt(numbers[parts]), tuple(segments), classes)

    @property
    def digest(self) -> str:
        """A hash of what decides the labels beside the files."""
        return hashlib.sha256(repr((self.raster.digest, self.meanings)).encode()).hexdigest()


@dataclass(frozen=True)
class _Numbers:
    """What the mask sources below have in common: each says more of the same labels than the one before."""

    labels: Labels

    def read(self, shape: FrameShape, classes: ClassTable) -> LabelMap:
        """The class ids."""
        return self.labels.label_map(shape, classes)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the raster."""
        return self.labels.raster.files

    @property
    def digest(self) -> str:
        """A hash of what the numbers mean."""
        return self.labels.digest


@final
class ClassNumbers(_Numbers):
    """Labels that say which class a pixel is."""


class _Objects(_Numbers):
    def read_instances(self, shape: FrameShape, classes: ClassTable) -> InstanceSet:
        """The objects."""
        return self.labels.instances(shape, classes)


@final
class ObjectNumbers(_Objects):
    """Labels that say which class and which object a pixel is."""


@final
class SegmentNumbers(_Objects):
    """Labels that divide the whole frame into segments; those of things are objects too."""

    def read_panoptic(self, shape: FrameShape, classes: ClassTable) -> PanopticMap:
        """The segments."""
        return self.labels.panoptic(shape, classes)


def whole_numbers(values: npt.NDArray) -> Numbers:
    """Values of any type as uint32.

    Raises:
        RefusedError: negative values, fractions, or more than 32 bits hold.
    """
    if values.dtype in (np.uint8, np.uint16, np.uint32):
        return values.astype(np.uint32)
    with np.errstate(invalid="ignore"):
        whole = values.astype(np.int64)
        fits = bool((whole == values).all()) and whole.min() >= 0 and whole.max() < 2**32
    if not fits:
        raise RefusedError(
            "has values that are no ids",
            allowed="whole numbers from 0",
            found=f"{values.dtype}, {values.min()} to {values.max()}",
            fix="export the masks again as whole numbers of 8 or 16 bits",
        )
    return whole.astype(np.uint32)


def _ranked(numbers: Numbers) -> tuple[Numbers, Numbers]:
    """The distinct numbers, ascending, and for each pixel the position of its number among them."""
    if int(numbers.max()) < _DIRECT:  # a count is many times faster than a sort
        present = np.flatnonzero(np.bincount(numbers.ravel())).astype(np.uint32)
        table = np.zeros(int(present[-1]) + 1, np.uint32)
        table[present] = np.arange(len(present))
        return present, table[numbers]
    present, position = np.unique(numbers, return_inverse=True)
    return present, position.reshape(numbers.shape).astype(np.uint32)


@dataclass(frozen=True)
class ClassAndObject:
    """Two rasters of one frame as one: 65,536 x class + the number of the object, counted up from 1; 0 is none.

    `class_of` says which class id each number of `classes` stands for; `none` are the numbers of `objects` that are no
    object.
    """

    classes: Raster
    objects: Raster
    class_of: Mapping[int, int]
    none: frozenset[int] = frozenset({0})

    def __str__(self) -> str:
        return f"{self.classes} and {self.objects}"

    def numbers(self, shape: FrameShape) -> Numbers:
        """Class and object in one number; a class value that stands for no class is refused."""
        present, position = _ranked(self.classes.numbers(shape))
        strange = [str(number) for number in present.tolist() if number not in self.class_of]
        if strange:
            raise RefusedError(
                f"{self.classes}: has {len(strange)} values that stand for no class",
                allowed=", ".join(str(number) for number in sorted(self.class_of)[:20]),
                found=", ".join(strange[:_SHOWN]),
                fix="add the class to the class table, or correct the file",
            )
        class_ids = np.array([self.class_of[number] for number in present.tolist()], np.uint32)[position]
        found, which = _ranked(self.objects.numbers(shape))
        counted = np.cumsum([number not in self.none for number in found.tolist()])
        table = np.where([number in self.none for number in found.tolist()], 0, counted).astype(np.uint32)
        return class_ids * np.uint32(65536) + table[which]

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of both."""
        return (*self.classes.files, *self.objects.files)

    @property
    def digest(self) -> str:
        """What decides the numbers."""
        return repr((self.classes.digest, self.objects.digest, sorted(self.class_of.items()), sorted(self.none)))


@dataclass(frozen=True)
class AgreeingRasters:
    """A raster of objects; where one of classes lies beside it, `class_of` its numbers must be the same.

    `law` says how the two belong together: for messages. `kind` is the name by which hashes know this reading.
    """

    objects: ValueRaster
    classes: ValueRaster | None
    class_of: Callable[[Numbers], Numbers]
    law: str
    kind: str

    def __str__(self) -> str:
        return str(self.objects)

    def numbers(self, shape: FrameShape) -> Numbers:
        """The numbers of the objects."""
        numbers = self.objects.numbers(shape)
        if self.classes is None:
            return numbers
        differ = int(np.count_nonzero(self.class_of(numbers) != self.classes.numbers(shape)))
        if differ:
            raise RefusedError(
                f"{differ} pixels have another class than in {self.classes.path.name}",
                allowed=self.law,
                found=f"{differ} pixels",
                fix="make or copy both files again from their source, or remove one of the two",
            )
        return numbers

    @property
    def files(self) -> tuple[Path, ...]:
        """The files read."""
        return (*self.objects.files, *(() if self.classes is None else self.classes.files))

    @property
    def digest(self) -> str:
        """How they are read."""
        return self.kind
