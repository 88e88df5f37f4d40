"""The dataset formats, one file each; the first in this order that recognises a folder reads it."""

from segwright.data.formats.ade20k import ADE20K, ADE20K_SCENES
from segwright.data.formats.binary_masks import BINARY_MASKS
from segwright.data.formats.cityscapes import CITYSCAPES
from segwright.data.formats.class_folders import CLASS_FOLDERS
from segwright.data.formats.coco_json import COCO_JSON
from segwright.data.formats.coco_panoptic import COCO_PANOPTIC
from segwright.data.formats.colour_png import COLOUR_PNG
from segwright.data.formats.cvat_xml import CVAT_XML
from segwright.data.formats.datumaro_json import DATUMARO_JSON
from segwright.data.formats.dicom_series import DICOM_SERIES
from segwright.data.formats.format import Format
from segwright.data.formats.geojson import GEOJSON
from segwright.data.formats.geotiff import GEOTIFF
from segwright.data.formats.image_folder import IMAGE_FOLDER
from segwright.data.formats.index_png import INDEX_PNG
from segwright.data.formats.instance_maps import INSTANCE_MAPS
from segwright.data.formats.label_studio import LABEL_STUDIO
from segwright.data.formats.labelme_json import LABELME_JSON
from segwright.data.formats.labelme_xml import LABELME_XML
from segwright.data.formats.mapillary import MAPILLARY
from segwright.data.formats.mat_masks import MAT_MASKS
from segwright.data.formats.nifti_pairs import NIFTI_PAIRS
from segwright.data.formats.nnunet_raw import NNUNET_RAW
from segwright.data.formats.object_files import OBJECT_FILES
from segwright.data.formats.open_images import OPEN_IMAGES
from segwright.data.formats.parquet_images import PARQUET_IMAGES
from segwright.data.formats.supervisely import SUPERVISELY
from segwright.data.formats.via import VIA
from segwright.data.formats.voc import CVAT_MASKS, VOC_FORMAT
from segwright.data.formats.vott_json import VOTT_JSON
from segwright.data.formats.yolo_masks import YOLO_MASKS
from segwright.data.formats.yolo_seg import YOLO_SEG

FORMATS: dict[str, Format] = {
    "mapillary": MAPILLARY,
    "open_images": OPEN_IMAGES,
    "ade20k": ADE20K,
    "ade20k_scenes": ADE20K_SCENES,
    "geojson": GEOJSON,
    "coco_panoptic": COCO_PANOPTIC,
    "coco_json": COCO_JSON,
    "cvat_xml": CVAT_XML,
    "datumaro_json": DATUMARO_JSON,
    "supervisely": SUPERVISELY,
    "label_studio": LABEL_STUDIO,
    "via": VIA,
    "vott_json": VOTT_JSON,
    "labelme_json": LABELME_JSON,
    "labelme_xml": LABELME_XML,
    "cityscapes": CITYSCAPES,
    "cvat_masks": CVAT_MASKS,
    "voc": VOC_FORMAT,
    "parquet_images": PARQUET_IMAGES,
    "image_folder": IMAGE_FOLDER,
    "nnunet_raw": NNUNET_RAW,
    "nifti_pairs": NIFTI_PAIRS,
    "dicom_series": DICOM_SERIES,
    "mat_masks": MAT_MASKS,
    "geotiff": GEOTIFF,
    "yolo_masks": YOLO_MASKS,
    "yolo_seg": YOLO_SEG,
    "object_files": OBJECT_FILES,
    "instance_maps": INSTANCE_MAPS,
    "binary_masks": BINARY_MASKS,
    "class_folders": CLASS_FOLDERS,
    "colour_png": COLOUR_PNG,
    "index_png": INDEX_PNG,
}

__all__ = ["FORMATS", "Format"]
