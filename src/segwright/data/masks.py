"""Where a frame's labels come from, file or shapes, and how they become class ids, objects or segments."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from segwright.core import ClassTable, InstanceSet, LabelMap, PanopticMap, adopt
from segwright.data.codecs.header import RefusedError
from segwright.data.codecs.labels import FrameShape, MaskOrientation, read_colours, read_label_map, read_values


@runtime_checkable
class MaskSource(Protocol):
    """Something that paints the class ids of one frame."""

    def read(self, shape: FrameShape, classes: ClassTable) -> LabelMap:
        """The labels of an image of this shape, upright.

        Raises:
            DataError: the labels do not fit the image or the class table.
        """
        ...

    @property
    def files(self) -> tuple[Path, ...]:
        """The mask files read, for hashing; empty where the labels lie in an annotation file."""
        ...

    @property
    def digest(self) -> str:
        """A hash of everything that decides the labels and is not in `files`."""
        ...


@runtime_checkable
class InstanceSource(MaskSource, Protocol):
    """Labels that also say which pixels are which object."""

    def read_instances(self, shape: FrameShape, classes: ClassTable) -> InstanceSet:
        """The objects of an image of this shape, upright, crowds among them.

        Raises:
            DataError: the labels do not fit the image or the class table.
        """
        ...


@runtime_checkable
class PanopticSource(MaskSource, Protocol):
    """Labels that divide the whole frame into segments."""

    def read_panoptic(self, shape: FrameShape, classes: ClassTable) -> PanopticMap:
        """The segments of an image of this shape, upright.

        Raises:
            DataError: the labels do not fit the image or the class table.
        """
        ...


@dataclass(frozen=True)
class IndexMask:
    """A file whose values are class ids; `mapping` renames values first."""

    path: Path
    mapping: Mapping[int, int] = field(default_factory=dict)
    orientation: MaskOrientation = "auto"

    def read(self, shape: FrameShape, classes: ClassTable) -> LabelMap:
        """The values of the file as class ids, after `mapping`."""
        return read_label_map(self.path, classes, expected=shape, mapping=self.mapping, orientation=self.orientation)

    @property
    def files(self) -> tuple[Path, ...]:
        """The mask file."""
        return (self.path,)

    @property
    def digest(self) -> str:
        """A hash of the mapping and the orientation."""
        return _digest("index", sorted(self.mapping.items()), self.orientation)


@dataclass(frozen=True)
class BinaryMask:
    """A grey file that is `class_id` from `cut` up and `background_id` below.

    The cut is what makes grey-level, antialiased and JPEG masks readable: "above 0" would take their noise for class.
    Where a file `seen` is given, what is below the cut in it was not seen by the camera: void.
    """

    path: Path
    class_id: int
    background_id: int
    cut: int = 128
    orientation: MaskOrientation = "auto"
    seen: Path | None = None

    def read(self, shape: FrameShape, classes: ClassTable) -> LabelMap:
        """`class_id` where the file is at least `cut`, `background_id` elsewhere, void where nothing was seen."""
        above = above_cut(self.path, self.cut, shape, self.orientation)
        ids = np.where(above, np.uint16(self.class_id), np.uint16(self.background_id))
        if self.seen is not None:
            ids[~above_cut(self.seen, self.cut, shape, self.orientation)] = classes.void_id
        return LabelMap(adopt(ids.astype(classes.id_type)), classes)

    @property
    def files(self) -> tuple[Path, ...]:
        """The mask file, and the one that says what was seen."""
        return (self.path,) if self.seen is None else (self.path, self.seen)

    @property
    def digest(self) -> str:
        """A hash of the two ids, the cut and the orientation."""
        return _digest("binary", self.class_id, self.background_id, self.cut, self.orientation)


@dataclass(frozen=True)
class EmptyMask:
    """A frame that is `class_id` all over; where a mask file is given as witness, nothing in it may reach `cut`."""

    class_id: int
    witness: Path | None = None
    cut: int = 128
    orientation: MaskOrientation = "auto"

    def read(self, shape: FrameShape, classes: ClassTable) -> LabelMap:
        """`class_id` all over, once the witness, where there is one, was found empty."""
        if self.witness is not None:
            painted = int(np.count_nonzero(above_cut(self.witness, self.cut, shape, self.orientation)))
            if painted:
                raise RefusedError(
                    f"{painted} pixels are painted in a folder that was taken for free of defects",
                    allowed=f"nothing from {self.cut} up",
                    found=f"{painted} pixels",
                    fix="name the free folder with `options: {free: FOLDER}`, or `free: none`",
                ).at(str(self.witness))
        ids = np.full((shape.size.height, shape.size.width), self.class_id, classes.id_type)
        return LabelMap(adopt(ids), classes)

    @property
    def files(self) -> tuple[Path, ...]:
        """The witness, or nothing."""
        return () if self.witness is None else (self.witness,)

    @property
    def digest(self) -> str:
        """A hash of the id and the cut."""
        return _digest("empty", self.class_id, self.cut)


def above_cut(path: Path, cut: int, shape: FrameShape, orientation: MaskOrientation) -> np.ndarray:
    """Where a grey file (height, width), upright as its image, is at least `cut` on the scale of 8 bits.

    Raises:
        DataError: it cannot be read, is no grey picture, or has another size than the image.
    """
    try:
        values, header = read_values(path, expected=shape, orientation=orientation, lossy=True)
        if header.colour == "palette" and header.format in ("GIF", "BMP"):  # they have no grey of their own
            values = _greys(path, shape, orientation)
        elif header.colour == "palette" or values.dtype not in (np.uint8, np.uint16):
            raise _not_grey(f"{header.colour} {values.dtype}")
    except RefusedError as refusal:
        raise refusal.at(str(path)) from refusal
    scale = {1: 255, 2: 85, 4: 17}.get(header.bits, 1)
    return values >= (cut * 257 if values.dtype == np.uint16 else -(-cut // scale))


def _greys(path: Path, shape: FrameShape, orientation: MaskOrientation) -> np.ndarray:
    colours = read_colours(path, expected=shape, orientation=orientation)
    greys = (colours & 0xFF).astype(np.uint8)
    if np.any(colours != greys * np.uint32(0x010101)):
        raise _not_grey("a palette of colours")
    return greys


def _not_grey(found: str) -> RefusedError:
    fix = "export the mask as a grey PNG, 0 and 255"
    return RefusedError("is not a grey mask", allowed="grey, 8 or 16 bits", found=found, fix=fix)


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
