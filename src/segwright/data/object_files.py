"""Labels from one black and white file an object."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from segwright.core import ClassTable, Instance, InstanceSet, LabelMap, adopt, instance_from_mask
from segwright.data.codecs import FrameShape, MaskOrientation, read_header
from segwright.data.masks import above_cut


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """One object: its file, white where it is, its class, and whether it is a crowd."""

    path: Path
    class_id: int
    crowd: bool = False


@dataclass(frozen=True)
class ObjectFiles:
    """Objects of one frame, each in a file of its own, painted in order; they may overlap.

    What no object covers is `unpainted_id`. A crowd is void in the label map where no object lies on it. `fitted` files
    may have another size than the image and are brought to it, nearest pixel.
    """

    objects: tuple[ObjectFile, ...]
    unpainted_id: int
    cut: int = 128
    orientation: MaskOrientation = "auto"
    fitted: bool = False

    def read(self, shape: FrameShape, classes: ClassTable) -> LabelMap:
        """The objects painted in order, crowds before all others."""
        ids = np.full((shape.size.height, shape.size.width), self.unpainted_id, classes.id_type)
        for one in sorted(self._decoded(shape), key=lambda one: not one.crowd):
            ids[one.box.slices][one.mask] = classes.void_id if one.crowd else one.class_id
        return LabelMap(adopt(ids), classes)

    def read_instances(self, shape: FrameShape, classes: ClassTable) -> InstanceSet:
        """The objects in order; files without a white pixel are none."""
        return InstanceSet(shape.size, tuple(self._decoded(shape)), classes)

    def _decoded(self, shape: FrameShape) -> Iterator[Instance]:
        for one in self.objects:
            mask = (
                self._fitted(one.path, shape) if self.fitted else above_cut(one.path, self.cut, shape, self.orientation)
            )
            found = instance_from_mask(mask, one.class_id, crowd=one.crowd)
            if found is not None:
                yield found

    def _fitted(self, path: Path, shape: FrameShape) -> np.ndarray:
        size = read_header(path).size
        mask = above_cut(path, self.cut, FrameShape(size), self.orientation).astype(np.uint8)
        whole = (shape.size.width, shape.size.height)
        return cv2.resize(mask, whole, interpolation=cv2.INTER_NEAREST_EXACT).astype(bool)

    @property
    def files(self) -> tuple[Path, ...]:
        """The file of each object."""
        return tuple(one.path for one in self.objects)

    @property
    def digest(self) -> str:
        """A hash of the classes, what is unpainted, the cut and the orientation."""
        said = [(one.class_id, one.crowd) for one in self.objects]
        return hashlib.sha256(
            repr((said, self.unpainted_id, self.cut, self.orientation, self.fitted)).encode()
        ).hexdigest()
