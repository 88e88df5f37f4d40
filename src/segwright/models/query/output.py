"""What a query network says: for each query a class, or none, and a mask; and the semantic answer made of that."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

LEAST = 1e-30  # a class that no query claims has this sum, not 0, whose logarithm would be infinite


class QueryOutput(NamedTuple):
    """Answers of all queries, not decided yet. A tuple, in which torch's forms of many processes find the tensors.

    Attributes:
        class_logits: (batch, queries, channels + 1); the last one is "no object".
        mask_logits: (batch, queries, height, width) at the network's own resolution, usually a quarter of the frame's.
        auxiliary: what earlier decoder layers said, first layer first, without auxiliary answers of their own. Filled
            in training mode only.
    """

    class_logits: Tensor
    mask_logits: Tensor
    auxiliary: tuple[QueryOutput, ...] = ()


def semantic_logits(output: QueryOutput, height: int, width: int) -> Tensor:
    """Logits (batch, channels, height, width), float32: the logarithm of each class's sum of query masks.

    A query's mask, enlarged as logits and then made a probability, counts for a class by the query's probability of
    that class. Softmax over the channels gives these sums divided by their total.

    Lost: the total itself (how sure all queries together are that there is anything), and which query claimed a pixel.

    Source: Cheng et al. 2021 (MaskFormer), section 3.4, "Semantic inference".
    """
    masks = F.interpolate(output.mask_logits.float(), size=(height, width), mode="bilinear", align_corners=False)
    shares = output.class_logits.float().softmax(-1)[..., :-1]
    # products in float32 whatever autocast says: bfloat16 has 3 digits, and many masks are summed
    if torch.is_autocast_enabled(masks.device.type):
        with torch.autocast(masks.device.type, enabled=False):
            return _log_of_sums(shares, masks.sigmoid())
    return _log_of_sums(shares, masks.sigmoid())


def _log_of_sums(shares: Tensor, masks: Tensor) -> Tensor:
    return torch.einsum("bqc,bqhw->bchw", shares, masks).clamp(min=LEAST).log()
