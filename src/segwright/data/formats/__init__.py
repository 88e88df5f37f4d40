"""The dataset formats, one file each; the first in this order that recognises a folder reads it."""

from segwright.data.formats.class_folders import CLASS_FOLDERS
from segwright.data.formats.coco_json import COCO_JSON
from segwright.data.formats.cvat_xml import CVAT_XML
from segwright.data.formats.datumaro_json import DATUMARO_JSON
from segwright.data.formats.format import Format
from segwright.data.formats.geojson import GEOJSON
from segwright.data.formats.index_png import INDEX_PNG
from segwright.data.formats.label_studio import LABEL_STUDIO
from segwright.data.formats.labelme_json import LABELME_JSON
from segwright.data.formats.labelme_xml import LABELME_XML
from segwright.data.formats.supervisely import SUPERVISELY
from segwright.data.formats.via import VIA
from segwright.data.formats.vott_json import VOTT_JSON
from segwright.data.formats.yolo_masks import YOLO_MASKS
from segwright.data.formats.yolo_seg import YOLO_SEG

FORMATS: dict[str, Format] = {
    "geojson": GEOJSON,
    "coco_json": COCO_JSON,
    "cvat_xml": CVAT_XML,
    "datumaro_json": DATUMARO_JSON,
    "supervisely": SUPERVISELY,
    "label_studio": LABEL_STUDIO,
    "via": VIA,
    "vott_json": VOTT_JSON,
    "labelme_json": LABELME_JSON,
    "labelme_xml": LABELME_XML,
    "yolo_masks": YOLO_MASKS,
    "yolo_seg": YOLO_SEG,
    "class_folders": CLASS_FOLDERS,
    "index_png": INDEX_PNG,
}

__all__ = ["FORMATS", "Format"]
