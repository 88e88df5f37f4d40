"""Each instance network as small as it still learns."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from segwright.models.instance import (
    InstanceSpec,
    MaskRCNNOptions,
    SOLOv2Options,
    YOLACTOptions,
    build_instance_network,
)

SOLOV2 = SOLOv2Options(
    grids=(8, 8, 6, 4, 4),
    sizes_px=((1, 24), (16, 48), (32, 96), (64, 128), (96, 512)),
    head_width=32,
    head_depth=2,
    mask_channels=32,
    mask_width=32,
    before_suppression=50,
    warm_up_steps=20,
)
YOLACT = YOLACTOptions(prototypes=16, anchor_sizes_px=(16, 32, 48, 64, 96), before_suppression=50)
MASK_RCNN = MaskRCNNOptions(
    anchor_sizes_px=(12, 20, 32, 48, 64),
    points=64,
    proposals=40,
    head_width=64,
    before_suppression=50,
    regions_to_train=64,
    anchors_to_train=64,
)
OPTIONS = {
    "solov2": SOLOV2,
    "solov2 from boxes": replace(SOLOV2, learn_from="boxes"),
    "yolact": YOLACT,
    "maskrcnn": MASK_RCNN,
    "maskrcnn refined": replace(MASK_RCNN, refinements=2),
}


def spec(name: str, channels: int = 2, candidates: int = 10, bands: int = 3) -> InstanceSpec:
    return InstanceSpec(name.split()[0], "test_resnet", bands, channels, OPTIONS[name], 32, candidates)


def network(name: str, channels: int = 2, candidates: int = 10, bands: int = 3) -> nn.Module:
    """The network with the same random weights each time."""
    torch.manual_seed(0)
    return build_instance_network(spec(name, channels, candidates, bands))
