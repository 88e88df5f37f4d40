"""PNG: header, pixels, and the raw index values a mask needs."""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
import numpy.typing as npt
from PIL import PngImagePlugin

from segwright.data.codecs import png_rows
from segwright.data.codecs.header import REPLACE, Colour, ImageHeader, RefusedError, size_of
from segwright.data.codecs.orientation import exif_orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS: dict[int, Colour] = {0: "grey", 2: "rgb", 3: "palette", 4: "grey_alpha", 6: "rgba"}
_FLAGS = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION


def header(data: bytes) -> ImageHeader:
    """Read IHDR, eXIf and acTL; the walk over all chunks also proves that the file is whole.

    Source: PNG specification, third edition, section 5.3.
    """
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise RefusedError("ends inside its header", found=f"{len(data)} bytes", fix=REPLACE)
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    if colour not in _COLOURS:
        raise RefusedError("has an impossible PNG colour type", allowed="0, 2, 3, 4, 6", found=str(colour), fix=REPLACE)
    orientation, frames = 1, 1
    at = 8
    while data[at + 4 : at + 8] != b"IEND":
        if at + 12 > len(data):
            raise RefusedError(
                "is truncated", allowed="a PNG that ends with IEND", found=f"{len(data)} bytes", fix=REPLACE
            )
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        if kind == b"eXIf":
            orientation = exif_orientation(bytes(data[at + 8 : at + 8 + length]))
        elif kind == b"acTL":
            (frames,) = struct.unpack_from(">I", data, at + 8)
        at += 12 + length
    return ImageHeader("PNG", size_of(height, width), _COLOURS[colour], bits, orientation, frames=frames)


def decode(data: bytes, header: ImageHeader) -> npt.NDArray:
    """Stored pixels: (height, width) for grey, (height, width, 3) RGB otherwise; alpha is dropped, not composited."""
    grey = header.colour in ("grey", "grey_alpha")
    flags = _FLAGS | (cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None:
        raise RefusedError("cannot be decoded", allowed="a whole PNG", found="damaged pixel data", fix=REPLACE)
    return pixels


def decode_values(data: bytes, header: ImageHeader) -> npt.NDArray:
    """Stored values: palette indices as they are, grey of 1, 2 or 4 bits unscaled, else as `decode` with its alpha."""
    quick = png_rows.values(data) if header.colour in ("grey", "palette") else None
    if quick is not None:
        return quick
    if header.colour == "palette":
        # the plug-in class itself: Image.open would apply Pillow's own process-wide pixel limit
        return np.array(PngImagePlugin.PngImageFile(io.BytesIO(data)))
    if header.colour in ("rgba", "grey_alpha"):
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None:
            raise RefusedError("cannot be decoded", allowed="a whole PNG", found="damaged pixel data", fix=REPLACE)
        return pixels[..., [2, 1, 0, 3]] if pixels.ndim == 3 else pixels
    pixels = decode(data, header)
    return pixels // (255 // (2**header.bits - 1)) if header.bits < 8 else pixels
