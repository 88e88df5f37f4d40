"""Networks and losses in torch. No files, no printing; shapes are `batch bands height width`."""

from segwright.models.network import NETWORKS, build_network
from segwright.models.segmentation_network import SegmentationNetwork
from segwright.models.spec import NetworkSpec

__all__ = ["NETWORKS", "NetworkSpec", "SegmentationNetwork", "build_network"]
