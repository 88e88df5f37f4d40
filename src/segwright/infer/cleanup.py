"""Cleaning a label map: opening, small regions, all but the largest, small holes. Adds no class, leaves void alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, ConfigError, LabelMap, adopt
from segwright.infer.crf import Crf

Ids = npt.NDArray[np.unsignedinteger]


@dataclass(frozen=True)
class Cleanup:
    """What to remove, by class name; a class that is not named stays as it is. The default removes nothing.

    opening_radius_px: opening with a disk of this radius: what the disk does not fit into goes. A radius of 1 already
        deletes everything thinner than 3 px, so leave thin classes out.
    min_area_px: regions (8-connected) below this area go; a single number holds for every class but the background.
    fill_holes_px: background holes up to this area, wholly inside one region of one class, become that class.
    largest_only: of these classes only the largest region of a frame stays: for what a frame shows once.
    crf: refines the probabilities before they are decided on, see `infer.crf`; `clean`, which has none, leaves it out.
    """

    opening_radius_px: Mapping[str, int] = field(default_factory=dict)
    min_area_px: Mapping[str, int] | int = 0
    fill_holes_px: int = 0
    largest_only: tuple[str, ...] = ()
    crf: Crf | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "largest_only", tuple(self.largest_only))
        areas = self.min_area_px.values() if isinstance(self.min_area_px, Mapping) else (self.min_area_px,)
        if min([0, *self.opening_radius_px.values(), *areas, self.fill_holes_px]) < 0:
            raise ConfigError.of(
                "cleanup",
                "has a size below zero",
                allowed="whole pixels, 0 or more",
                found=str(self),
                fix="correct cleanup in segwright.yaml, or leave it out",
            )

    def check(self, classes: ClassTable) -> None:
        """Raise ConfigError where a rule names the background or a class that is not in the table."""
        foreground = [spec.name for spec in classes.foreground]
        areas = self.min_area_px if isinstance(self.min_area_px, Mapping) else ()
        named = {*self.opening_radius_px, *areas, *self.largest_only}
        foreign = sorted(named - set(foreground))
        if foreign:
            raise ConfigError.of(
                "cleanup",
                "names classes it cannot clean",
                allowed=", ".join(foreground),
                found=", ".join(foreign),
                fix="correct the names under `cleanup:` in segwright.yaml; removed pixels go to the background",
            )

    def area_px(self, name: str) -> int:
        """The smallest region of the class called `name` that stays; 0 where any does."""
        return self.min_area_px.get(name, 0) if isinstance(self.min_area_px, Mapping) else self.min_area_px

    def to_json(self) -> dict[str, object]:
        """As JSON values; the two youngest are left out where not used, so that older bundles keep their hash."""
        areas = dict(self.min_area_px) if isinstance(self.min_area_px, Mapping) else self.min_area_px
        later = {
            "largest_only": list(self.largest_only) or None,
            "crf": None if self.crf is None else self.crf.to_json(),
        }
        return {
            "opening_radius_px": dict(self.opening_radius_px),
            "min_area_px": areas,
            "fill_holes_px": self.fill_holes_px,
            **{name: value for name, value in later.items() if value is not None},
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Cleanup:
        crf = data.get("crf")
        return Cleanup(
            data["opening_radius_px"],
            data["min_area_px"],
            data["fill_holes_px"],
            tuple(data.get("largest_only", ())),
            None if crf is None else Crf.from_json(crf),
        )


def clean(labels: LabelMap, cleanup: Cleanup) -> LabelMap:
    """`labels` with opening, then small regions and all but the largest removed, then small holes filled.

    Removed pixels become background, or, where the table has none, the nearest label that stays. Void stays void, and
    counts as part of any class beside it, so that nothing is cut off because its other side is unknown. Where nothing
    would be left the map is returned unchanged. Cleaning twice is cleaning once, where the table has a background.
    """
    cleanup.check(labels.classes)
    return LabelMap(adopt(clean_ids(labels.ids, labels.classes, cleanup)), labels.classes)


def clean_ids(ids: Ids, classes: ClassTable, cleanup: Cleanup) -> Ids:
    """`clean` on class ids (height, width); works on the whole map, so that no region ends at a tile or band."""
    void = ids == classes.void_id
    doomed = np.zeros(ids.shape, bool)
    for spec in classes.foreground:
        radius_px, area_px = cleanup.opening_radius_px.get(spec.name, 0), cleanup.area_px(spec.name)
        alone = spec.name in cleanup.largest_only
        if radius_px or area_px > 1 or alone:
            mask = ids == spec.class_id
            staying = _large_regions(_opened(mask, void, radius_px), void, area_px)
            doomed |= mask & ~(_largest_region(staying, void) if alone else staying)
    cleaned = _without(ids, doomed, classes)
    if cleanup.fill_holes_px and classes.background_id is not None:
        _fill_holes(cleaned, classes, cleanup.fill_holes_px)
    return cleaned


def _opened(mask: npt.NDArray[np.bool_], void: npt.NDArray[np.bool_], radius_px: int) -> npt.NDArray[np.bool_]:
    if not radius_px or not mask.any():
        return mask
    side = 2 * radius_px + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    opened = cv2.morphologyEx((mask | void).astype(np.uint8), cv2.MORPH_OPEN, disk)
    return opened.astype(bool) & mask


def _large_regions(mask: npt.NDArray[np.bool_], void: npt.NDArray[np.bool_], area_px: int) -> npt.NDArray[np.bool_]:
    """`mask` without its regions below `area_px`; a region that touches void is counted with the void it touches."""
    if area_px <= 1 or not mask.any():
        return mask
    regions, statistics = _regions(mask | void, connectivity=8)
    return mask & (statistics[:, cv2.CC_STAT_AREA] >= area_px)[regions]


def _largest_region(mask: npt.NDArray[np.bool_], void: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The largest region of `mask` by its own pixels; parts that void joins are one region. The first wins a tie."""
    if not mask.any():
        return mask
    regions, _ = _regions(mask | void, connectivity=8)
    areas = np.bincount(regions[mask])
    return mask & (regions == int(areas.argmax()))


