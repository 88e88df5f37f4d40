"""The one dict of networks that exist, and how one is built."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from segwright.core import ConfigError
from segwright.models.query.building import eomt, mask2former
from segwright.models.segmentation_network import SegmentationNetwork
from segwright.models.semantic.attention_unet import attention_unet
from segwright.models.semantic.bisenetv2 import bisenetv2
from segwright.models.semantic.deeplabv3 import deeplabv3
from segwright.models.semantic.deeplabv3plus import deeplabv3plus
from segwright.models.semantic.espnet import ESPNet
from segwright.models.semantic.espnetv2 import ESPNetv2
from segwright.models.semantic.fcn import fcn
from segwright.models.semantic.fpn import fpn
from segwright.models.semantic.lraspp import lraspp
from segwright.models.semantic.pspnet import pspnet
from segwright.models.semantic.segformer import segformer
from segwright.models.semantic.unet import unet
from segwright.models.semantic.unetplusplus import unetplusplus
from segwright.models.semantic.upernet import upernet
from segwright.models.spec import NetworkSpec

# name in segwright.yaml -> how it is built
NETWORKS: dict[str, Callable[[NetworkSpec], SegmentationNetwork]] = {
    "unet": unet,
    "unetplusplus": unetplusplus,
    "attention_unet": attention_unet,
    "fcn": fcn,
    "deeplabv3": deeplabv3,
    "deeplabv3plus": deeplabv3plus,
    "pspnet": pspnet,
    "fpn": fpn,
    "upernet": upernet,
    "segformer": segformer,
    "lraspp": lraspp,
    "bisenetv2": bisenetv2,
    "espnet": ESPNet,
    "espnetv2": ESPNetv2,
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
