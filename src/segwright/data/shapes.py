"""Annotated shapes, and the mask source that paints them in order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segwright.core import Box, ClassTable, Instance, InstanceSet, LabelMap, Size, adopt, instance_from_mask
from segwright.data.codecs import FrameShape, MaskOrientation
from segwright.data.codecs.header import RefusedError
from segwright.data.codecs.labels import follow_image
from segwright.data.rasterise import Patch, Points, merged, polygon_patch, polyline_patch, runs_mask, unpacked_runs


@dataclass(frozen=True)
class ObjectFacts:
    """What an annotation says of an object beyond which pixels it has.

    Shapes that share an `object_id` are one object; None makes each shape an object of its own. `class_id` is the class
    of the object where its pixels are painted as something else: a crowd of cars that is void in the label map.
    """

    object_id: str | None = None
    crowd: bool = False
    class_id: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


PLAIN = ObjectFacts()


@dataclass(frozen=True, eq=False)
class Outlines:
    """A region of one or several closed outlines, each of points (n, 2) as x, y, less what lies inside `holes`."""

    class_id: int
    outlines: tuple[Points, ...]
    holes: tuple[Points, ...] = ()
    facts: ObjectFacts = PLAIN

    def patches(self, size: Size) -> list[Patch]:
        """The inside of each outline, in a frame of `size`; of a region with holes one patch of all."""
        painted = [polygon_patch(points, size) for points in self.outlines]
        if not self.holes:
            return painted
        return [merged(painted, [polygon_patch(points, size) for points in self.holes])]

    def content(self) -> bytes:
        """What decides the painted pixels, for hashing."""
        rings = [[points.tolist() for points in kind] for kind in (self.outlines, self.holes) if kind]
        return repr((self.class_id, *rings, *_said(self.facts))).encode()


@dataclass(frozen=True, eq=False)
class Stroke:
    """An open line of points (n, 2) as x, y, painted with a round brush of `width_px`."""

    class_id: int
    points: Points
    width_px: float
    facts: ObjectFacts = PLAIN

    def patches(self, size: Size) -> list[Patch]:
        """The line as wide as its brush, in a frame of `size`."""
        return [polyline_patch(self.points, self.width_px, size)]

    def content(self) -> bytes:
        """What decides the painted pixels, for hashing."""
        return repr((self.class_id, self.width_px, self.points.tolist(), *_said(self.facts))).encode()


@dataclass(frozen=True, eq=False)
class Runs:
    """Painted pixels as alternating run lengths, first unpainted, inside `box` (None: the whole frame).

    `runs` are numbers, or COCO's compressed text. COCO's runs go by column, CVAT's by row.
    """

    class_id: int
    runs: tuple[int, ...] | str
    box: Box | None = None
    by_column: bool = True
    facts: ObjectFacts = PLAIN

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
        return repr((self.class_id, self.runs, self.box, self.by_column, *_said(self.facts))).encode()


Shape = Outlines | Stroke | Runs


def _said(facts: ObjectFacts) -> Iterator[tuple]:
    """The facts for hashing; nothing where an annotation says nothing."""
    if facts != PLAIN:
        yield facts.object_id, facts.crowd, facts.class_id, sorted(facts.attributes.items())


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
        size = self._size(shape)
        ids = np.full((size.height, size.width), self.unpainted_id, classes.id_type)
        for drawn in self.shapes:
            for patch in self._patches(drawn, size):
                patch.paint(ids, drawn.class_id)
        return LabelMap(adopt(self._upright(ids, shape)), classes)

    def read_instances(self, shape: FrameShape, classes: ClassTable) -> InstanceSet:
        """An object for each shape, or for the shapes of one object id, in painting order; they may overlap.

        Void shapes become the set's void where no later object covers them; shapes of the background take their pixels
        from the objects before them. Objects without a pixel in the frame are left out.
        """
        size = self._size(shape)
        void = np.zeros((size.height, size.width), dtype=bool)
        groups: dict[str, _Group] = {}
        for at, drawn in enumerate(self.shapes):
            class_id = drawn.class_id if drawn.facts.class_id is None else drawn.facts.class_id
            patches = self._patches(drawn, size)
            if class_id == classes.void_id:
                _paint(void, patches, value=True)
                continue
            _paint(void, patches, value=False)
            if class_id == classes.background_id:
                for group in groups.values():
                    group.erase(patches)
                continue
            key = f"shape {at}" if drawn.facts.object_id is None else f"object {class_id} {drawn.facts.object_id}"
            groups.setdefault(key, _Group(class_id, drawn.facts, [])).patches.extend(patches)
        turned = shape.size != size or shape.orientation != 1
        upright = (lambda mask: self._upright(mask, shape)) if turned else None
        found = (group.instance(size, upright) for group in groups.values())
        upright_void = self._upright(void, shape) if void.any() else None
        return InstanceSet(shape.size, tuple(one for one in found if one is not None), classes, upright_void)

    def _size(self, shape: FrameShape) -> Size:
        size = self.annotated or shape.size
        if size in (shape.size, shape.stored):
            return size
        raise RefusedError(
            "was annotated on an image of another size",
            allowed=str(shape.size),
            found=str(size),
            fix="put back the image that was annotated, or annotate this one",
        ).at(self.place)

    def _patches(self, drawn: Shape, size: Size) -> list[Patch]:
        try:
            return drawn.patches(size)
        except ValueError as error:
            refusal = RefusedError("holds runs that do not fit", found=str(error), fix="export it again")
            raise refusal.at(self.place) from error

    def _upright(self, values: npt.NDArray, shape: FrameShape) -> npt.NDArray:
        try:
            return follow_image(values, shape, self.orientation)
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


@dataclass
class _Group:
    """The patches of one object while they are gathered."""

    class_id: int
    facts: ObjectFacts
    patches: list[Patch]

    def erase(self, patches: Sequence[Patch]) -> None:
        """Take the pixels of `patches` from this object."""
        self.patches = [merged(self.patches, patches)]

    def instance(self, size: Size, upright: Callable[[npt.NDArray], npt.NDArray] | None) -> Instance | None:
        """The object, turned by `upright` where its image is; None where nothing of it is left."""
        patch = merged(self.patches, ())
        mask, at = patch.painted, (patch.box.top, patch.box.left)
        if upright is not None:
            mask, at = upright(patch.over(size)), (0, 0)
        facts = self.facts
        return instance_from_mask(mask, self.class_id, at=at, crowd=facts.crowd, attributes=facts.attributes)


def _paint(mask: npt.NDArray[np.bool_], patches: Sequence[Patch], *, value: bool) -> None:
    for patch in patches:
        mask[patch.box.slices][patch.painted] = value
