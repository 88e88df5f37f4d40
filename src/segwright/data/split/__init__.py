"""Which frames train and which are held out: groups whole, in a readable file, checked before use."""

from segwright.data.split.adopt import SplitCheck, adopt_split, check_split
from segwright.data.split.check import foreign_frames, verify_split
from segwright.data.split.divide import make_split
from segwright.data.split.file import folds_to_json, read_folds, read_split, split_to_json, write_split
from segwright.data.split.folds import make_folds
from segwright.data.split.grouping import Grouping
from segwright.data.split.nearness import near_facts
from segwright.data.split.value import PARTS, PartCounts, Split

__all__ = [
    "PARTS",
    "Grouping",
    "PartCounts",
    "Split",
    "SplitCheck",
    "adopt_split",
    "check_split",
    "folds_to_json",
    "foreign_frames",
    "make_folds",
    "make_split",
    "near_facts",
    "read_folds",
    "read_split",
    "split_to_json",
    "verify_split",
    "write_split",
]
