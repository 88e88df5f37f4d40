"""The one dict of networks that exist, and how one is built."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from segwright.core import ConfigError
from segwright.models.query.building import eomt, mask2former
from segwright.models.segmentation_network import SegmentationNetwork
from segwright.models.semantic.unet import unet
from segwright.models.spec import NetworkSpec

# name in segwright.yaml -> how it is built
NETWORKS: dict[str, Callable[[NetworkSpec], SegmentationNetwork]] = {
    "unet": unet,
    "mask2former": mask2former,
    "eomt": eomt,
}


def build_network(spec: NetworkSpec) -> SegmentationNetwork:
    """The network that `spec` describes, with random weights.

    Raises:
        ConfigError: the network or the encoder does not exist, the two do not fit, or an option is wrong.
    """
    if spec.network not in NETWORKS:
        close = difflib.get_close_matches(spec.network, NETWORKS, n=1)
        raise ConfigError.of(
            "model.network",
            "is not a network of segwright",
            allowed=", ".join(NETWORKS),
            found=spec.network,
            fix=f"model.network={close[0] if close else 'unet'}",
        )
    return NETWORKS[spec.network](spec)
