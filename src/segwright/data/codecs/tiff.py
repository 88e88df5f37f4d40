"""TIFF in all its kinds, through tifffile."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import tifffile

from segwright.data.codecs.header import REPLACE, Colour, ImageHeader, RefusedError, size_of

SIGNATURES = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_ALPHA = (1, 2)
_SUPPORTED = "grey, RGB, RGBA, palette, CMYK, YCbCr or several plain bands"
_COLOURS: dict[int, Colour] = {0: "grey", 1: "grey", 2: "rgb", 3: "palette", 5: "cmyk", 6: "rgb"}
_JPEG_COMPRESSIONS = (6, 7)


def header(data: bytes) -> ImageHeader:
    """Read the tags of the first page; smaller copies of it (pyramids, thumbnails) are not counted as pictures."""
    return _opened(_read_header, data)


def decode(data: bytes, _header: ImageHeader) -> npt.NDArray:
    """Stored pixels: (height, width) for grey, (height, width, bands) otherwise; alpha is dropped, not composited."""
    return _opened(_pixels, data, values=False)


def decode_values(data: bytes, _header: ImageHeader) -> npt.NDArray:
    """Stored values: palette indices and single bits as they are."""
    return _opened(_pixels, data, values=True)


def _opened(read, data: bytes, **how):
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return read(file, len(data), **how)


def _read_header(file: tifffile.TiffFile, length: int) -> ImageHeader:
    page = file.pages.first
    size = size_of(page.imagelength, page.imagewidth)
    needed = max((start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)), default=0)
    if needed > length:
        raise RefusedError("is truncated", allowed=f"at least {needed} bytes", found=f"{length} bytes", fix=REPLACE)
    colour = _COLOURS.get(int(page.photometric))
    uncoded_ycbcr = int(page.photometric) == 6 and int(page.compression) not in _JPEG_COMPRESSIONS
    if colour is None or uncoded_ycbcr:
        raise RefusedError(
            "has an unusual TIFF colour space",
            allowed=_SUPPORTED,
            found=str(page.photometric),
            fix="save it as a grey or RGB TIFF",
        )
    plain = {"grey": 1, "rgb": 3, "palette": 1, "cmyk": 4}[colour]
    extra = page.samplesperpixel - plain
    if extra == 1 and page.extrasamples and page.extrasamples[0] in _ALPHA:
        colour = {"grey": "grey_alpha", "rgb": "rgba"}.get(colour, colour)
    elif extra:
        colour = "bands"
    orientation = page.tags.get(274)
    turned = orientation.value if orientation is not None and 1 <= orientation.value <= 8 else 1
    lossy = int(page.compression) in _JPEG_COMPRESSIONS
    return ImageHeader("TIFF", size, colour, page.bitspersample, turned, lossy, _pictures(file))  # type: ignore[arg-type]


def _pictures(file: tifffile.TiffFile) -> int:
    if len(file.pages) == 1:
        return 1
    return sum(not (page.subfiletype & 0b101) for page in (file.pages[at].aspage() for at in range(len(file.pages))))


def _pixels(file: tifffile.TiffFile, length: int, *, values: bool) -> npt.NDArray:
    page = file.pages.first
    head = _read_header(file, length)
    pixels = page.asarray()
    if pixels.ndim == 3 and page.planarconfig == 2 and page.samplesperpixel > 1:
        pixels = np.moveaxis(pixels, 0, 2)
    pixels = pixels.reshape(*pixels.shape[:2], -1).squeeze(2) if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    if values:
        return pixels.astype(np.uint8) if pixels.dtype == np.bool_ else pixels
    return _as_picture(pixels, page, head)


def _as_picture(pixels: npt.NDArray, page: tifffile.TiffPage, head: ImageHeader) -> npt.NDArray:
    if head.colour == "palette":
        table = (np.asarray(page.colormap) >> 8).astype(np.uint8)
        return np.ascontiguousarray(np.moveaxis(table[:, pixels], 0, 2))
    if head.colour == "cmyk":
        return _rgb_from_cmyk(pixels)
    pixels = _as_supported_type(pixels, head)
    if int(page.photometric) == 0:  # MinIsWhite
        pixels = (np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else pixels.max()) - pixels
    if head.colour in ("rgba", "grey_alpha"):
        pixels = pixels[..., :-1]
    return pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels


def _as_supported_type(pixels: npt.NDArray, head: ImageHeader) -> npt.NDArray:
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * 255
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2:
        full = np.iinfo(pixels.dtype).max
        top = 2**head.bits - 1
        return pixels if full == top else (pixels.astype(np.uint32) * full // top).astype(pixels.dtype)
    if pixels.dtype.kind == "f":
        bad = int(np.count_nonzero(~np.isfinite(pixels)))
        if bad:
            raise RefusedError(
                f"{bad} values are not numbers",
                allowed="finite floats",
                found="NaN or infinity",
                fix="fill the missing pixels, and paint them void in the mask",
            )
        return pixels.astype(np.float32)
    raise RefusedError(
        "has an unusual pixel type",
        allowed="uint8, uint16 or float",
        found=str(pixels.dtype),
        fix="convert it to uint16 or float32",
    )


def _rgb_from_cmyk(pixels: npt.NDArray) -> npt.NDArray:
    """Plain ink arithmetic, (1 - ink)(1 - black): no colour profile is applied, as in Pillow and OpenCV."""
    full = np.iinfo(pixels.dtype).max
    light = full - pixels[..., :4].astype(np.uint32)
    return ((light[..., :3] * light[..., 3:] + full // 2) // full).astype(pixels.dtype)
