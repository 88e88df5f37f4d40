"""Networks that give every pixel one answer: the thing it belongs to, or the stuff it is of."""

from segwright.models.panoptic.contract import (
    PANOPTIC_OUTPUT_NAMES,
    PanopticAnswer,
    PanopticNetwork,
    PanopticTargets,
)
from segwright.models.panoptic.network import PanopticFPN
from segwright.models.panoptic.spec import PanopticSpec, build_panoptic_network

__all__ = [
    "PANOPTIC_OUTPUT_NAMES",
    "PanopticAnswer",
    "PanopticFPN",
    "PanopticNetwork",
    "PanopticSpec",
    "PanopticTargets",
    "build_panoptic_network",
]
