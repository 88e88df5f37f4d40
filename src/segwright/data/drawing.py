"""The labels of a frame as shapes to be written: as they were drawn, or made from objects, segments and class ids."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from segwright.core import (
    ClassTable,
    InstanceSet,
    LabelMap,
    PanopticMap,
    Size,
    instance_from_mask,
)
from segwright.core.conversions import painting_order
from segwright.data.components import instances_from_label_map
from segwright.data.dataset import Dataset, Frame
from segwright.data.masks import InstanceSource, PanopticSource
from segwright.data.outlines import regions_of, single_ring
from segwright.data.rasterise import Mask, Patch, Points, mask_runs, merged, polygon_patch, same_pixels
from segwright.data.shapes import PLAIN, ObjectFacts, Outlines, Runs, Shape, ShapeMask


@dataclass(frozen=True, eq=False)
class Drawing:
    """Shapes that paint the labels of an upright frame of `size` on `unpainted_id`, later shapes over earlier ones."""

    size: Size
    shapes: tuple[Shape, ...]
    unpainted_id: int

    def ids(self) -> npt.NDArray[np.int32]:
        """The class ids (height, width) that the shapes paint."""
        return painted_ids(self.shapes, self.size, self.unpainted_id)


def drawing_of(dataset: Dataset, frame: Frame) -> Drawing:
    """The labels of a frame as shapes that paint exactly them.

    Shapes come as they were drawn where the frame's labels are shapes and its image is not turned. Else each object and
    segment is one shape of runs, and of class ids each 8-connected region of a class; void is one shape.

    Raises:
        DataError: labels that cannot be read, or none.
    """
    source, shape = frame.mask, frame.image.shape()
    unpainted = dataset.classes.unpainted_id
    if isinstance(source, ShapeMask) and shape.orientation == 1 and source.unpainted_id == unpainted:
        return Drawing(shape.size, source.shapes, unpainted)
    labels = dataset.read_labels(frame)
    if isinstance(source, InstanceSource):
        return Drawing(labels.size, _from_objects(dataset.read_instances(frame), labels), unpainted)
    if isinstance(source, PanopticSource):
        return Drawing(labels.size, _from_segments(dataset.read_panoptic(frame)), unpainted)
    return Drawing(labels.size, tuple(_regions(labels)), unpainted)


def painted_ids(shapes: Iterable[Shape], size: Size, unpainted_id: int) -> npt.NDArray[np.int32]:
    """Class ids (height, width): the shapes painted in order."""
    ids = np.full((size.height, size.width), unpainted_id, np.int32)
    for shape in shapes:
        for patch in shape.patches(size):
            patch.paint(ids, shape.class_id)
    return ids


def patch_of(shape: Shape, size: Size) -> Patch:
    """All pixels of a shape in a frame of `size`."""
    return merged(shape.patches(size), ())


def class_of(shape: Shape) -> int:
    """What a shape is of: the class of its object, which may be painted as void, or the id it paints."""
    return shape.class_id if shape.facts.class_id is None else shape.facts.class_id


def runs_shape(mask: Mask, class_id: int, *, at: tuple[int, int] = (0, 0), facts: ObjectFacts = PLAIN) -> Runs | None:
    """A shape of the True pixels of `mask`, which lies at row and column `at` of its frame; None where none is True."""
    one = instance_from_mask(mask, class_id, at=at)
    if one is None:
        return None
    return Runs(class_id, tuple(mask_runs(one.mask, by_column=False)), one.box, by_column=False, facts=facts)


def as_pixels(shape: Shape, size: Size) -> Runs | None:
    """The shape as runs inside the tight box around its pixels; None where it has none in the frame."""
    patch = patch_of(shape, size)
    return runs_shape(patch.painted, shape.class_id, at=(patch.box.top, patch.box.left), facts=shape.facts)


def one_shape_an_object(drawing: Drawing) -> Drawing:
    """The same labels with the shapes of each object joined into one, for formats without groups of shapes.

    The joined shape lies where the last of them lay; where that would change the labels, all shapes are cut to what is
    seen of them (see `visible_only`).
    """
    groups: dict[tuple[int, str], list[int]] = {}
    for at, shape in enumerate(drawing.shapes):
        if shape.facts.object_id is not None:
            groups.setdefault((class_of(shape), shape.facts.object_id), []).append(at)
    if all(len(members) == 1 for members in groups.values()):
        return drawing
    shapes: list[Shape | None] = list(drawing.shapes)
    for members in groups.values():
        joined = _joined([drawing.shapes[at] for at in members], drawing.size)
        for at in members:
            shapes[at] = None
        shapes[members[-1]] = joined
    result = replace(drawing, shapes=tuple(shape for shape in shapes if shape is not None))
    return result if np.array_equal(result.ids(), drawing.ids()) else one_shape_an_object(visible_only(drawing))


def ordered(drawing: Drawing, order: Sequence[int]) -> tuple[Drawing, bool]:
    """The drawing with its shapes in another order, and whether nothing had to be cut for it to paint the same.

    For formats whose readers have an order of their own. Where the order would change a pixel, shapes are cut to what
    is seen of them, which no order changes.
    """
    turned = replace(drawing, shapes=tuple(drawing.shapes[at] for at in order))
    if list(order) == sorted(order) or np.array_equal(turned.ids(), drawing.ids()):
        return turned, True
    return visible_only(drawing), False


def visible_only(drawing: Drawing) -> Drawing:
    """The same labels with each shape cut to its pixels that no later one covers; shapes that nothing covers stay.

    Lost: what lies under another shape. Shapes wholly covered are gone.
    """
    top = np.full((drawing.size.height, drawing.size.width), -1, np.int32)
    for at, shape in enumerate(drawing.shapes):
        for patch in shape.patches(drawing.size):
            patch.paint(top, at)
    return replace(drawing, shapes=tuple(_seen(drawing, top)))


def _seen(drawing: Drawing, top: npt.NDArray[np.int32]) -> Iterator[Shape]:
    for at, shape in enumerate(drawing.shapes):
        patch = patch_of(shape, drawing.size)
        seen = patch.painted & (top[patch.box.slices] == at)
        if np.array_equal(seen, patch.painted):
            yield shape
            continue
        cut = runs_shape(seen, shape.class_id, at=(patch.box.top, patch.box.left), facts=shape.facts)
        if cut is not None:
            yield cut


def _joined(shapes: Sequence[Shape], size: Size) -> Shape | None:
    """The shapes of one object as one: outlines stay outlines where all are, and none has holes."""
    first = shapes[0]
    if len(shapes) == 1:
        return first
    if all(isinstance(shape, Outlines) and not shape.holes for shape in shapes):
        rings = tuple(ring for shape in shapes if isinstance(shape, Outlines) for ring in shape.outlines)
        return Outlines(first.class_id, rings, facts=first.facts)
    patch = merged([part for shape in shapes for part in shape.patches(size)], ())
    return runs_shape(patch.painted, first.class_id, at=(patch.box.top, patch.box.left), facts=first.facts)


def _from_objects(objects: InstanceSet, labels: LabelMap) -> tuple[Shape, ...]:
    """The objects in the order that fits the labels better, on what lies beside them, under what covers them."""
    choices = [_objects_between(order, labels) for order in (list(objects), painting_order(objects))]
    return min(choices, key=len)


def _objects_between(order: Sequence, labels: LabelMap) -> tuple[Shape, ...]:
    void = labels.classes.void_id
    shapes = []
    for at, one in enumerate(order):
        facts = ObjectFacts(str(at), one.crowd, one.class_id if one.crowd else None, one.attributes)
        painted = void if one.crowd else one.class_id
        shapes.append(runs_shape(one.mask, painted, at=(one.box.top, one.box.left), facts=facts))
    drawn = [shape for shape in shapes if shape is not None]
    return (*_rest(labels, drawn, below=True), *drawn, *_rest(labels, drawn, below=False))


def _rest(labels: LabelMap, drawn: Sequence[Shape], *, below: bool) -> list[Shape]:
    """What the labels hold beside the objects (`below`), or where the objects paint something else."""
    painted = painted_ids(drawn, labels.size, -1)
    covered = painted >= 0
    chosen = ~covered if below else covered & (painted != labels.ids)
    return list(_regions(labels, chosen, keep_unpainted=not below))


def _from_segments(panoptic: PanopticMap) -> tuple[Shape, ...]:
    """A shape for each segment but the background's: things are objects, stuff is a region; then void."""
    classes, void = panoptic.classes, panoptic.classes.void_id
    shapes: list[Shape | None] = []
    for segment in panoptic.segments:
        if segment.class_id == classes.background_id and not segment.crowd:
            continue
        crowd_class = segment.class_id if segment.crowd else None
        facts = ObjectFacts(str(segment.segment_id), segment.crowd, crowd_class)
        painted = void if segment.crowd else segment.class_id
        shapes.append(runs_shape(panoptic.segment_ids == segment.segment_id, painted, facts=facts))
    if classes.unpainted_id != void:
        shapes.append(runs_shape(panoptic.void, void))
    return tuple(shape for shape in shapes if shape is not None)


