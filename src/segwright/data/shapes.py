"""Annotated shapes, and the mask source that paints them in order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segwright.core import Box, ClassTable, LabelMap, Size, adopt
from segwright.data.codecs import FrameShape, MaskOrientation
from segwright.data.codecs.header import RefusedError
from segwright.data.codecs.labels import follow_image
from segwright.data.rasterise import Patch, Points, polygon_patch, polyline_patch, runs_mask, unpacked_runs


@dataclass(frozen=True, eq=False)
class Outlines:
    """An object of one or several closed outlines, each of points (n, 2) as x, y; together they are one region."""

    class_id: int
    outlines: tuple[Points, ...]

    def patches(self, size: Size) -> list[Patch]:
        """The inside of each outline, in a frame of `size`."""
        return [polygon_patch(points, size) for points in self.outlines]

    def content(self) -> bytes:
        """What decides the painted pixels, for hashing."""
        return repr((self.class_id, [points.tolist() for points in self.outlines])).encode()


@dataclass(frozen=True, eq=False)
class Stroke:
    """An open line of points (n, 2) as x, y, painted with a round brush of `width_px`."""

    class_id: int
    points: Points
    width_px: float

    def patches(self, size: Size) -> list[Patch]:
        """The line as wide as its brush, in a frame of `size`."""
        return [polyline_patch(self.points, self.width_px, size)]

    def content(self) -> bytes:
        """What decides the painted pixels, for hashing."""
        return repr((self.class_id, self.width_px, self.points.tolist())).encode()


@dataclass(frozen=True, eq=False)
class Runs:
    """Painted pixels as alternating run lengths, first unpainted, inside `box` (None: the whole frame).

    `runs` are numbers, or COCO's compressed text. COCO's runs go by column, CVAT's by row.
    """

    class_id: int
    runs: tuple[int, ...] | str
    box: Box | None = None
    by_column: bool = True

    def patches(self, size: Size) -> list[Patch]:
        """The painted pixels that lie inside a frame of `size`; runs that do not fill their box are a ValueError."""
        box = self.box or Box.of(size)
        runs = unpacked_runs(self.runs) if isinstance(self.runs, str) else self.runs
        painted = runs_mask(runs, Size(box.height, box.width), by_column=self.by_column)
        inside = box.clipped(size)
        rows = slice(inside.top - box.top, inside.bottom - box.top)
        columns = slice(inside.left - box.left, inside.right - box.left)
        return [Patch(inside, painted[rows, columns])]

    def content(self) -> bytes:
        """What decides the painted pixels, for hashing."""
        return repr((self.class_id, self.runs, self.box, self.by_column)).encode()


Shape = Outlines | Stroke | Runs


@dataclass(frozen=True, eq=False)
class ShapeMask:
    """Labels from shapes, painted in order: a later shape covers an earlier one.

    `unpainted_id` is what no shape covers: the background, or void where the class table has none. `annotated` is the
    frame size the shapes were drawn in, None where the annotation file does not say. `place` names file and image.
    """

    shapes: tuple[Shape, ...]
    unpainted_id: int
    annotated: Size | None
    place: str
    orientation: MaskOrientation = "auto"

    def read(self, shape: FrameShape, classes: ClassTable) -> LabelMap:
        """The shapes painted in order on `unpainted_id`, turned as the image is."""
        size = self.annotated or shape.size
        try:
            if size not in (shape.size, shape.stored):
                raise RefusedError(
                    "was annotated on an image of another size",
                    allowed=str(shape.size),
                    found=str(size),
                    fix="put back the image that was annotated, or annotate this one",
                )
            small = max(*classes.ids, classes.void_id) <= 255
            ids = np.full((size.height, size.width), self.unpainted_id, np.uint8 if small else np.uint16)
            for drawn in self.shapes:
                for patch in drawn.patches(size):
                    patch.paint(ids, drawn.class_id)
            return LabelMap(adopt(follow_image(ids, shape, self.orientation)), classes)
        except ValueError as error:
            raise RefusedError("holds runs that do not fit", found=str(error), fix="export it again").at(
                self.place
            ) from error
        except RefusedError as refusal:
            raise refusal.at(self.place) from refusal

    @property
    def files(self) -> tuple[Path, ...]:
        """Nothing: the shapes come from the annotation file, which `digest` stands for."""
        return ()

    @property
    def digest(self) -> str:
        """A hash of the shapes, what is unpainted, the annotated size and the orientation."""
        total = hashlib.sha256(repr((self.unpainted_id, self.annotated, self.orientation)).encode())
        for drawn in self.shapes:
            total.update(drawn.content())
        return total.hexdigest()
