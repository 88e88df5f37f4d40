"""Panoptic PNG files: segment ids in the colour bands of COCO, and the four bands of a BDD100K bitmask."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from segwright.data.codecs.header import REPLACE, ImageHeader, RefusedError, check_limit
from segwright.data.codecs.reading import decoded, file_bytes, header_of

_COLOUR_BANDS = np.uint32(0x00FFFFFF)


def read_segment_ids(path: Path | str) -> npt.NDArray[np.uint32]:
    """Segment ids (height, width), uint32, of a COCO panoptic PNG: id = R + 256 G + 65,536 B; 0 is void.

    The file is 8-bit RGB; an alpha band is left out. Nothing is turned or resized.

    Source: `rgb2id` of cocodataset/panopticapi, utils.py.

    Raises:
        DataError: missing, damaged, too large, or not 8-bit colour.
    """
    try:
        data, header = _opened(path, ("rgb", "rgba"), "a PNG of 8-bit RGB, id = R + 256 G + 65,536 B")
        ids = _little_endian(cv2.cvtColor(decoded(data, header), cv2.COLOR_RGB2RGBA))
    except RefusedError as refusal:
        raise refusal.at(str(path)) from refusal
    ids &= _COLOUR_BANDS
    return ids


def read_bitmask(path: Path | str) -> npt.NDArray[np.uint32]:
    """The bands of a BDD100K bitmask PNG (height, width), uint32: R + 256 G + 65,536 B + 16,777,216 A.

    R is the class, G the attributes, and B and A the instance id (256 B + A). Nothing is turned or resized.

    Source: `set_instance_color` of bdd100k/bdd100k, label/to_mask.py.

    Raises:
        DataError: missing, damaged, too large, or not 8-bit RGBA.
    """
    try:
        data, _ = _opened(path, ("rgba",), "a PNG of 8-bit RGBA: class, attributes, instance id")
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None:
            raise RefusedError("cannot be decoded", allowed="a whole PNG", found="damaged pixel data", fix=REPLACE)
        return _little_endian(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA))
    except RefusedError as refusal:
        raise refusal.at(str(path)) from refusal


def _opened(path: Path | str, colours: tuple[str, ...], allowed: str) -> tuple[bytes, ImageHeader]:
    data = file_bytes(path)
    header = header_of(data)
    check_limit(header)
    if header.format != "PNG" or header.colour not in colours or header.bits != 8:
        found = f"{header.format}, {header.colour}, {header.bits} bits a band"
        fix = "export the panoptic maps again as they are, without a palette or another compression"
        raise RefusedError("is no panoptic map", allowed=allowed, found=found, fix=fix)
    return data, header


def _little_endian(rgba: npt.NDArray) -> npt.NDArray[np.uint32]:
    """Four bytes a pixel as one number, the first byte its lowest."""
    return rgba.view("<u4")[..., 0].astype(np.uint32, copy=False)
