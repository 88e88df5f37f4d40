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
from segwright.data.components import instances_from_label_map, panoptic_from_label_map
from segwright.data.dataset import Dataset, Frame, LabelledFrame
from segwright.data.exporting import Exported, export_dataset
from segwright.data.fingerprint import ClassFingerprint, Fingerprint, fingerprint
from segwright.data.formats import FORMATS
from segwright.data.images import ImageFile, ImageSource
from segwright.data.masks import BinaryMask, EmptyMask, IndexMask, InstanceSource, MaskSource, PanopticSource
from segwright.data.opening import DataSettings, open_dataset, open_with_settings, with_recorded_columns
from segwright.data.recorded_columns import columns_from_dicom, columns_from_exif
from segwright.data.regions import Regions, measured_regions
from segwright.data.shapes import ShapeMask
from segwright.data.split import (
    PARTS,
    Grouping,
    PartCounts,
    Split,
    adopt_split,
    check_split,
    make_folds,
    make_split,
    near_facts,
    read_folds,
    read_split,
    verify_split,
    write_split,
)
from segwright.data.stats import Finding, Statistics, findings_of, statistics

__all__ = [
    "FORMATS",
    "PARTS",
    "BinaryMask",
    "ClassFingerprint",
    "DataSettings",
    "Dataset",
    "EmptyMask",
    "Exported",
    "Finding",
    "Fingerprint",
    "Frame",
    "FrameShape",
    "Grouping",
    "ImageFile",
    "ImageSource",
    "IndexMask",
    "InstanceSource",
    "LabelSample",
    "LabelledFrame",
    "MaskSource",
    "PanopticSource",
    "PartCounts",
    "Regions",
    "ShapeMask",
    "Split",
    "Statistics",
    "adopt_split",
    "check",
    "check_split",
    "columns_from_csv",
    "columns_from_dicom",
    "columns_from_exif",
    "columns_from_folder",
    "columns_from_pattern",
    "export_dataset",
    "findings_of",
    "fingerprint",
    "image_size",
    "instances_from_label_map",
    "make_folds",
    "make_split",
    "measured_regions",
    "near_facts",
    "open_dataset",
    "open_with_settings",
    "panoptic_from_label_map",
    "read_class_file",
    "read_folds",
    "read_image",
    "read_label_map",
    "read_split",
    "sample_labels",
    "statistics",
    "verify_split",
    "with_recorded_columns",
    "write_image",
    "write_label_map",
    "write_split",
]
