"""EoMT: a plain vision transformer whose last blocks also carry the queries, and hardly anything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import EomtConfig, EomtDinov3Config, EomtDinov3ForUniversalSegmentation, EomtForUniversalSegmentation

from segwright.core import ConfigError
from segwright.models.options import Option, resolve_options
from segwright.models.query.configured import architecture, built, configuration_in, without_losses
from segwright.models.query.network import QueryNetwork
from segwright.models.query.options import CONFIGURATION, LOSS_OPTIONS
from segwright.models.query.output import QueryOutput
from segwright.models.spec import NetworkSpec

# width, blocks, heads: Dosovitskiy et al. 2021 (ViT), table 1, and Oquab et al. 2023 (DINOv2), table 17
SIZES = {"tiny": (192, 12, 3), "small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16)}
# dinov2: a learned code for each place; dinov3: rotary codes
FAMILIES = ("dinov2", "dinov3")
ENCODERS = tuple(f"{family}_{size}" for family in FAMILIES for size in SIZES)
DINOV3_EPSILON = 1e-5  # of its layer norms, with which its weights were learned
# Blocks that learn at one rate and are frozen together.
STAGES = 4
# Of the range of steps: Kerssies et al. 2025, section 3.3, and the authors' settings for four blocks: the mask of block
# i goes from 2 + 3 i to 4 + 3 i fifteenths of the training, each by this power.
ANNEALING_POWER = 0.9
HIDDEN = -1e9  # what attention adds where a query may not look

OPTIONS: Mapping[str, Option] = {
    "queries": Option(200, "how many segments a frame can have"),
    "query_blocks": Option(4, "last blocks that carry the queries, each with an answer of its own in training"),
    "image_size": Option(512, "side, px, that the codes of places are learned for; best the crop", least=32),
    "patch": Option(16, "side of a patch, px", choices=(8, 16, 32)),
    "upscale": Option(2, "how often the last features are doubled for the masks", least=0),
    "mask_steps": Option(
        0, "steps over which masked attention is taken away again; best the steps of training", least=0
    ),
    "width": Option(0, "channels, instead of the encoder's", least=0),
    "blocks": Option(0, "blocks, instead of the encoder's", least=0),
    "heads": Option(0, "attention heads, instead of the encoder's", least=0),
    **LOSS_OPTIONS,
    **CONFIGURATION,
}


class Eomt(QueryNetwork):
    """EoMT with a DINOv2- or DINOv3-like transformer; frames of any size in multiples of the patch.

    Masked attention is a help in training alone, taken away block by block over `mask_steps`: what is read, validated
    and exported never masks. Codes of places are interpolated (bicubic) for frames of another size than `image_size`.

    Source: Kerssies et al. 2025, "Your ViT is Secretly an Image Segmentation Model"; the layers are those of
    transformers, whose own `forward` keeps the answers of earlier blocks to itself.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        options = resolve_options(spec, OPTIONS)
        model = _model(spec, options)
        super().__init__(spec, model.config.patch_size, options, model)
        self.steps_seen: Tensor
        self.register_buffer("steps_seen", torch.zeros((), dtype=torch.int64))

    def queries(self, frames: Tensor) -> QueryOutput:
        grid = (frames.shape[-2] // self.stride_px, frames.shape[-1] // self.stride_px)
        tokens, told = self._tokens(frames, grid)
        blocks = self.model.layers
        first = len(blocks) - self.model.config.num_blocks
        shares, earlier = self._mask_shares(), []
        for number, block in enumerate(blocks):
            mask = None
            if number == first:
                asked = self.model.query.weight
                tokens = torch.cat([asked[None].expand(tokens.shape[0], -1, -1), tokens], dim=1)
            if number >= first and self.training:
                earlier.append(self._answer(tokens, grid))
                mask = self._attention_mask(earlier[-1].mask_logits, tokens, grid, shares[number - first])
            tokens = block(tokens, mask, **told)
        last = self._answer(tokens, grid)
        return QueryOutput(last.class_logits, last.mask_logits, tuple(earlier))

    def _tokens(self, frames: Tensor, grid: tuple[int, int]) -> tuple[Tensor, dict[str, Any]]:
        """Tokens (batch, prefix + patches, width), and what each block is told beside them."""
        embeddings = self.model.embeddings
        if hasattr(self.model, "rope_embeddings"):
            codes = self.model.rope_embeddings(frames)
            return self.model.dropout(embeddings(frames)), {"position_embeddings": codes}
        patches = embeddings.patch_embeddings(frames)
        patches = patches + _codes_for(embeddings.position_embeddings.weight, self.model.grid_size, grid)
        prefix = [token.expand(frames.shape[0], -1, -1) for token in (embeddings.cls_token, embeddings.register_tokens)]
        return embeddings.dropout(torch.cat([*prefix, patches], dim=1)), {}

    def _answer(self, tokens: Tensor, grid: tuple[int, int]) -> QueryOutput:
        asked = self.model.config.num_queries
        tokens = self.model.layernorm(tokens)
        queries, patches = tokens[:, :asked], tokens[:, asked + self._prefix :]
        features = self.model.upscale_block(patches.transpose(1, 2).reshape(tokens.shape[0], -1, *grid))
        masks = torch.einsum("bqc,bchw->bqhw", self.model.mask_head(queries), features)
        return QueryOutput(self.model.class_predictor(queries), masks)

    @property
    def _prefix(self) -> int:
        """Tokens that are no patch: one for the class of the image, and registers."""
        return 1 + int(self.model.config.num_register_tokens)

    def _mask_shares(self) -> list[float]:
        """The share of queries whose attention is masked in each block that carries queries; counts a step."""
        blocks, steps = int(self.model.config.num_blocks), self.options["mask_steps"]
        if not self.training or steps == 0:
            return [0.0] * blocks
        done = int(self.steps_seen) / steps * 3 * (blocks + 1)
        self.steps_seen += 1
        progress = [(done - (2 + 3 * block)) / 2 for block in range(blocks)]
        return [(1 - min(1.0, max(0.0, each))) ** ANNEALING_POWER for each in progress]

    def _attention_mask(
        self, mask_logits: Tensor, tokens: Tensor, grid: tuple[int, int], share: float
    ) -> Tensor | None:
        """What attention adds (batch, 1, tokens, tokens): a query looks only at patches inside its last mask.

        The rest of the queries, drawn anew each time, look everywhere.
        """
        if share == 0:
            return None
        asked, count = mask_logits.shape[1], tokens.shape[1]
        inside = F.interpolate(mask_logits, size=grid, mode="bilinear").flatten(2) > 0
        inside = inside | (torch.rand(len(tokens), asked, 1, device=tokens.device) >= share)
        seen = torch.ones(len(tokens), count, count, dtype=torch.bool, device=tokens.device)
        seen[:, :asked, asked + self._prefix :] = inside
        hidden = torch.zeros(len(tokens), 1, count, count, dtype=tokens.dtype, device=tokens.device)
        return hidden.masked_fill(~seen.unsqueeze(1), HIDDEN)

    @property
    def backbone(self) -> nn.Module:
        return self.model

    @property
    def stages(self) -> list[list[nn.Module]]:
        parts = list(_parts(list(self.model.layers), STAGES))
        return [[self.model.embeddings, *parts[0]], *parts[1:-1], [*parts[-1], self.model.layernorm]]


def _parts(blocks: list[nn.Module], count: int) -> Iterator[list[nn.Module]]:
    """`blocks` in up to `count` runs, none empty, at least two."""
    count = max(2, min(count, len(blocks)))
    ends = [round(len(blocks) * part / count) for part in range(count + 1)]
    return (blocks[start:end] for start, end in pairwise(ends))


def _codes_for(codes: Tensor, learned: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    """Codes of places (patches, width) of the grid they were `learned` on, for another grid."""
    if tuple(grid) == tuple(learned):
        return codes
    image = codes.T.reshape(1, -1, *learned)
    return F.interpolate(image, size=grid, mode="bicubic", align_corners=False)[0].flatten(1).T


def _model(spec: NetworkSpec, options: Mapping[str, Any]) -> Any:
    told = options["configuration"]
    if told is None:
        values = _sizes(spec, options)
    else:
        values = {**configuration_in(told, "eomt"), "num_labels": spec.channels, "num_channels": spec.bands}
    kind = values.pop("model_type")

    def make() -> Any:
        if kind == "eomt_dinov3":
            return EomtDinov3ForUniversalSegmentation(EomtDinov3Config(**values))
        return EomtForUniversalSegmentation(EomtConfig(**values))

    model = without_losses(built(make, spec.network, architecture(options)))
    del model.attn_mask_probs  # theirs of `mask_steps`, never learned
    return model


def _sizes(spec: NetworkSpec, options: Mapping[str, Any]) -> dict[str, Any]:
    if spec.encoder not in ENCODERS:
        raise ConfigError.of(
            "model.encoder",
            "is not an encoder for EoMT",
            allowed=", ".join(ENCODERS),
            found=spec.encoder,
            fix="model.encoder=dinov2_small, or another model.network",
        )
    family, size = spec.encoder.split("_")
    usual = zip(("width", "blocks", "heads"), SIZES[size], strict=True)
    wide, deep, heads = (options[name] or value for name, value in usual)
    if options["query_blocks"] > deep or options["image_size"] % options["patch"]:
        raise ConfigError.of(
            "model.options",
            "do not fit each other",
            allowed="query_blocks up to the number of blocks, image_size a multiple of patch",
            found=f"query_blocks {options['query_blocks']} of {deep}, "
            f"image_size {options['image_size']}, patch {options['patch']}",
            fix="model.options.query_blocks=4, model.options.image_size=512",
        )
    own: dict[str, Any] = {"model_type": "eomt"}
    if family == "dinov3":
        own = {"model_type": "eomt_dinov3", "intermediate_size": 4 * wide, "layer_norm_eps": DINOV3_EPSILON}
    return {
        "num_labels": spec.channels,
        "num_channels": spec.bands,
        "hidden_size": wide,
        "num_hidden_layers": deep,
        "num_attention_heads": heads,
        "num_queries": options["queries"],
        "num_blocks": options["query_blocks"],
        "num_upscale_blocks": options["upscale"],
        "image_size": options["image_size"],
        "patch_size": options["patch"],
        **own,
    }
