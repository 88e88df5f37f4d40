"""Mix Transformer, SegFormer's encoder (Xie et al. 2021, section 3.1 and table 6), built from timm's PVTv2.

The two are one architecture: overlapping patches, attention whose keys and values are reduced by a strided
convolution, an MLP with a 3x3 depthwise convolution in it. They differ in depths, widths and the MLP's ratio alone.
A test compares with the implementation in transformers, weight by weight.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from timm.models import FeatureListNet, load_state_dict_from_hf
from timm.models._manipulate import adapt_input_conv
from timm.models.pvt_v2 import PyramidVisionTransformerV2, checkpoint_filter_fn
from torch import Tensor, nn

# name -> (blocks a stage, widths); table 6
MIX_TRANSFORMERS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "mit_b0": ((2, 2, 2, 2), (32, 64, 160, 256)),
    "mit_b1": ((2, 2, 2, 2), (64, 128, 320, 512)),
    "mit_b2": ((3, 4, 6, 3), (64, 128, 320, 512)),
    "mit_b3": ((3, 4, 18, 3), (64, 128, 320, 512)),
    "mit_b4": ((3, 8, 27, 3), (64, 128, 320, 512)),
    "mit_b5": ((3, 6, 40, 3), (64, 128, 320, 512)),
}
HEADS = (1, 2, 5, 8)
REDUCTIONS = (8, 4, 2, 1)
DROP_PATH = 0.1  # of the last block, rising from 0; section 4.1
FIRST_LAYER = "patch_embed.proj.weight"
# How transformers' checkpoints call the layers -> how timm's PVTv2 does; the key and value layers become one.
_TRANSFORMERS_NAMES = (
    (r"^encoder\.patch_embeddings\.0\.", "patch_embed."),
    (r"^encoder\.patch_embeddings\.(\d)\.", r"stages.\1.downsample."),
    (r"^encoder\.block\.(\d)\.(\d+)\.", r"stages.\1.blocks.\2."),
    (r"^encoder\.layer_norm\.(\d)\.", r"stages.\1.norm."),
    (r"attention\.self\.query\.", "attn.q."),
    (r"attention\.self\.sr\.", "attn.sr."),
    (r"attention\.self\.layer_norm\.", "attn.norm."),
    (r"attention\.output\.dense\.", "attn.proj."),
    (r"layer_norm_([12])\.", r"norm\1."),
    (r"mlp\.dense([12])\.", r"mlp.fc\1."),
    (r"layer_norm\.", "norm."),
    (r"dwconv\.dwconv\.", "dwconv."),
)


def mix_transformer(name: str, bands: int, *, pretrained: bool = False) -> nn.Module:
    """The encoder called `name` as timm gives features: four levels, 1/4 to 1/32 of the frame.

    With `pretrained` the ImageNet weights of its authors, from the Hugging Face hub; their licence (NVIDIA Source
    Code Licence) allows research and evaluation only.
    """
    depths, widths = MIX_TRANSFORMERS[name]
    network = PyramidVisionTransformerV2(
        in_chans=bands, num_classes=0, depths=depths, embed_dims=widths, num_heads=HEADS, sr_ratios=REDUCTIONS,
        mlp_ratios=(4, 4, 4, 4), drop_path_rate=DROP_PATH,
    )  # fmt: skip
    features = FeatureListNet(network, out_indices=(0, 1, 2, 3), flatten_sequential=True)
    if pretrained:
        state = flattened(renamed(load_state_dict_from_hf(f"smp-hub/{name}.imagenet", filename="model.safetensors")))
        state[FIRST_LAYER] = adapt_input_conv(bands, state[FIRST_LAYER])
        features.load_state_dict({key: state[key] for key in features.state_dict()})
    return features


def flattened(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names as a feature extractor of timm has them, which lifts the stages out of their container."""
    return {name.replace("stages.", "stages_", 1): value for name, value in state.items()}


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a Mix Transformer under timm's names; takes its authors' names, transformers' and timm's own."""
    plain = {name.removeprefix("segformer."): value for name, value in state.items()}
    if any(name.startswith("encoder.patch_embeddings.") for name in plain):
        return _from_transformers(plain)
    with_joined = {name.removeprefix("encoder."): value for name, value in plain.items()}
    return checkpoint_filter_fn(with_joined, None)


def _from_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, value in state.items():
        if ".self.value." in name or not name.startswith("encoder."):
            continue  # values are joined to their keys; the rest is a decoder or a classifier
        is_key = ".self.key." in name
        key = name.replace("attention.self.key.", "attn.kv.")
        for pattern, new in _TRANSFORMERS_NAMES:
            key = re.sub(pattern, new, key)
        values = state[name.replace(".self.key.", ".self.value.")]
        found[key] = torch.cat([value, values]) if is_key else value
    return found
