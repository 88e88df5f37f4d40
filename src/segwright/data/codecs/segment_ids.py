"""Panoptic PNG files: segment ids in the colour bands of COCO, and the four bands of a BDD100K bitmask."""

from __future__ import annotations

from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import numpy.typing as npt

from segwright.data.codecs.header import REPLACE, RefusedError, check_limit
from segwright.data.codecs.reading import file_bytes, header_of

_COLOUR_BANDS = np.uint32(0x00FFFFFF)


def read_segment_ids(path: Path | str) -> npt.NDArray[np.uint32]:
    """Segment ids (height, width), uint32, of a COCO panoptic PNG: id = R + 256 G + 65,536 B; 0 is void.

    The file is 8-bit RGB; an alpha band is left out. Nothing is turned or resized.

    Source: `rgb2id` of cocodataset/panopticapi, utils.py.

    Raises:
        DataError: missing, damaged, too large, or not 8-bit colour.
    """
    pixels = _pixels(path, ("rgb", "rgba"), "a PNG of 8-bit RGB, id = R + 256 G + 65,536 B")
    ids = _little_endian(pixels if pixels.shape[2] == 4 else _with_alpha(pixels))
    ids &= _COLOUR_BANDS
    return ids


def read_bitmask(path: Path | str) -> npt.NDArray[np.uint32]:
    """The bands of a BDD100K bitmask PNG (height, width), uint32: R + 256 G + 65,536 B + 16,777,216 A.

    R is the class, G the attributes, and B and A the instance id (256 B + A). Nothing is turned or resized.

    Source: `set_instance_color` of bdd100k/bdd100k, label/to_mask.py.

    Raises:
        DataError: missing, damaged, too large, or not 8-bit RGBA.
    """
    return _little_endian(_pixels(path, ("rgba",), "a PNG of 8-bit RGBA: class, attributes, instance id"))


def _pixels(path: Path | str, colours: tuple[str, ...], allowed: str) -> npt.NDArray[np.uint8]:
    """The bands (height, width, 3 or 4) as stored; a transparent colour makes a fourth."""
    try:
        data = file_bytes(path)
        header = header_of(data)
        check_limit(header)
        if header.format != "PNG" or header.colour not in colours or header.bits != 8:
            found = f"{header.format}, {header.colour}, {header.bits} bits a band"
            fix = "export the panoptic maps again as they are, without a palette or another compression"
            raise RefusedError("is no panoptic map", allowed=allowed, found=found, fix=fix)
        try:
            return imagecodecs.png_decode(data)  # a fifth faster than OpenCV's, and never silent about damage
        except imagecodecs.PngError as error:
            raise RefusedError("cannot be decoded", allowed="a whole PNG", found=str(error), fix=REPLACE) from error
    except RefusedError as refusal:
        raise refusal.at(str(path)) from refusal


def _with_alpha(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    rgba = np.empty((*rgb.shape[:2], 4), np.uint8)
    cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA, dst=rgba)
    return rgba


def _little_endian(rgba: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """Four bytes a pixel as one number, the first byte its lowest."""
    return rgba.view("<u4")[..., 0].astype(np.uint32, copy=False)
