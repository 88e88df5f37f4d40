"""Networks that answer with objects: one contract, one file a concept, one folder a network."""

from segwright.models.instance.build import NETWORKS, build_instance_network
from segwright.models.instance.contract import (
    OUTPUT_NAMES,
    Candidates,
    InstanceNetwork,
    InstanceTargets,
    MaskFrame,
)
from segwright.models.instance.maskrcnn.options import MaskRCNNOptions
from segwright.models.instance.solov2.options import SOLOv2Options
from segwright.models.instance.spec import InstanceSpec
from segwright.models.instance.yolact.options import YOLACTOptions

__all__ = [
    "NETWORKS",
    "OUTPUT_NAMES",
    "Candidates",
    "InstanceNetwork",
    "InstanceSpec",
    "InstanceTargets",
    "MaskFrame",
    "MaskRCNNOptions",
    "SOLOv2Options",
    "YOLACTOptions",
    "build_instance_network",
]
