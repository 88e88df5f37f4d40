"""From regions to objects where objects touch: a region is cut at its necks, where it has lobes that are clear enough.

The height of a pixel is its distance to the nearest pixel that is known to be something else. Each top of this height
is a lobe; between two lobes lies a neck, the highest pass from one to the other. A lobe stands out by its height less
that of its neck: by how much, in px, half the width of the region grows from the neck to the lobe. Lobes that stand out
by less than a depth are part of their neighbour (h-maxima), and the others become objects (watershed).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from skimage.measure import label
from skimage.morphology import local_maxima
from skimage.segmentation import watershed

from segwright.core import Box, ConfigError, Instance, InstanceSet, LabelMap, Size, instance_from_mask
from segwright.data.components import instances_from_label_map

Heights = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int32]

# Nuclei of five to forty px: see benchmarks/seeds.py and docs/commands/assist.md.
DEFAULT_DEPTH_PX = 1.0


@dataclass(frozen=True)
class Region:
    """A connected region of class `class_id` and what became of it.

    `members` are the places of its objects in the instance set. `weakest_px` is how far the least clear lobe that was
    kept apart stands out, None where the region is one object; `strongest_px` how far the clearest lobe that was not
    kept apart does, None where there was one lobe only.
    """

    class_id: int
    box: Box
    members: tuple[int, ...]
    weakest_px: float | None
    strongest_px: float | None

    @property
    def is_split(self) -> bool:
        """Whether more than one object came of it."""
        return len(self.members) > 1


@dataclass(frozen=True)
class SplitObjects:
    """The objects of a label map and the region each is of; `left_out_px` counts pixels of classes that are no things.

    The background and void are neither objects nor left out.
    """

    objects: InstanceSet
    regions: tuple[Region, ...]
    depth_px: float
    left_out_px: int = 0


def split_touching(
    labels: LabelMap, depth_px: float = DEFAULT_DEPTH_PX, connectivity: Literal[4, 8] = 8
) -> SplitObjects:
    """An object for each lobe of each connected region of each class of things that stands out by `depth_px` or more.

    Void is no edge: nobody knows what is there, so an object beside void, or beside the border of the frame, counts as
    going on. Void stays void. Each pixel of a class of things is in one object. Objects are ordered by class, then by
    the first pixel of their region in reading order, then by their own.

    Lost: classes that are no things (`left_out_px`). What overlaps comes out as touching.

    Source: Vincent (1993) for h-maxima; their number is checked against scikit-image's in the tests.

    Raises:
        ConfigError: the depth is not above 0, or the table has no class of things.
    """
    things = {spec.class_id for spec in labels.classes.foreground if spec.kind == "thing"}
    _require(labels, things, depth_px)
    void = ~labels.valid
    objects: list[Instance] = []
    regions: list[Region] = []
    left_out = 0
    for one in instances_from_label_map(labels, connectivity):
        if one.class_id not in things:
            left_out += one.area_px
            continue
        parts, weakest, strongest = _lobes(one, void, labels.size, depth_px)
        first = len(objects)
        objects += parts
        members = tuple(range(first, len(objects)))
        regions.append(Region(one.class_id, one.box, members, weakest, strongest))
    found = InstanceSet(labels.size, tuple(objects), labels.classes, void)
    return SplitObjects(found, tuple(regions), depth_px, left_out)


def _lobes(
    one: Instance, void: npt.NDArray[np.bool_], size: Size, depth_px: float
) -> tuple[list[Instance], float | None, float | None]:
    """The objects of a region, how far the least of them stands out, and the clearest lobe that became none."""
    heights = heights_of(one, void, size)
    tops = np.array(label(local_maxima(np.where(one.mask, heights, 0)), connectivity=2), np.int32)
    tops[~one.mask] = 0
    if tops.max() < 2:
        return [one], None, None
    basins = np.asarray(watershed(-heights, tops, mask=one.mask, connectivity=2), np.int32)
    owners, kept, dropped = merged_basins(basins, heights, depth_px)
    pieces = owners[basins]
    pieces[~one.mask] = 0
    numbers, first = np.unique(pieces[one.mask], return_index=True)
    at = (one.box.top, one.box.left)
    parts = [
        part
        for number in numbers[np.argsort(first)]
        if (part := instance_from_mask(pieces == number, one.class_id, at=at)) is not None
    ]
    return parts, min(kept, default=None), max(dropped, default=None)


def heights_of(one: Instance, void: npt.NDArray[np.bool_], size: Size) -> Heights:
    """The distance in px of each pixel of the object's box to the nearest one that is known to be something else.

    Beyond the frame and in void nobody knows. A region without any other pixel about it is as high as it is large.
    """
    around = _around(one.box, 1, size)
    if void[around.slices].any():  # what lies beyond it may be nearer than anything here
        around = _around(one.box, max(one.box.height, one.box.width), size)
    top, left = one.box.top - around.top, one.box.left - around.left
    inside = void[around.slices].copy()
    window = inside[top : top + one.box.height, left : left + one.box.width]
    window |= one.mask
    if inside.all():
        return np.where(one.mask, np.float32(max(one.box.height, one.box.width)), 0).astype(np.float32)
    far = cv2.distanceTransform(inside.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.ascontiguousarray(far[top : top + one.box.height, left : left + one.box.width], np.float32)


def _around(box: Box, margin: int, size: Size) -> Box:
    return Box(box.top - margin, box.left - margin, box.bottom + margin, box.right + margin).clipped(size)


def merged_basins(basins: Numbers, heights: Heights, depth_px: float) -> tuple[Numbers, list[float], list[float]]:
    """Which object each basin belongs to, and how far lobes stand out that were kept and that were dropped.

    Passes are opened from the highest down. Where two lobes meet, the lower one stands out by its top less the pass: by
    less than `depth_px` and it joins the basin it met, else both stay what they are.
    """
    count = int(basins.max())
    tops = np.zeros(count + 1)
    np.maximum.at(tops, basins, heights)
    hills, owners = list(range(count + 1)), list(range(count + 1))
    peak = tops.tolist()
    kept: list[float] = []
    dropped: list[float] = []
    for height, one, other in passes(basins, heights):
        high, low = _root(hills, one), _root(hills, other)
        if high == low:
            continue
        if peak[high] < peak[low]:
            high, low = low, high
        stands_out = peak[low] - height
        hills[low] = high
        if stands_out < depth_px:
            owners[_root(owners, one)] = _root(owners, other)
            dropped.append(stands_out)
        else:
            kept.append(stands_out)
    return np.array([_root(owners, at) for at in range(count + 1)], np.int32), kept, dropped


def passes(basins: Numbers, heights: Heights) -> list[tuple[float, int, int]]:
    """(height, basin, other basin) of the highest pass between each two basins that touch, the highest first.

    Passes of one height come by the basins' numbers, so that the answer is the same every time.
    """
    found: dict[tuple[int, int], float] = {}
    for one, other in _neighbours():
        low, high = basins[one], basins[other]
        meets = (low != high) & (low > 0) & (high > 0)
        level = np.minimum(heights[one], heights[other])[meets]
        pairs = np.sort(np.stack([low[meets], high[meets]], axis=1), axis=1)
        for (first, second), height in zip(pairs.tolist(), level.tolist(), strict=True):
            found[first, second] = max(found.get((first, second), 0.0), height)
    return sorted(((height, *pair) for pair, height in found.items()), key=lambda row: (-row[0], row[1], row[2]))


def _neighbours() -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Pairs of windows that lie on each other shifted by one pixel: right, down, and both diagonals."""
    whole, start, end = slice(None), slice(None, -1), slice(1, None)
    yield (whole, start), (whole, end)
    yield (start, whole), (end, whole)
    yield (start, start), (end, end)
    yield (start, end), (end, start)


def _root(parents: list[int], at: int) -> int:
    while parents[at] != at:
        parents[at] = parents[parents[at]]
        at = parents[at]
    return at


def _require(labels: LabelMap, things: set[int], depth_px: float) -> None:
    if not depth_px > 0:
        fix = "give a depth such as 1; instances_from_label_map never splits"
        raise ConfigError.of("split depth", "is out of range", allowed="above 0 px", found=str(depth_px), fix=fix)
    if not things:
        raise ConfigError.of(
            "class table",
            "has no class of things, and only things are counted",
            allowed="kind: thing for classes of objects",
            found=labels.classes.describe(),
            fix="name the classes that are objects, such as --things scratch,dent",
        )
