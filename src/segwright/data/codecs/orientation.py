"""EXIF orientation: the eight ways a camera may have stored an upright scene."""

from __future__ import annotations

import struct
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

_TURNS: dict[int, Callable[[npt.NDArray], npt.NDArray]] = {
    1: lambda pixels: pixels,
    2: lambda pixels: cv2.flip(pixels, 1),
    3: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_180),
    4: lambda pixels: cv2.flip(pixels, 0),
    5: cv2.transpose,
    6: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE),
    7: lambda pixels: cv2.rotate(cv2.transpose(pixels), cv2.ROTATE_180),
    8: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE),
}
_TAG = 0x0112


def turned_upright(pixels: npt.NDArray, orientation: int) -> npt.NDArray:
    """Stored pixels (height, width) or (height, width, bands) as the photographer saw them; values are untouched.

    Source: EXIF 2.32, tag 0x0112.
    """
    if orientation == 1:
        return pixels
    if pixels.ndim == 3 and pixels.shape[2] > 4:  # OpenCV turns at most four bands at a time
        bands = [
            turned_upright(np.ascontiguousarray(pixels[..., band]), orientation) for band in range(pixels.shape[2])
        ]
        return np.stack(bands, axis=2)
    turned = _TURNS[orientation](np.ascontiguousarray(pixels))
    return turned[..., None] if turned.ndim < pixels.ndim else turned


def exif_orientation(exif: bytes) -> int:
    """The orientation 1-8 in a block of EXIF bytes (a TIFF header, with or without `Exif\\0\\0`); 1 where none is said.

    A damaged block says nothing: cameras and editors write many, and the pixels beside them are fine.
    """
    block = exif.removeprefix(b"Exif\x00\x00")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, start)
        for entry in range(count):
            tag, _kind, _number, value = struct.unpack_from(order + "HHIH", block, start + 2 + 12 * entry)
            if tag == _TAG:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
