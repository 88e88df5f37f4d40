"""Every shared set, opened without a word: the right format reads it, or the message says what to type."""

from __future__ import annotations

from pathlib import Path

import pytest

from segwright.core import SegwrightError
from segwright.data import FORMATS, open_dataset
from segwright.data.listing import list_files

SETS = {
    "defect_magnetic_tile": "class_folders",
    "defect_crackforest": "mat_masks",
    "semantic_camvid": "index_png",
    "medical_cvc_clinicdb": "index_png",
    "medical_isbi2012": "index_png",
    "medical_drive": "binary_masks",
    "medical_hippocampus": "nifti_pairs",
    "medical_dicom": "dicom_series",
    "instance_coco_mini": "coco_json",
    "instance_dsb2018": "object_files",
    "panoptic_coco_sample/sample_data": "coco_panoptic",
    "video_davis2016": "index_png",
    "formats_labelme/semantic_segmentation/data_dataset_voc": "voc",
    "formats_labelme/instance_segmentation/data_dataset_voc": "voc",
    "formats_datumaro/voc_dataset/voc_dataset1": "voc",
    "formats_datumaro/camvid_dataset": "colour_png",
    "formats_datumaro/cityscapes_dataset/dataset": "cityscapes",
    "formats_datumaro/kitti_dataset/kitti_segmentation": "instance_maps",
    "formats_datumaro/mots_dataset": "instance_maps",
    "formats_datumaro/mapillary_vistas_dataset/v2.0": "mapillary",
    "formats_datumaro/ade20k2017_dataset/dataset": "ade20k",
    "formats_datumaro/ade20k2020_dataset/dataset": "ade20k",
    "formats_datumaro/open_images_dataset/v6": "open_images",
    "formats_datumaro/coco_dataset/coco_panoptic": "coco_panoptic",
    "formats_datumaro/coco_dataset/coco_instances": "coco_json",
}


@pytest.mark.parametrize("folder", SETS)
def test_recognise__shared_sets(shared_data: Path, folder: str) -> None:
    listing = list_files(shared_data / folder)
    recognised = next(name for name, form in FORMATS.items() if form.recognise(listing) is not None)
    assert recognised == SETS[folder]


@pytest.mark.parametrize("folder", SETS)
def test_open__what_cannot_be_opened_says_what_to_type(shared_data: Path, folder: str) -> None:
    problems = ()
    try:
        dataset = open_dataset(shared_data / folder)
    except SegwrightError as error:
        problems = error.problems
    else:
        assert len(dataset) > 0
        assert dataset.format == SETS[folder]
    assert all(problem.fix and problem.found and problem.allowed for problem in problems)


@pytest.mark.parametrize("name", FORMATS)
def test_format__of_an_empty_folder(tmp_path: Path, name: str) -> None:
    assert FORMATS[name].recognise(list_files(tmp_path)) is None
    with pytest.raises(SegwrightError, match="fix:") as caught:
        open_dataset(tmp_path, format=name)
    assert all(problem.fix and problem.place for problem in caught.value.problems)
