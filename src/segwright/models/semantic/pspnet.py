"""PSPNet (Zhao et al. 2017, figure 3): dilated encoder, pyramid pooling, scores enlarged to the frame."""

from __future__ import annotations

from torch import Tensor, nn

from segwright.models.feature_pyramid import FeaturePyramid
from segwright.models.options import Option
from segwright.models.semantic.auxiliary import AUXILIARY, AuxiliaryFeatures
from segwright.models.semantic.encoder_decoder import Decoder, EncoderDecoder, encoder_and_options
from segwright.models.semantic.pyramid_pooling import PyramidPooling
from segwright.models.spec import NetworkSpec

WIDTH = 512
DROPOUT = 0.1
OPTIONS = {
    "output_stride": Option(
        8, "the encoder's coarsest features, as a share of the frame; 32 takes encoders without dilation", (8, 16, 32)
    ),
    "auxiliary": AUXILIARY,
}


def pspnet(spec: NetworkSpec) -> EncoderDecoder:
    """PSPNet on the encoder of `spec`, whose last strides become dilations."""
    encoder, options = encoder_and_options(spec, OPTIONS, last_levels_only=True)
    return EncoderDecoder(spec, encoder, PSPDecoder(encoder, auxiliary=options["auxiliary"]))


class PSPDecoder(Decoder):
    """Features at the encoder's output stride; in training also those for the auxiliary head."""

    def __init__(self, encoder: FeaturePyramid, *, auxiliary: bool) -> None:
        before_last, last = encoder.widths[-2:]
        aside = AuxiliaryFeatures(before_last) if auxiliary else None
        widths = (WIDTH,) if aside is None else (WIDTH, aside.width)
        super().__init__(widths, stride=encoder.strides[-1], pools_frame=True)
        self.pooling = nn.Sequential(PyramidPooling(last, WIDTH), nn.Dropout2d(DROPOUT))
        self.aside = aside

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        features = self.pooling(levels[-1])
        if self.aside is None or not self.training:
            return [features]
        return [features, self.aside(levels[-2])]
