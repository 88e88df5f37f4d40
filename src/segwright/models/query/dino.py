"""Weights of a DINOv2 or DINOv3 transformer under the names that they have in an EoMT."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from timm.layers.patch_embed import resample_patch_embed
from torch import Tensor
from torch.nn import functional as F

# (a name of transformers' DINO models, EoMT's), tried in order; a name that is the same is in neither
RENAMED = ((r"^(?:model|encoder)\.layer\.", "layers."), (r"^norm\.", "layernorm."))
DINOV2_OUTPUT = ("attention.o_proj.", "attention.out_proj.")
CODES = "embeddings.position_embeddings"


def as_eomt(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of `state` as a model with the tensors `own` names and shapes them.

    Patch layers are resampled to another side of the patch (Beyer et al. 2023, FlexiViT), codes of places to another
    grid, bicubic with a low-pass; DINOv2's code of the class token is added to the token, since EoMT has none for it.
    """
    found: dict[str, Tensor] = {}
    for name, value in state.items():
        new = name
        for pattern, ours in RENAMED:
            new = re.sub(pattern, ours, new)
        if new not in own:
            new = new.replace(*DINOV2_OUTPUT)
        wanted = own.get(new)
        patches = wanted is not None and value.ndim == 4 and value.shape[2:] != wanted.shape[2:]
        found[new] = resample_patch_embed(value, list(wanted.shape[2:])) if patches and wanted is not None else value
    if CODES in found and f"{CODES}.weight" in own:
        of_class, of_places = found.pop(CODES)[0].split([1, state[CODES].shape[1] - 1])
        found["embeddings.cls_token"] = found["embeddings.cls_token"] + of_class
        found[f"{CODES}.weight"] = _resampled(of_places, len(own[f"{CODES}.weight"]))
    return found


def _resampled(codes: Tensor, places: int) -> Tensor:
    """Codes (places, width) of a square grid for a square grid of `places`."""
    if len(codes) == places:
        return codes
    old, new = (round(count**0.5) for count in (len(codes), places))
    image = codes.float().T.reshape(1, -1, old, old)
    resized = F.interpolate(image, size=(new, new), mode="bicubic", antialias=True, align_corners=False)
    return resized[0].flatten(1).T.to(torch.float32)
