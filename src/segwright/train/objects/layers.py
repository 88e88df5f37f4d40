"""A frame's objects as a few layers of numbers: what a crop warps at once, however many objects there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from segwright.core import ClassTable, Instance, InstanceSet

# In the last layer: pixels nobody is asked about. What lies outside the frame is so in every layer.
IGNORED = 65535
MOST_OBJECTS = IGNORED - 1
Layers = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class ObjectLayers:
    """`layers` (height, width, layers) uint16: 0 nothing, n object n of `channels` and `areas_px` (counted from 1).

    Objects in one layer do not overlap; the last layer holds no object, only `IGNORED` where void and crowds are.
    `channels` are positions among the classes but the background; `areas_px` the objects' pixels in the whole frame.
    """

    layers: Layers
    channels: npt.NDArray[np.int64]
    areas_px: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.channels)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.layers.nbytes + self.channels.nbytes + self.areas_px.nbytes


def layered(objects: InstanceSet) -> ObjectLayers:
    """The objects of a frame in as few layers as first fit gives, in their order; crowds and void in the last one.

    Raises:
        ValueError: more objects than a layer's numbers tell apart.
    """
    things = [one for one in objects if not one.crowd]
    if len(things) > MOST_OBJECTS:
        raise ValueError(f"{len(things)} objects in a frame, at most {MOST_OBJECTS}")
    shape = (objects.size.height, objects.size.width)
    planes: list[Layers] = []
    for number, one in enumerate(things, start=1):
        _free_plane(planes, one, shape)[one.box.slices][one.mask] = number
    ignored = np.zeros(shape, np.uint16)
    for one in objects:
        if one.crowd:
            ignored[one.box.slices][one.mask] = IGNORED
    if objects.void is not None:
        ignored[objects.void] = IGNORED
    channels = np.array([channel_of(objects.classes, one.class_id) for one in things], np.int64)
    areas = np.array([one.area_px for one in things], np.int64)
    return ObjectLayers(np.ascontiguousarray(np.stack([*planes, ignored], axis=2)), channels, areas)


def _free_plane(planes: list[Layers], one: Instance, shape: tuple[int, int]) -> Layers:
    """The first layer in which nothing lies where the object does; a new one where there is none."""
    for plane in planes:
        if not plane[one.box.slices][one.mask].any():
            return plane
    planes.append(np.zeros(shape, np.uint16))
    return planes[-1]


def channel_of(classes: ClassTable, class_id: int) -> int:
    """The position of a class among those but the background: what an instance network answers with."""
    return [spec.class_id for spec in classes.foreground].index(class_id)


@dataclass(frozen=True, eq=False)
class CutObjects:
    """The objects of a crop: `channels` (objects,), `masks` (objects, height, width), and `ignored` (height, width)."""

    channels: npt.NDArray[np.int64]
    masks: npt.NDArray[np.bool_]
    ignored: npt.NDArray[np.bool_]

    def kept(self, which: npt.NDArray[np.bool_]) -> CutObjects:
        """The objects at `which`; what is ignored stays."""
        return CutObjects(self.channels[which], self.masks[which], self.ignored)

    def boxes(self) -> npt.NDArray[np.float32]:
        """The half-open box of each mask: x_min, y_min, x_max, y_max, px (objects, 4)."""
        found = np.zeros((len(self.masks), 4), np.float32)
        for at, mask in enumerate(self.masks):
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            found[at] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        return found


def cut_objects(
    layers: Layers, frame: ObjectLayers, magnification: float, least_share: float, least_px: int = 0
) -> CutObjects:
    """The objects in the warped `layers` of a crop of `frame`.

    An object of which the crop shows less than `least_share` of its pixels (counted at the crop's magnification), or
    fewer than `least_px`, is no object there but ignored: nobody can tell what it is, and it is no background either.
    Others are kept as far as they are seen, and so is what has no area of its own: stuff.
    """
    ignored = (layers == IGNORED).any(axis=2)
    channels: list[int] = []
    masks: list[npt.NDArray[np.bool_]] = []
    for plane in np.moveaxis(layers, 2, 0)[:-1]:
        numbers = np.where(plane == IGNORED, 0, plane)
        seen = np.bincount(numbers.ravel(), minlength=1)
        for number in np.flatnonzero(seen[1:]) + 1:
            mask = numbers == number
            whole = frame.areas_px[number - 1] * magnification**2
            if whole and seen[number] < max(least_share * whole, least_px):
                ignored |= mask
                continue
            channels.append(int(frame.channels[number - 1]))
            masks.append(mask)
    return CutObjects(np.array(channels, np.int64), _stacked(masks, ignored.shape), ignored)


def pasted_objects(
    below: CutObjects, above: CutObjects, chosen: Sequence[int], least_share: float | npt.NDArray[np.floating]
) -> tuple[CutObjects, npt.NDArray[np.bool_]]:
    """The objects of `below` with those `chosen` of `above` put on top, and where these are (height, width).

    What is covered is cut out of the objects below; one of which less than `least_share` (of all, or one an object) is
    left is ignored there.
    Source: Ghiasi et al. 2021, "Simple Copy-Paste", section 3.
    """
    cover = np.zeros(below.ignored.shape, bool)
    if len(chosen):
        cover |= above.masks[list(chosen)].any(axis=0)
    before = below.masks.sum(axis=(1, 2))
    left = below.masks & ~cover
    stays = left.sum(axis=(1, 2)) >= np.maximum(1, least_share * before)
    hidden = left[~stays].any(axis=0) if len(left) else np.zeros(cover.shape, bool)
    ignored = (below.ignored & ~cover) | hidden
    channels = np.concatenate([below.channels[stays], above.channels[list(chosen)]])
    masks = np.concatenate([left[stays], above.masks[list(chosen)]])
    return CutObjects(channels.astype(np.int64), masks, ignored), cover


def _stacked(masks: Sequence[npt.NDArray[np.bool_]], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    return np.stack(masks) if masks else np.zeros((0, *shape), bool)


def places_in(frame: ObjectLayers, per_object: int, rng: np.random.Generator) -> list[npt.NDArray[np.int32]]:
    """For each object up to `per_object` of its pixels (row, column): where crops are centred."""
    found: list[npt.NDArray[np.int32]] = [np.zeros((0, 2), np.int32) for _ in range(len(frame))]
    for plane in np.moveaxis(frame.layers, 2, 0)[:-1]:
        for at, box in enumerate(ndimage.find_objects(plane.astype(np.int32))):
            if box is None:
                continue
            rows, columns = np.nonzero(plane[box] == at + 1)
            some = rng.permutation(len(rows))[:per_object]
            found[at] = np.column_stack([rows[some] + box[0].start, columns[some] + box[1].start]).astype(np.int32)
    return found
