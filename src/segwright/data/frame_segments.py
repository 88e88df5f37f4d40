"""The segments of a labelled frame, whatever its labels say: segments, objects, or only the class of each pixel."""

from __future__ import annotations

import numpy as np

from segwright.core import InstanceSet, PanopticMap, Segment, adopt, instances_from_panoptic, panoptic_from_instances
from segwright.data.components import panoptic_from_label_map
from segwright.data.dataset import Dataset, Frame
from segwright.data.masks import InstanceSource, PanopticSource


def read_segments(dataset: Dataset, frame: Frame) -> PanopticMap:
    """The frame's segments, each class of stuff one of them.

    Of labels that hold objects the rest of the frame is the background, or void where the table has none; of labels
    that only say which class a pixel is each connected region (8-connected) of a class of things is a thing.

    Raises:
        DataError: the labels cannot be read.
    """
    if isinstance(frame.mask, PanopticSource):
        return with_whole_stuff(dataset.read_panoptic(frame))
    if isinstance(frame.mask, InstanceSource):
        return with_whole_stuff(panoptic_from_instances(dataset.read_instances(frame)))
    return panoptic_from_label_map(dataset.read_labels(frame))


def read_things(dataset: Dataset, frame: Frame) -> InstanceSet:
    """The things among `read_segments`, crowds among them; raises as that."""
    return instances_from_panoptic(read_segments(dataset, frame))


def with_whole_stuff(panoptic: PanopticMap) -> PanopticMap:
    """The same map with one segment a class of stuff, under the first one's id; crowds stay as they are."""
    things = {spec.class_id for spec in panoptic.classes if spec.kind == "thing"}
    firsts: dict[int, int] = {}
    renamed: dict[int, int] = {}
    for segment in panoptic.segments:
        if segment.class_id in things or segment.crowd:
            continue
        first = firsts.setdefault(segment.class_id, segment.segment_id)
        if first != segment.segment_id:
            renamed[segment.segment_id] = first
    if not renamed:
        return panoptic
    ids = np.array(panoptic.segment_ids)
    for other, first in renamed.items():
        ids[panoptic.segment_ids == other] = first
    kept: tuple[Segment, ...] = tuple(each for each in panoptic.segments if each.segment_id not in renamed)
    return PanopticMap(adopt(ids), kept, panoptic.classes)
