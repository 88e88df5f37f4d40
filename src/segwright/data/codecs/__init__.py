"""Image and mask files: the only room that knows BGR, EXIF, palettes and CMYK."""

from segwright.data.codecs.header import SUFFIXES, ImageHeader
from segwright.data.codecs.labels import FrameShape, MaskOrientation, read_label_map
from segwright.data.codecs.reading import decode_image, image_size, read_header, read_image, read_with_header
from segwright.data.codecs.writing import bands_written, encode_image, encode_tiff, write_image, write_label_map

__all__ = [
    "SUFFIXES",
    "FrameShape",
    "ImageHeader",
    "MaskOrientation",
    "bands_written",
    "decode_image",
    "encode_image",
    "encode_tiff",
    "image_size",
    "read_header",
    "read_image",
    "read_label_map",
    "read_with_header",
    "write_image",
    "write_label_map",
]
