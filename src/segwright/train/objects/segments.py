"""Segments as objects: what a crop of a panoptic frame is cut from, and the targets that come of it.

Segments are counted by one list of classes, things first and stuff after, each in the table's order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from segwright.core import ClassSpec, ClassTable, PanopticMap
from segwright.data import Dataset, Frame
from segwright.data.frame_segments import read_segments
from segwright.models.instance import InstanceTargets
from segwright.models.losses import VOID_CHANNEL
from segwright.models.panoptic import PanopticTargets
from segwright.models.query import SegmentTargets
from segwright.train.objects.layers import IGNORED, MOST_OBJECTS, CutObjects, ObjectLayers


def things_of(classes: ClassTable) -> tuple[ClassSpec, ...]:
    """The classes of things."""
    return tuple(spec for spec in classes if spec.kind == "thing")


def stuff_of(classes: ClassTable) -> tuple[ClassSpec, ...]:
    """The classes of stuff, the background among them."""
    return tuple(spec for spec in classes if spec.kind != "thing")


def read_segment_layers(dataset: Dataset, frame: Frame) -> ObjectLayers:
    """The segments of a labelled frame as layers.

    Raises:
        DataError: the labels cannot be read.
    """
    return segment_layers(read_segments(dataset, frame))


def segment_layers(panoptic: PanopticMap) -> ObjectLayers:
    """One layer of segments, and one of void and crowds.

    Stuff has an area of 0, of which a crop always shows enough: it has no shape that could be cut.

    Raises:
        ValueError: more segments than a layer's numbers tell apart.
    """
    segments = [each for each in panoptic.segments if not each.crowd]
    if len(segments) > MOST_OBJECTS:
        raise ValueError(f"{len(segments)} segments in a frame, at most {MOST_OBJECTS}")
    order = [spec.class_id for spec in (*things_of(panoptic.classes), *stuff_of(panoptic.classes))]
    channels = np.array([order.index(each.class_id) for each in segments], np.int64)
    known = np.array([each.segment_id for each in segments], np.uint32)
    sorting = np.argsort(known)
    ids = panoptic.segment_ids
    places = np.searchsorted(known[sorting], ids).clip(max=max(len(known) - 1, 0))
    named = np.isin(ids, known)
    numbers = np.where(named, sorting[places] + 1, 0).astype(np.uint16) if len(known) else np.zeros(ids.shape, "u2")
    ignored = np.where(named, 0, IGNORED).astype(np.uint16)
    areas = np.bincount(numbers.ravel(), minlength=len(segments) + 1)[1:].astype(np.int64)
    areas[channels >= len(things_of(panoptic.classes))] = 0
    return ObjectLayers(np.ascontiguousarray(np.stack([numbers, ignored], axis=2)), channels, areas)


def panoptic_targets(cut: CutObjects, things: int, stuff: int) -> PanopticTargets:
    """What Panoptic FPN is told of a crop: `things` classes of things, whose places the map of `stuff` names as one."""
    is_thing = cut.channels < things
    found = cut.kept(is_thing)
    ids = np.full(cut.ignored.shape, VOID_CHANNEL, np.int64)
    for channel, mask in zip(cut.channels[~is_thing], cut.masks[~is_thing], strict=True):
        ids[mask] = channel - things
    if len(found.masks):
        ids[found.masks.any(axis=0)] = stuff
    ids[cut.ignored] = VOID_CHANNEL
    objects = InstanceTargets(
        torch.from_numpy(found.channels),
        torch.from_numpy(found.boxes()),
        torch.from_numpy(found.masks),
        torch.from_numpy(found.ignored),
    )
    return PanopticTargets(objects, torch.from_numpy(ids))


def segment_targets(cut: CutObjects, channels: npt.NDArray[np.int64] | None = None) -> SegmentTargets:
    """What queries are matched with; `channels` are the network's own of each of the crop's, None for the same."""
    own = cut.channels if channels is None else channels[cut.channels]
    masks, ignored = torch.from_numpy(cut.masks), torch.from_numpy(cut.ignored)
    return SegmentTargets.of_masks(torch.from_numpy(np.ascontiguousarray(own)), masks, ignored)


def table_channels(classes: ClassTable) -> npt.NDArray[np.int64]:
    """The position in the table of each class in the order of segments: what a network of queries answers with."""
    order = (*things_of(classes), *stuff_of(classes))
    return np.array([classes.channel(spec.name) for spec in order], np.int64)
