"""The dataset formats, one file each; the first in this order that recognises a folder reads it."""

from segwright.data.formats.class_folders import CLASS_FOLDERS
from segwright.data.formats.format import Format
from segwright.data.formats.index_png import INDEX_PNG

FORMATS: dict[str, Format] = {
    "class_folders": CLASS_FOLDERS,
    "index_png": INDEX_PNG,
}

__all__ = ["FORMATS", "Format"]
