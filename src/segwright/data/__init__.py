"""Reading labelled frames as they come, describing them, and dividing them by domain."""

from segwright.data.codecs import (
    FrameShape,
    image_size,
    read_image,
    read_label_map,
    write_image,
    write_label_map,
)
from segwright.data.columns import columns_from_csv, columns_from_folder, columns_from_pattern
from segwright.data.dataset import Dataset, Frame, LabelledFrame
from segwright.data.formats import FORMATS
from segwright.data.masks import BinaryMask, EmptyMask, IndexMask, MaskSource
from segwright.data.opening import open_dataset

__all__ = [
    "FORMATS",
    "BinaryMask",
    "Dataset",
    "EmptyMask",
    "Frame",
    "FrameShape",
    "IndexMask",
    "LabelledFrame",
    "MaskSource",
    "columns_from_csv",
    "columns_from_folder",
    "columns_from_pattern",
    "image_size",
    "open_dataset",
    "read_image",
    "read_label_map",
    "write_image",
    "write_label_map",
]
