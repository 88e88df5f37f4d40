"""Everything needed to build the same panoptic network again, as JSON values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from segwright.core import ConfigError
from segwright.models.instance.maskrcnn.options import MaskRCNNOptions
from segwright.models.panoptic.network import PanopticFPN


@dataclass(frozen=True, slots=True)
class PanopticSpec:
    """Names, bands in, classes out of both kinds, widths, and Mask R-CNN's options.

    channels: classes of things, 1 or more; stuff: classes of stuff, 0 or more. stuff_weight: what the map's loss counts
    against that of the things (the paper tries 0.5 to 1).
    """

    network: str
    encoder: str
    bands: int
    channels: int
    stuff: int
    options: MaskRCNNOptions = field(default_factory=MaskRCNNOptions)
    width: int = 256
    candidates: int = 100
    stuff_width: int = 128
    stuff_weight: float = 0.5

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> PanopticSpec:
        """The spec that `to_json` gave; lists are tuples again."""
        options: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list | tuple) else value for name, value in data["options"].items()
        }
        return PanopticSpec(**{**data, "options": MaskRCNNOptions(**options)})


def build_panoptic_network(spec: PanopticSpec) -> PanopticFPN:
    """The network that `spec` describes, with random weights.

    Raises:
        ConfigError: the network or the encoder does not exist.
    """
    if spec.network != "panoptic_fpn":
        raise ConfigError.of(
            "model.network",
            "is not a panoptic network of segwright's own",
            allowed="panoptic_fpn",
            found=spec.network,
            fix="model.network=panoptic_fpn",
        )
    return PanopticFPN(spec)
