"""The members of the conformance suite: every network, on the smallest encoder that fits it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from segwright.models import NETWORKS, NetworkSpec
from tests.models.query.tiny import EOMT, MASK2FORMER

WIDTHS = (16, 12, 8, 8, 8)


class Case(NamedTuple):
    """A network on an encoder, with options."""

    network: str
    encoder: str = "test_resnet"
    options: Mapping[str, Any] = MappingProxyType({})

    def spec(self, bands: int = 3, channels: int = 4) -> NetworkSpec:
        return NetworkSpec(self.network, self.encoder, bands, channels, WIDTHS, self.options)

    def __str__(self) -> str:
        told = ",".join(f"{name}={value}" for name, value in self.options.items())
        return "-".join(part for part in (self.network, self.encoder, told) if part)


# What each network is built with where the suite asks for one of each; small, so that the slowest machine gets through.
SMALL: dict[str, dict[str, Any]] = {
    "upernet": {"width": 32},
    "segformer": {"width": 32},
    "mask2former": MASK2FORMER,
    "eomt": {**EOMT, "blocks": 4},
}
ENCODERS = {"eomt": "dinov2_tiny"}
EVERY = tuple(Case(network, ENCODERS.get(network, "test_resnet"), SMALL.get(network, {})) for network in NETWORKS)
# Options and encoders that change what is built.
VARIANTS = (
    Case("unet", "test_convnext"),
    Case("unet", "test_vit"),
    Case("unet", options={"deep_supervision": True}),
    Case("unetplusplus", "test_convnext", {"deep_supervision": True}),
    Case("attention_unet", "test_convnext", {"deep_supervision": True}),
    Case("fcn", options={"variant": "32s"}),
    Case("fcn", options={"variant": "16s"}),
    Case("deeplabv3", options={"output_stride": 8}),
    Case("deeplabv3plus", "test_convnext", {"output_stride": 8, "separable": False}),
    Case("pspnet", "test_mambaout", {"output_stride": 32, "auxiliary": False}),
    Case("fpn", "test_vit"),
    Case("upernet", "test_convnext", {"width": 32, "auxiliary": False}),
    Case("segformer", "mit_b0", {"width": 32}),
    Case("lraspp", "mobilenetv3_small_050"),
    Case("lraspp", "test_mambaout", {"output_stride": 32}),
    Case("bisenetv2", options={"boosters": False}),
)
