"""Reading labelled frames as they come, describing them, and dividing them by domain."""

from segwright.data.checking import LabelSample, check, sample_labels
from segwright.data.class_files import read_class_file
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
from segwright.data.divide import make_split
from segwright.data.fingerprint import ClassFingerprint, Fingerprint, fingerprint
from segwright.data.formats import FORMATS
from segwright.data.masks import BinaryMask, EmptyMask, IndexMask, MaskSource
from segwright.data.opening import DataSettings, open_dataset, open_with_settings
from segwright.data.regions import Regions, regions_of
from segwright.data.shapes import ShapeMask
from segwright.data.split import PARTS, PartCounts, Split, read_split, verify_split, write_split
from segwright.data.stats import Finding, Statistics, findings_of, statistics

__all__ = [
    "FORMATS",
    "PARTS",
    "BinaryMask",
    "ClassFingerprint",
    "DataSettings",
    "Dataset",
    "EmptyMask",
    "Finding",
    "Fingerprint",
    "Frame",
    "FrameShape",
    "IndexMask",
    "LabelSample",
    "LabelledFrame",
    "MaskSource",
    "PartCounts",
    "Regions",
    "ShapeMask",
    "Split",
    "Statistics",
    "check",
    "columns_from_csv",
    "columns_from_folder",
    "columns_from_pattern",
    "findings_of",
    "fingerprint",
    "image_size",
    "make_split",
    "open_dataset",
    "open_with_settings",
    "read_class_file",
    "read_image",
    "read_label_map",
    "read_split",
    "regions_of",
    "sample_labels",
    "statistics",
    "verify_split",
    "write_image",
    "write_label_map",
    "write_split",
]
