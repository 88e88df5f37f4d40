"""Networks and losses in torch. No files, no printing; shapes are `batch bands height width`."""

from segwright.models.network import NetworkSpec, SegmentationNetwork, build_network

__all__ = ["NetworkSpec", "SegmentationNetwork", "build_network"]
