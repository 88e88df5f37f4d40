"""Losses over logits `(batch, channels, height, width)` and targets `(batch, height, width)` of channel numbers.

One file a family. Void is `VOID_CHANNEL` in every target and adds nothing to any loss or gradient; an absent class
gives no term (`target.py`). Terms are functions of log-probabilities, so that any sum of them needs one softmax.
"""

from segwright.models.losses.boundary import boundary
from segwright.models.losses.cldice import soft_cldice
from segwright.models.losses.cross_entropy import cross_entropy
from segwright.models.losses.deep_supervision import DeepSupervision
from segwright.models.losses.dice import generalised_dice, soft_dice
from segwright.models.losses.focal import focal
from segwright.models.losses.hausdorff import hausdorff
from segwright.models.losses.lovasz import lovasz_hinge, lovasz_softmax
from segwright.models.losses.segmentation_loss import CLASS_TERMS, PIXEL_TERMS, SegmentationLoss
from segwright.models.losses.target import VOID_CHANNEL
from segwright.models.losses.tversky import focal_tversky, tversky

__all__ = [
    "CLASS_TERMS",
    "PIXEL_TERMS",
    "VOID_CHANNEL",
    "DeepSupervision",
    "SegmentationLoss",
    "boundary",
    "cross_entropy",
    "focal",
    "focal_tversky",
    "generalised_dice",
    "hausdorff",
    "lovasz_hinge",
    "lovasz_softmax",
    "soft_cldice",
    "soft_dice",
    "tversky",
]
