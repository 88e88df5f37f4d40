"""What can be chosen for YOLACT."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class YOLACTOptions:
    """The published network's values (`data/config.py: yolact_base_config`).

    anchor_sizes_px: the side of the square anchors of each pyramid level (1/8 to 1/128).
    aspect_ratios: width over height. The published network made all anchors square by accident; these are not.
    masks_to_train: masks an image that the mask loss looks at, drawn at random where more anchors have an object.
    """

    prototypes: int = 32
    anchor_sizes_px: tuple[float, ...] = (24, 48, 96, 192, 384)
    aspect_ratios: tuple[float, ...] = (1.0, 0.5, 2.0)
    box_weight: float = 1.5
    mask_weight: float = 6.125
    class_weight: float = 1.0
    semantic_weight: float = 1.0
    positive_iou: float = 0.5
    negative_iou: float = 0.4
    negatives_per_positive: int = 3
    masks_to_train: int = 100
    score_floor: float = 0.05
    suppression_iou: float = 0.5
    before_suppression: int = 400
