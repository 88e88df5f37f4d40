"""What a training of objects or segments will see: crops of its first steps with their objects, and counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segwright.core import ClassTable, Image, InstanceSet, Listener, Progress, Size, instance_from_mask, silent
from segwright.data import Dataset
from segwright.train.objects.feed import FedCrop, ObjectFeed
from segwright.train.objects.layers import CutObjects
from segwright.train.objects.segment_task import segment_feed
from segwright.train.objects.task import object_feed
from segwright.train.preview import SHOWN, STEPS, pictures
from segwright.train.settings import Plan

SMALL_PX = 32  # a side; below it COCO calls an object small


@dataclass(frozen=True)
class MetObjects:
    """How a class is met: crops with an object of it, its objects, their median side (px, None without) and how many
    are small: less than 32 px a side, the root of the area of their pixels.
    """

    crops: int
    objects: int
    side_px: float | None
    small: int


@dataclass(frozen=True)
class ObjectPreview:
    """`crops` to look at, with their objects, and counts over `counted` crops of `steps` steps.

    `empty` crops have no object, `most` is how many the fullest has; `ignored_share` of all pixels ask nothing: void,
    crowds, what lies outside of the frame, and objects of which the crop shows too little.
    """

    crops: tuple[tuple[Image, InstanceSet], ...]
    steps: int
    counted: int
    classes: dict[str, MetObjects]
    empty: int
    most: int
    ignored_share: float


def object_preview(plan: Plan, feed: ObjectFeed, listener: Listener = silent) -> ObjectPreview:
    """The first batches of the run that the plan describes: the very ones it will train on."""
    steps = min(STEPS, plan.optimiser.steps)
    names = feed.names
    sides: dict[str, list[float]] = {name: [] for name in names}
    holding = dict.fromkeys(names, 0)
    counts, ignored, total = [], 0, 0
    shown: list[FedCrop] = []
    for step in range(steps):
        for slot, crop in enumerate(feed.crops(step)):
            objects = crop.objects
            for mask, channel in zip(objects.masks, objects.channels, strict=True):
                sides[names[channel]].append(float(np.sqrt(mask.sum())))
            for channel in np.unique(objects.channels):
                holding[names[channel]] += 1
            counts.append(len(objects.channels))
            ignored, total = ignored + int(objects.ignored.sum()), total + objects.ignored.size
            if slot < -(-SHOWN // steps) and len(shown) < SHOWN:
                shown.append(crop)
        listener(Progress("preview", step + 1, steps, "steps"))
    met = {name: _met(holding[name], sides[name]) for name in names}
    return ObjectPreview(
        _drawn(shown, names, plan), steps, len(counts), met, counts.count(0), max(counts), ignored / max(1, total)
    )


def _met(crops: int, sides: Sequence[float]) -> MetObjects:
    middle = round(float(np.median(sides)), 1) if sides else None
    return MetObjects(crops, len(sides), middle, sum(side < SMALL_PX for side in sides))


def _drawn(crops: Sequence[FedCrop], names: Sequence[str], plan: Plan) -> tuple[tuple[Image, InstanceSet], ...]:
    images = pictures([crop.pixels for crop in crops], plan.preprocessing)
    return tuple((image, _found(crop.objects, names, plan.classes)) for image, crop in zip(images, crops, strict=True))


def _found(objects: CutObjects, names: Sequence[str], classes: ClassTable) -> InstanceSet:
    """The crop's objects; of segments also those of stuff, but for the background, which is no object."""
    found = []
    for mask, channel in zip(objects.masks, objects.channels, strict=True):
        name = names[int(channel)]
        one = None if name == classes.background else instance_from_mask(mask, classes[name].class_id)
        found += [] if one is None else [one]
    return InstanceSet(Size(*objects.ignored.shape), tuple(found), classes, objects.ignored)


def preview_feed(plan: Plan, dataset: Dataset, stems: Sequence[str], listener: Listener = silent) -> ObjectFeed:
    """The crops that training sees, of objects or of segments; whatever the network, they are the same.

    Raises:
        DataError: frames that cannot be read, all of them.
    """
    if plan.task == "panoptic":
        return segment_feed(plan, dataset, stems, listener)
    return object_feed(plan, dataset, stems, listener)
