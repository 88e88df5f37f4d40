"""Parts of transformers' Mask2Former written so that an exported network reads frames of any size.

An ONNX file of theirs remembers position codes, places and offset scales of the size it was traced with. They are the
same numbers here, computed from the size of the frame at hand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TEMPERATURE = 10000.0
EPSILON = 1e-6


class SinePositions(nn.Module):
    """Codes (batch, 2 * features, height, width) of rows and columns, each scaled to the frame's own size.

    Source: Carion et al. 2020 (DETR), with normalised positions, as Mask2Former has them.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def forward(self, shape: Sequence[int], device: torch.device, dtype: torch.dtype, *_: None) -> Tensor:
        batch, height, width = shape[0], shape[2], shape[3]
        rows, columns = (self._codes(length, device) for length in (height, width))
        down = rows.T[:, :, None].expand(-1, height, width)
        across = columns.T[:, None, :].expand(-1, height, width)
        return torch.cat([down, across]).to(dtype).expand(batch, -1, -1, -1)

    def _codes(self, length: int, device: torch.device) -> Tensor:
        """Codes (length, features) of the positions 1..length over the length."""
        at = torch.arange(1, length + 1, device=device, dtype=torch.float32)
        at = at / (at[-1:] + EPSILON) * (2 * math.pi)
        exponents = torch.arange(self.features // 2, device=device, dtype=torch.float32) * 2 / self.features
        waves = at[:, None] / TEMPERATURE ** exponents[None]
        return torch.stack([waves.sin(), waves.cos()], dim=2).flatten(1)


def places_of_levels(shapes: Sequence[tuple[int, int]], valid_ratios: Tensor, device: torch.device) -> Tensor:
    """Centres (batch, places, levels, 2) of all places of all levels, column before row, 0..1 of the frame.

    They are the same on each level: frames are not padded here, so `valid_ratios` (batch, levels, 2) are all 1.
    """
    centres = []
    for height, width in shapes:
        rows = (torch.arange(height, device=device, dtype=torch.float32) + 0.5) / height
        columns = (torch.arange(width, device=device, dtype=torch.float32) + 0.5) / width
        at = torch.stack([columns[None, :].expand(height, width), rows[:, None].expand(height, width)], dim=-1)
        centres.append(at.reshape(height * width, 2))
    every = torch.cat(centres).to(valid_ratios.dtype)
    return every[None, :, None, :].expand(valid_ratios.shape[0], -1, len(shapes), -1)


class DeformableAttention(nn.Module):
    """Attention of each place to a few sampled places of each level; it takes over another's layers with their weights.

    Source: Zhu et al. 2021 (Deformable DETR), equation 3.
    """

    def __init__(self, like: Any) -> None:
        super().__init__()
        self.heads, self.levels, self.samples = like.n_heads, like.n_levels, like.n_points
        self.sampling_offsets: nn.Module = like.sampling_offsets
        self.attention_weights: nn.Module = like.attention_weights
        self.value_proj: nn.Module = like.value_proj
        self.output_proj: nn.Module = like.output_proj

    def forward(
        self,
        hidden_states: Tensor,
        *,
        encoder_hidden_states: Tensor,
        position_embeddings: Tensor,
        reference_points: Tensor,
        spatial_shapes_list: Sequence[tuple[int, int]],
        **_: Any,
    ) -> tuple[Tensor, Tensor]:
        asking = hidden_states + position_embeddings
        batch, places = asking.shape[0], asking.shape[1]
        offsets = self.sampling_offsets(asking).view(batch, places, self.heads, self.levels, self.samples, 2)
        weights = self.attention_weights(asking).view(batch, places, self.heads, -1).softmax(-1)
        values = self.value_proj(encoder_hidden_states)
        sampled, start = [], 0
        for level, (height, width) in enumerate(spatial_shapes_list):
            end = start + height * width
            grid = values[:, start:end].transpose(1, 2).reshape(batch * self.heads, -1, height, width)
            scaled = torch.stack(
                [offsets[:, :, :, level, :, 0] / width, offsets[:, :, :, level, :, 1] / height], dim=-1
            )
            at = 2 * (reference_points[:, :, None, level, None, :] + scaled) - 1
            at = at.transpose(1, 2).flatten(0, 1)
            sampled.append(F.grid_sample(grid, at, mode="bilinear", padding_mode="zeros", align_corners=False))
            start = end
        # (batch * heads, width of a head, places, levels * samples)
        answers = torch.cat(sampled, dim=-1)
        answers = (answers * weights.transpose(1, 2).flatten(0, 1).unsqueeze(1)).sum(-1)
        return self.output_proj(answers.reshape(batch, -1, places).transpose(1, 2)), weights
