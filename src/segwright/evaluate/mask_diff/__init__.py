"""What changed between two sets of labels of the same frames: two versions, two annotators, a model and a person."""

from segwright.evaluate.mask_diff.datasets import DatasetDiff, FrameChange, diff_datasets
from segwright.evaluate.mask_diff.frame import ClassDiff, MaskDiff, diff_masks
from segwright.evaluate.mask_diff.page import write_diff_page

__all__ = ["ClassDiff", "DatasetDiff", "FrameChange", "MaskDiff", "diff_datasets", "diff_masks", "write_diff_page"]
