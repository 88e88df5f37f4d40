"""What a pixel answer is. numpy only: no files, no torch, no OpenCV."""

from segwright.core.classes import DEFAULT_VOID_ID, ClassSpec, ClassTable
from segwright.core.errors import (
    ArtefactError,
    ConfigError,
    DataError,
    DependencyMissing,
    GateFailed,
    Problem,
    SegwrightError,
    raise_collected,
)
from segwright.core.events import Event, Listener, Measured, Note, Progress, silent, tracked
from segwright.core.geometry import Box, Size
from segwright.core.image import GREY, RGB, Image, adopt
from segwright.core.label_map import LabelMap
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
    "LabelMap",
    "Listener",
    "Measured",
    "Note",
    "Probabilities",
    "Problem",
    "Progress",
    "SegwrightError",
    "Size",
    "adopt",
    "raise_collected",
    "silent",
    "tracked",
]
