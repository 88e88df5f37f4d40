"""The objects of a labelled frame, whatever its labels say: objects themselves, or only the class of each pixel."""

from __future__ import annotations

from segwright.core import InstanceSet
from segwright.data.components import instances_from_label_map
from segwright.data.dataset import Dataset, Frame
from segwright.data.masks import InstanceSource, PanopticSource


def read_objects(dataset: Dataset, frame: Frame) -> InstanceSet:
    """The frame's objects; of labels that only say which class a pixel is, each connected region (8-connected).

    Raises:
        DataError: the labels cannot be read.
    """
    if isinstance(frame.mask, InstanceSource | PanopticSource):
        return dataset.read_instances(frame)
    return instances_from_label_map(dataset.read_labels(frame))


def has_objects(dataset: Dataset) -> bool:
    """Whether the labels tell objects apart."""
    return any(isinstance(frame.mask, InstanceSource | PanopticSource) for frame in dataset.frames)
