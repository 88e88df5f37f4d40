"""What can be chosen for Mask R-CNN."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MaskRCNNOptions:
    """torchvision's values where it has them (`torchvision.models.detection.MaskRCNN`).

    anchor_sizes_px: the side of the anchors of each pyramid level (1/4 to 1/64); aspect_ratios: height over width.
    mask_size: cells a side of a mask in its box, 28 or 56: a 56 keeps objects that are thin against their box.
    refinements: 0, or how often a mask is doubled with its least certain points decided anew (PointRend).
    proposals: regions that are looked at in a frame, after suppression; proposals_a_level: what enters it, and at most
        twice `proposals`. Training looks at twice as many of both, as torchvision does.
    """

    anchor_sizes_px: tuple[float, ...] = (32, 64, 128, 256, 512)
    aspect_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    mask_size: int = 28
    refinements: int = 0
    points: int = 784
    proposals: int = 500
    proposals_a_level: int = 1000
    proposal_iou: float = 0.7
    head_width: int = 1024
    score_floor: float = 0.05
    suppression_iou: float = 0.5
    before_suppression: int = 400
    anchors_to_train: int = 256
    regions_to_train: int = 512
