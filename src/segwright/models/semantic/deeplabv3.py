"""DeepLabv3 (Chen et al. 2017, figure 5): dilated encoder, ASPP on its last map, scores enlarged to the frame."""

from __future__ import annotations

from torch import Tensor, nn

from segwright.models.feature_pyramid import FeaturePyramid
from segwright.models.semantic.aspp import ASPP, OUTPUT_STRIDE, RATES, WIDTH
from segwright.models.semantic.blocks import ConvBlock
from segwright.models.semantic.encoder_decoder import Decoder, EncoderDecoder, encoder_and_options
from segwright.models.spec import NetworkSpec

OPTIONS = {"output_stride": OUTPUT_STRIDE}


def deeplabv3(spec: NetworkSpec) -> EncoderDecoder:
    """DeepLabv3 on the encoder of `spec`, whose last strides become dilations."""
    encoder, options = encoder_and_options(spec, OPTIONS)
    return EncoderDecoder(spec, encoder, DeepLabV3Decoder(encoder, options["output_stride"]))


class DeepLabV3Decoder(Decoder):
    """ASPP and a 3x3 convolution: features at the encoder's output stride."""

    def __init__(self, encoder: FeaturePyramid, output_stride: int) -> None:
        super().__init__((WIDTH,), stride=output_stride, pools_frame=True)
        self.layers = nn.Sequential(ASPP(encoder.widths[-1], RATES[output_stride]), ConvBlock(WIDTH, WIDTH))

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        return [self.layers(levels[-1])]
