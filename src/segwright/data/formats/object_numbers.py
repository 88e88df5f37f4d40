"""Objects as numbers in a picture: for formats whose objects cannot overlap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segwright.core import Instance, InstanceSet, LabelMap
from segwright.data.dataset import Dataset, Frame
from segwright.data.masks import InstanceSource, PanopticSource


def objects_of(dataset: Dataset, frame: Frame) -> InstanceSet | None:
    """The objects of a frame, or None where its labels only say which class a pixel is.

    Raises:
        DataError: labels that cannot be read.
    """
    return dataset.read_instances(frame) if isinstance(frame.mask, InstanceSource | PanopticSource) else None


def numbered(labels: LabelMap, objects: InstanceSet) -> tuple[npt.NDArray[np.uint32], list[Instance]]:
    """Numbers (height, width) from 1, 0 for no object, and the objects they count, in the set's order.

    A pixel goes to the last object of the pixel's own class that has it, so that numbers and class ids agree. Crowds
    and objects of which no pixel is left are not among them.

    Lost: what lies under another object, and crowds.
    """
    numbers = np.zeros((objects.size.height, objects.size.width), np.uint32)
    single = [one for one in objects if not one.crowd]
    for at, one in enumerate(single, start=1):
        seen = one.mask & (labels.ids[one.box.slices] == one.class_id)
        numbers[one.box.slices][seen] = at
    left = np.flatnonzero(np.bincount(numbers.ravel(), minlength=len(single) + 1)[1:]) + 1
    table = np.zeros(len(single) + 1, np.uint32)
    table[left] = np.arange(1, len(left) + 1)
    return table[numbers], [single[at - 1] for at in left]