def _regions(labels: LabelMap, within: Mask | None = None, *, keep_unpainted: bool = False) -> Iterator[Shape]:
    """The 8-connected regions of each class, void as one; of pixels `within`, of all where that is None."""
    classes = labels.classes
    chosen = np.ones(labels.ids.shape, dtype=bool) if within is None else within
    unpainted = classes.unpainted_id
    if keep_unpainted or unpainted != classes.void_id:
        void = runs_shape(chosen & (labels.ids == classes.void_id), classes.void_id)
        if void is not None:
            yield void
    if keep_unpainted and unpainted != classes.void_id:
        ground = runs_shape(chosen & (labels.ids == unpainted), unpainted)
        if ground is not None:
            yield ground
    inside = LabelMap(np.where(chosen, labels.ids, classes.void_id).astype(classes.id_type), classes)
    for one in instances_from_label_map(inside):
        shape = runs_shape(one.mask, one.class_id, at=(one.box.top, one.box.left))
        if shape is not None:
            yield shape


def ring_of(shape: Shape, size: Size) -> tuple[Points, bool]:
    """One closed ring (n, 2) that paints a shape's pixels under an even-odd fill, and whether it is what was drawn.

    Outlines of several rings are joined by cuts of no width, each ring to the nearest one, there and back. Strokes and
    runs, and outlines whose joined ring would paint other pixels, become rings along pixel edges.
    """
    wanted = patch_of(shape, size)
    if isinstance(shape, Outlines):
        ring = joined_ring([*shape.outlines, *shape.holes])
        if same_pixels(polygon_patch(ring, size), wanted):
            return ring, True
    regions = regions_of(wanted.painted)
    offset = np.array([wanted.box.left, wanted.box.top], float)
    return joined_ring([single_ring(region) + offset for region in regions]), False


