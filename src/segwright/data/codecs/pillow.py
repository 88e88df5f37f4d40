"""BMP, WebP and GIF, through Pillow's plug-in classes."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import BmpImagePlugin, GifImagePlugin, Image, WebPImagePlugin

from segwright.data.codecs.header import Colour, ImageHeader, RefusedError, size_of
from segwright.data.codecs.orientation import exif_orientation

# The plug-in classes themselves: Image.open would apply Pillow's own process-wide pixel limit.
_PLUGINS = {
    "BMP": BmpImagePlugin.BmpImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}
_COLOURS: dict[str, Colour] = {
    "1": "grey", "L": "grey", "LA": "grey_alpha", "P": "palette", "RGB": "rgb", "RGBA": "rgba", "RGBX": "rgba",
    "CMYK": "cmyk",
}  # fmt: skip


def bmp_header(data: bytes) -> ImageHeader:
    """What a BMP file says of itself."""
    return _header(data, "BMP")


def gif_header(data: bytes) -> ImageHeader:
    """What a GIF file says of itself."""
    return _header(data, "GIF")


def webp_header(data: bytes) -> ImageHeader:
    """WebP is lossy where it holds a `VP8 ` chunk, and exact where it holds `VP8L`. Source: RFC 9649."""
    return _header(data, "WebP", lossy=b"VP8L" not in data[12:64] and data.find(b"VP8 ", 12) >= 0)


def _header(data: bytes, name: str, *, lossy: bool = False) -> ImageHeader:
    picture = _PLUGINS[name](io.BytesIO(data))
    if picture.mode not in _COLOURS:
        raise RefusedError(
            f"has an unusual {name} pixel mode",
            allowed=", ".join(_COLOURS),
            found=picture.mode,
            fix="save it as grey, RGB or with a palette",
        )
    size = size_of(picture.height, picture.width)
    orientation = exif_orientation(picture.info.get("exif", b""))
    bits = 1 if picture.mode == "1" else 8
    frames = getattr(picture, "n_frames", 1)
    return ImageHeader(name, size, _COLOURS[picture.mode], bits, orientation, lossy, frames)


def decode(data: bytes, header: ImageHeader) -> npt.NDArray:
    """Stored pixels: (height, width) for grey, (height, width, 3) RGB otherwise; alpha is dropped, not composited."""
    picture = _loaded(data, header)
    if header.colour in ("grey", "grey_alpha"):
        return np.array(picture.convert("L") if picture.mode == "1" else picture.getchannel(0))
    if header.colour == "rgba":
        return np.array(picture)[..., :3]
    return np.array(picture.convert("RGB"))


def decode_values(data: bytes, header: ImageHeader) -> npt.NDArray:
    """Stored values: palette indices and single bits as they are.

    GIF and BMP have no grey of their own: there, a palette of nothing but greys means the greys, not the indices.
    """
    picture = _loaded(data, header)
    if picture.mode == "P" and header.format in ("GIF", "BMP"):
        colours = np.array(picture.convert("RGB"))
        if not np.any(colours != colours[..., :1]):
            return colours[..., 0]
    pixels = np.array(picture)
    return pixels.astype(np.uint8) if pixels.dtype == np.bool_ else pixels


def _loaded(data: bytes, header: ImageHeader) -> Image.Image:
    picture = _PLUGINS[header.format](io.BytesIO(data))
    picture.load()
    return picture
