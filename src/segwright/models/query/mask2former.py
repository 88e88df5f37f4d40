"""Mask2Former: a pyramid, a pixel decoder of deformable attention, and queries that look where their last mask was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation

from segwright.models.options import Option, resolve_options
from segwright.models.query.backbones import (
    as_timm_starts_it,
    backbone_configuration,
    body_of,
    stages_of,
    try_backbone,
)
from segwright.models.query.configured import architecture, built, configuration_in, without_losses
from segwright.models.query.free_size import DeformableAttention, SinePositions, places_of_levels
from segwright.models.query.network import QueryNetwork
from segwright.models.query.options import CONFIGURATION, LOSS_OPTIONS
from segwright.models.query.output import QueryOutput
from segwright.models.spec import NetworkSpec

STRIDE_PX = 32

# The sizes of Cheng et al. 2022 (Mask2Former), section 4.1
OPTIONS: Mapping[str, Option] = {
    "queries": Option(100, "how many segments a frame can have"),
    "width": Option(256, "channels of the pixel decoder, of queries and of masks; a multiple of 32", least=32),
    "heads": Option(8, "attention heads"),
    "layers": Option(9, "layers of the query decoder, each with an answer of its own in training"),
    "feedforward": Option(2048, "hidden width of the query decoder's layers"),
    "pixel_layers": Option(6, "layers of the pixel decoder"),
    "pixel_feedforward": Option(1024, "hidden width of the pixel decoder's layers"),
    **LOSS_OPTIONS,
    **CONFIGURATION,
}


class Mask2Former(QueryNetwork):
    """Mask2Former on a timm or Swin backbone; frames of any size in multiples of 32.

    Source: Cheng et al. 2022, "Masked-attention Mask Transformer for Universal Image Segmentation"; the layers are
    those of transformers.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        options = resolve_options(spec, OPTIONS)
        super().__init__(spec, STRIDE_PX, options, _model(spec, options))

    def queries(self, frames: Tensor) -> QueryOutput:
        said = self.model(frames, output_auxiliary_logits=self.training)
        earlier = said.auxiliary_logits or ()
        auxiliary = tuple(QueryOutput(one["class_queries_logits"], one["masks_queries_logits"]) for one in earlier)
        return QueryOutput(said.class_queries_logits, said.masks_queries_logits, auxiliary)

    @property
    def _encoder(self) -> nn.Module:
        return self.model.model.pixel_level_module.encoder

    @property
    def stages(self) -> list[list[nn.Module]]:
        return stages_of(self._encoder)

    @property
    def backbone(self) -> nn.Module:
        return body_of(self._encoder)


def _model(spec: NetworkSpec, options: Mapping[str, Any]) -> Any:
    config = _configuration(spec, options)
    model: Any = built(lambda: Mask2FormerForUniversalSegmentation(config), spec.network, architecture(options))
    encoder = model.model.pixel_level_module.encoder
    if hasattr(encoder, "_backbone"):
        as_timm_starts_it(encoder, encoder.config.backbone, spec.bands)
    try_backbone(encoder, spec.encoder, spec.bands)
    _read_any_size(model)
    return without_losses(model)


def _configuration(spec: NetworkSpec, options: Mapping[str, Any]) -> Mask2FormerConfig:
    told = options["configuration"]
    if told is not None:
        values: dict[str, Any] = {**configuration_in(told, "mask2former"), "num_labels": spec.channels}
        values["backbone_config"] = {**values["backbone_config"], "num_channels": spec.bands}
    else:
        values = {
            "backbone_config": backbone_configuration(spec.encoder, spec.bands),
            "num_labels": spec.channels,
            "num_queries": options["queries"],
            "feature_size": options["width"],
            "mask_feature_size": options["width"],
            "hidden_dim": options["width"],
            "num_attention_heads": options["heads"],
            "decoder_layers": options["layers"] + 1,  # transformers counts the answer before the first layer
            "dim_feedforward": options["feedforward"],
            "encoder_layers": options["pixel_layers"],
            "encoder_feedforward_dim": options["pixel_feedforward"],
        }
    # Swin's fused attention cannot be written as ONNX; timm's backbones do not listen to this
    values["attn_implementation"] = "eager"
    return built(lambda: Mask2FormerConfig(**values), spec.network, architecture(options))


def _read_any_size(model: Any) -> None:
    """Put in the parts that do not remember the size they were traced with."""
    decoder, queries = model.model.pixel_level_module.decoder, model.model.transformer_module
    decoder.position_embedding = SinePositions(decoder.position_embedding.num_position_features)
    queries.position_embedder = SinePositions(queries.position_embedder.num_position_features)
    decoder.encoder.get_reference_points = places_of_levels
    for layer in decoder.encoder.layers:
        layer.self_attn = DeformableAttention(layer.self_attn)