def _regions(mask: npt.NDArray[np.bool_], *, connectivity: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """(the region number of each pixel, 0 outside the mask; OpenCV's statistics, one row a region)."""
    _, regions, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=connectivity)
    return np.asarray(regions, np.int32), np.asarray(statistics, np.int32)


def _without(ids: Ids, doomed: npt.NDArray[np.bool_], classes: ClassTable) -> Ids:
    cleaned = ids.copy()
    if classes.background_id is not None:
        cleaned[doomed] = classes.background_id
        return cleaned
    staying = ~doomed & (ids != classes.void_id)
    if not doomed.any() or not staying.any():
        return cleaned
    _, nearest = cv2.distanceTransformWithLabels(
        (~staying).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    id_of = np.zeros(int(nearest.max()) + 1, ids.dtype)
    id_of[nearest[staying]] = ids[staying]
    cleaned[doomed] = id_of[nearest[doomed]]
    return cleaned


def _fill_holes(ids: Ids, classes: ClassTable, area_px: int) -> None:
    """Fill in place. Background is 4-connected where classes are 8-connected: a region and its hole do not cross."""
    regions, statistics = _regions(ids == classes.background_id, connectivity=4)
    rows, columns = np.nonzero(_enclosed(statistics, ids.shape, area_px)[regions])
    region = regions[rows, columns]
    lowest = np.full(len(statistics), np.iinfo(ids.dtype).max, ids.dtype)
    highest = np.zeros(len(statistics), ids.dtype)
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        beside = regions[rows + down, columns + right] != region
        neighbour = ids[rows[beside] + down, columns[beside] + right]
        np.minimum.at(lowest, region[beside], neighbour)
        np.maximum.at(highest, region[beside], neighbour)
    of_one_class = (lowest == highest) & (lowest != classes.void_id)
    filled = of_one_class[region]
    ids[rows[filled], columns[filled]] = lowest[region[filled]]


def _enclosed(statistics: npt.NDArray[np.int32], shape: tuple[int, ...], area_px: int) -> npt.NDArray[np.bool_]:
    """For each region, whether it has up to `area_px` pixels and does not reach the frame's edge."""
    left, top, across, down, area = (statistics[:, column] for column in range(5))
    inside = (left > 0) & (top > 0) & (left + across < shape[1]) & (top + down < shape[0]) & (area <= area_px)
    inside[0] = False  # region 0 is everything that is not background
    return inside
