"""Losses over logits `(batch, channels, height, width)` and targets `(batch, height, width)` of channel numbers.

Void is `VOID_CHANNEL` in every target and adds nothing to any loss or gradient.
"""

from segwright.models.losses.segmentation_loss import SegmentationLoss
from segwright.models.losses.terms import VOID_CHANNEL, cross_entropy, soft_dice

__all__ = ["VOID_CHANNEL", "SegmentationLoss", "cross_entropy", "soft_dice"]
