"""Every public set beside the checkout is taken for what it is; no format of shapes fires on the folder of another."""

from __future__ import annotations

from pathlib import Path

import pytest

from segwright.data import FORMATS
from segwright.data.listing import list_files

SHAPES = {
    "coco_json", "cvat_xml", "datumaro_json", "geojson", "label_studio", "labelme_json", "labelme_xml", "supervisely",
    "via", "vott_json", "yolo_masks", "yolo_seg",
}  # fmt: skip
OURS = {
    "formats_datumaro/coco_dataset/coco_instances": "coco_json",
    "formats_datumaro/cvat_dataset/for_images": "cvat_xml",
    "formats_datumaro/datumaro_dataset/diverse": "datumaro_json",
    "formats_datumaro/labelme_dataset": "labelme_xml",
    "formats_datumaro/yolo_dataset/yolov8_segmentation": "yolo_seg",
    "formats_datumaro/vott_json_dataset/dataset": "vott_json",
    "formats_labelme/instance_segmentation/data_annotated": "labelme_json",
    "formats_labelme/instance_segmentation/data_dataset_coco": "coco_json",
    "formats_labelme/primitives": "labelme_json",
    "formats_labelme/semantic_segmentation/data_annotated": "labelme_json",
    "instance_coco_mini": "coco_json",
    "remote_spacenet_sample": "geojson",
}
OTHERS = (
    "defect_crackforest", "defect_magnetic_tile", "formats_datumaro/ade20k2017_dataset/dataset",
    "formats_datumaro/ade20k2020_dataset/dataset", "formats_datumaro/camvid_dataset",
    "formats_datumaro/cityscapes_dataset/dataset", "formats_datumaro/common_semantic_segmentation_dataset/dataset",
    "formats_datumaro/kitti_dataset/kitti_segmentation", "formats_datumaro/mapillary_vistas_dataset/v1.2",
    "formats_datumaro/mots_dataset/train", "formats_datumaro/mpii_json_dataset/dataset_wo_numpy_files",
    "formats_datumaro/open_images_dataset/v6", "formats_datumaro/sly_pointcloud_dataset",
    "formats_datumaro/voc_dataset/voc_dataset1", "formats_datumaro/voc_dataset/voc_dataset2",
    "formats_datumaro/vott_csv_dataset/dataset",
    "formats_datumaro/widerface_dataset", "formats_datumaro/yolo_dataset/yolov8_pose", "instance_dsb2018",
    "medical_cvc_clinicdb", "medical_drive", "medical_hippocampus", "medical_isbi2012", "metric_bdd100k",
    "semantic_camvid", "video_davis2016",
)  # fmt: skip


def _first(folder: Path) -> str | None:
    listing = list_files(folder)
    return next((name for name, form in FORMATS.items() if form.recognise(listing) is not None), None)


@pytest.mark.parametrize(("folder", "name"), OURS.items())
def test_recognise__a_set_is_taken_for_what_it_is(shared_data: Path, folder: str, name: str) -> None:
    assert _first(shared_data / folder) == name


@pytest.mark.parametrize("folder", OTHERS)
def test_recognise__no_format_of_shapes_takes_another_set(shared_data: Path, folder: str) -> None:
    assert _first(shared_data / folder) not in SHAPES
