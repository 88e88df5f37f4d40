"""What every semantic network is made of, and the one dict of those that exist."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from segwright.core import ConfigError
from segwright.models.encoder import Encoder
from segwright.models.semantic.unet import UNetDecoder

# A class rarer than this starts as if it were this common: crops are centred on rare classes, and soft Dice has no
# gradient where a class starts near zero everywhere.
RAREST_SHARE = 1e-2

DECODERS = {"unet": UNetDecoder}


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """Everything needed to build the same network again: names, bands in, channels out, decoder widths."""

    network: str
    encoder: str
    bands: int
    channels: int
    decoder_widths: tuple[int, ...] = (256, 128, 64, 32, 16)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "decoder_widths": list(self.decoder_widths)}

    @staticmethod
    def from_json(data: dict[str, Any]) -> NetworkSpec:
        return NetworkSpec(**{**data, "decoder_widths": tuple(data["decoder_widths"])})


class SegmentationNetwork(nn.Module):
    """Logits `(batch, channels, height, width)` at the size of the input `(batch, bands, height, width)`.

    Height and width must be multiples of `stride_px`; the tile engine pads to that.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.encoder = Encoder(spec.encoder, spec.bands)
        self.decoder = DECODERS[spec.network](self.encoder.widths, spec.decoder_widths, spec.bands)
        self.head: nn.Conv2d = nn.Conv2d(self.decoder.width, spec.channels, kernel_size=1)
        self.stride_px = self.encoder.strides[-1]

    def expect(self, shares: Sequence[float]) -> None:
        """Start from predicting class shares (channels,) everywhere, instead of every class alike.

        Without it the first hundreds of steps only teach that most pixels are background.
        Source: Lin et al. 2017 (focal loss), section 3.3, "class imbalance and model initialization".
        """
        logits = torch.tensor([math.log(max(share, RAREST_SHARE)) for share in shares])
        assert self.head.bias is not None  # a convolution is built with one unless told otherwise
        with torch.no_grad():
            self.head.bias.copy_(logits - logits.mean())

    def forward(self, frames: Tensor) -> Tensor:
        return self.head(self.decoder(frames, self.encoder(frames)))


def build_network(spec: NetworkSpec) -> SegmentationNetwork:
    """The network that `spec` describes, with random weights.

    Raises:
        ConfigError: the network or the encoder does not exist.
    """
    if spec.network not in DECODERS:
        raise ConfigError.of(
            "model.network",
            "is not a network of segwright",
            allowed=", ".join(DECODERS),
            found=spec.network,
            fix="model.network=unet",
        )
    return SegmentationNetwork(spec)
