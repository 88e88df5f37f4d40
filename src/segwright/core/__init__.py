"""What a pixel answer is. numpy only: no files, no torch, no OpenCV."""

from segwright.core.classes import DEFAULT_VOID_ID, ClassSpec, ClassTable
from segwright.core.conversions import (
    instances_from_panoptic,
    label_map_from_instances,
    label_map_from_panoptic,
    panoptic_from_instances,
)
from segwright.core.errors import (
    ArtefactError,
    ConfigError,
    DataError,
    DependencyMissing,
    GateFailed,
    Problem,
    SegwrightError,
    few,
    raise_collected,
)
from segwright.core.events import Event, Listener, Measured, Note, Progress, silent, tracked
from segwright.core.geometry import Box, Size
from segwright.core.image import GREY, RGB, Image, adopt
from segwright.core.instance_set import Instance, InstanceSet, instance_from_mask
from segwright.core.label_map import LabelMap
from segwright.core.panoptic_map import PanopticMap, Segment
from segwright.core.probabilities import Probabilities

__all__ = [
    "DEFAULT_VOID_ID",
    "GREY",
    "RGB",
    "ArtefactError",
    "Box",
    "ClassSpec",
    "ClassTable",
    "ConfigError",
    "DataError",
    "DependencyMissing",
    "Event",
    "GateFailed",
    "Image",
    "Instance",
    "InstanceSet",
    "LabelMap",
    "Listener",
    "Measured",
    "Note",
    "PanopticMap",
    "Probabilities",
    "Problem",
    "Progress",
    "Segment",
    "SegwrightError",
    "Size",
    "adopt",
    "few",
    "instance_from_mask",
    "instances_from_panoptic",
    "label_map_from_instances",
    "label_map_from_panoptic",
    "panoptic_from_instances",
    "raise_collected",
    "silent",
    "tracked",
]
