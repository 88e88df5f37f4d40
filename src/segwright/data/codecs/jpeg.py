"""JPEG: header and pixels."""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
import numpy.typing as npt
from PIL import JpegImagePlugin

from segwright.data.codecs.header import REPLACE, Colour, ImageHeader, RefusedError, size_of
from segwright.data.codecs.orientation import exif_orientation

SIGNATURE = b"\xff\xd8\xff"
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _END_OF_IMAGE, _APP1 = 0xDA, 0xD9, 0xE1
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_COLOURS: dict[int, Colour] = {1: "grey", 3: "rgb", 4: "cmyk"}


def header(data: bytes) -> ImageHeader:
    """Read the frame header and the EXIF orientation, and find the end marker that a truncated file lacks.

    Source: ITU-T T.81, annex B.
    """
    frame, orientation, at = None, 1, 2
    while True:
        if at + 4 > len(data):
            raise _truncated(data)
        marker = data[at + 1]
        if data[at] != 0xFF:
            raise RefusedError("has a damaged JPEG header", found=f"byte {data[at]:#04x} at {at}", fix=REPLACE)
        if marker in _ALONE or marker == 0xFF:
            at += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in _FRAME_MARKERS:
            frame = data[at + 4 : at + 2 + length]
        elif marker == _APP1 and data[at + 4 : at + 8] == b"Exif":
            orientation = exif_orientation(bytes(data[at + 4 : at + 2 + length]))
        elif marker == _START_OF_SCAN:
            break
        at += 2 + length
    # inside a scan 0xFF is always followed by 0, so the end marker cannot appear by chance
    if data.rfind(b"\xff\xd9", at) < 0:
        raise _truncated(data)
    return _from_frame(frame, orientation)


def _from_frame(frame: bytes | None, orientation: int) -> ImageHeader:
    if frame is None or len(frame) < 6:
        raise RefusedError("has a JPEG scan without a frame header", fix=REPLACE)
    bits, height, width, components = struct.unpack_from(">BHHB", frame)
    if components not in _COLOURS:
        raise RefusedError(
            "has an unusual number of JPEG components",
            allowed="1, 3 or 4",
            found=str(components),
            fix="save it as grey or RGB, as JPEG or PNG",
        )
    return ImageHeader("JPEG", size_of(height, width), _COLOURS[components], bits, orientation, lossy=True)


def _truncated(data: bytes) -> RefusedError:
    return RefusedError(
        "is truncated", allowed="a JPEG that ends with its end marker", found=f"{len(data)} bytes", fix=REPLACE
    )


def decode(data: bytes, header: ImageHeader) -> npt.NDArray:
    """Stored pixels: (height, width) for grey, (height, width, 3) RGB for RGB, YCbCr, CMYK and YCCK files."""
    if header.colour == "cmyk":
        return np.array(JpegImagePlugin.JpegImageFile(io.BytesIO(data)).convert("RGB"))
    flags = cv2.IMREAD_GRAYSCALE if header.colour == "grey" else cv2.IMREAD_COLOR_RGB
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        found = f"{header.bits} bits a sample" if header.bits != 8 else "damaged pixel data"
        raise RefusedError("cannot be decoded", allowed="a whole JPEG of 8 bits a sample", found=found, fix=REPLACE)
    return pixels
