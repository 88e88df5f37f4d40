"""What a network is built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DECODER_WIDTHS = (256, 128, 64, 32, 16)


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """Everything needed to build the same network again: names, bands in, channels out, decoder widths.

    `decoder_widths` are those of the U-Net family, coarse to fine; `options` what else the network can be told, as
    plain values: each network says which (its OPTIONS), and refuses others.
    """

    network: str
    encoder: str
    bands: int
    channels: int
    decoder_widths: tuple[int, ...] = DECODER_WIDTHS
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values, as they stand in plan.yaml."""
        return {
            "network": self.network,
            "encoder": self.encoder,
            "bands": self.bands,
            "channels": self.channels,
            "decoder_widths": list(self.decoder_widths),
            "options": dict(self.options),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> NetworkSpec:
        """The spec in what `to_json` gave, also in files written before networks had options."""
        values = {**data, "decoder_widths": tuple(data["decoder_widths"]), "options": dict(data.get("options", {}))}
        return NetworkSpec(**values)