def joined_ring(rings: Sequence[Points]) -> Points:
    """The rings as one: each is joined, there and back, from its nearest corner to the nearest corner so far."""
    if not rings:
        return np.zeros((0, 2))
    whole = rings[0]
    for ring in rings[1:]:
        distance, nearest = KDTree(whole).query(ring)
        start = int(np.argmin(distance))
        at = int(np.atleast_1d(nearest)[start])
        turned = np.roll(ring, -start, axis=0)
        whole = np.concatenate([whole[: at + 1], turned, turned[:1], whole[at:]])
    return whole


def label_names(classes: ClassTable) -> dict[int, str]:
    """The name of each class by id, and "void"."""
    return {**{spec.class_id: spec.name for spec in classes}, classes.void_id: "void"}


def without(drawing: Drawing, kept: Container[int]) -> Drawing:
    """The drawing without the shapes that paint an id not in `kept`; what they cover stays unpainted."""
    rest = [shape for shape in drawing.shapes if shape.class_id in kept]
    if len(rest) == len(drawing.shapes):
        return drawing
    ids = drawing.ids()
    expected = np.where(np.isin(ids, [shape.class_id for shape in rest]), ids, drawing.unpainted_id)
    fewer = replace(drawing, shapes=tuple(rest))
    if np.array_equal(fewer.ids(), expected):
        return fewer
    seen = visible_only(drawing)
    return replace(seen, shapes=tuple(shape for shape in seen.shapes if shape.class_id in kept))
