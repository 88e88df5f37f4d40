"""Image files to `Image`: the only place that knows BGR, EXIF, palettes, CMYK and bit depths."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy.typing as npt

from segwright.core import GREY, RGB, ConfigError, Image, Size, adopt
from segwright.data.codecs import jpeg, pillow, png, tiff
from segwright.data.codecs.header import KNOWN_FORMATS, REPLACE, ImageHeader, RefusedError, check_limit
from segwright.data.codecs.orientation import turned_upright

Result = TypeVar("Result")


class Codec(NamedTuple):
    """How one file format is read: its header, its pixels as a picture, its pixels as raw values."""

    header: Callable[[bytes], ImageHeader]
    decode: Callable[[bytes, ImageHeader], npt.NDArray]
    decode_values: Callable[[bytes, ImageHeader], npt.NDArray]


CODECS: dict[str, Codec] = {
    "JPEG": Codec(jpeg.header, jpeg.decode, jpeg.decode),
    "PNG": Codec(png.header, png.decode, png.decode_values),
    "TIFF": Codec(tiff.header, tiff.decode, tiff.decode_values),
    "BMP": Codec(pillow.bmp_header, pillow.decode, pillow.decode_values),
    "WebP": Codec(pillow.webp_header, pillow.decode, pillow.decode_values),
    "GIF": Codec(pillow.gif_header, pillow.decode, pillow.decode_values),
}


def read_image(path: Path | str) -> Image:
    """The picture in a JPEG, PNG, TIFF, BMP, WebP or GIF file, upright, in RGB or grey or its own bands.

    Grey stays one band; palette, CMYK and YCbCr become RGB; an alpha band is dropped (the colour below it is kept as
    stored: compositing would invent a background). 8 and 16 bits stay; other depths are stretched to the type's range;
    floats become float32. EXIF orientation is applied.

    Raises:
        DataError: missing, empty, truncated, damaged, too large, animated, or not an image.
    """
    return read_with_header(path)[0]


def read_with_header(path: Path | str) -> tuple[Image, ImageHeader]:
    """`read_image`, and what the file said about itself: a mask needs to know how its image was turned."""
    try:
        data = file_bytes(path)
    except RefusedError as refusal:
        raise refusal.at(str(path)) from refusal
    return decode_image(data, str(path))


def decode_image(data: bytes, place: str) -> tuple[Image, ImageHeader]:
    """The picture in the bytes of an image file, as `read_image`, and its header; `place` is what messages name.

    Raises:
        DataError: truncated, damaged, too large, animated, or not an image.
    """
    try:
        return decoded_image(data)
    except RefusedError as refusal:
        raise refusal.at(place) from refusal


def decoded_image(data: bytes) -> tuple[Image, ImageHeader]:
    """The picture in a file's bytes, upright, and what the file said about itself.

    Raises:
        RefusedError: as `read_image`.
    """
    header = header_of(data)
    check_limit(header)
    pixels = turned_upright(decoded(data, header), header.orientation)
    return Image(adopt(pixels if pixels.ndim == 3 else pixels[..., None]), bands_of(pixels)), header


def image_size(path: Path | str) -> Size:
    """The upright size of an image file, from its header alone.

    Raises:
        DataError: as `read_image`, except for damage that only decoding shows.
    """
    return read_header(path).size


def read_header(path: Path | str) -> ImageHeader:
    """What an image file says about itself; its pixels are not decoded.

    Raises:
        DataError: missing, empty, truncated, too large, animated, or not an image.
    """
    try:
        try:
            with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                header = header_of(data)  # type: ignore[arg-type]  # a map slices and finds like bytes
        except (OSError, ValueError) as error:
            raise _unopened(error) from error
        check_limit(header)
    except RefusedError as refusal:
        raise refusal.at(str(path)) from refusal
    return header


def file_bytes(path: Path | str) -> bytes:
    """All bytes of a file that must exist and not be empty."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise _unopened(error) from error
    if not data:
        raise _unopened(ValueError("empty"))
    return data


def _unopened(error: OSError | ValueError) -> RefusedError:
    if isinstance(error, FileNotFoundError):
        return RefusedError("does not exist", allowed="an image file", fix="check the path, or copy the file there")
    if isinstance(error, OSError):
        found = error.strerror or str(error)
        return RefusedError(
            "cannot be opened", allowed="a readable file", found=found, fix="check the link or permissions"
        )
    return RefusedError("is empty", allowed=KNOWN_FORMATS, found="0 bytes", fix=REPLACE)


def header_of(data: bytes) -> ImageHeader:
    """The header of a file's bytes, whatever its suffix says."""
    codec = CODECS[_format_of(bytes(data[:16]))]
    return _guarded(lambda: codec.header(data))


def decoded(data: bytes, header: ImageHeader) -> npt.NDArray:
    """The stored picture: (height, width) for grey, else (height, width, bands)."""
    return _whole(_guarded(lambda: CODECS[header.format].decode(data, header)), header)


def decoded_values(data: bytes, header: ImageHeader) -> npt.NDArray:
    """The stored values: palette indices and low bit depths as they are, alpha kept."""
    return _whole(_guarded(lambda: CODECS[header.format].decode_values(data, header)), header)


def _guarded(read: Callable[[], Result]) -> Result:
    """What `read` returns; whatever else the libraries below raise on damaged files becomes a refusal."""
    try:
        return read()
    except (RefusedError, ConfigError):
        raise
    except Exception as error:  # OpenCV, Pillow, tifffile and imagecodecs raise a dozen unrelated types
        found = str(error).strip()[:200] or type(error).__name__
        raise RefusedError("cannot be decoded", allowed="a whole image file", found=found, fix=REPLACE) from error


def _whole(pixels: npt.NDArray, header: ImageHeader) -> npt.NDArray:
    if pixels.ndim in (2, 3) and pixels.shape[:2] == (header.stored.height, header.stored.width):
        return pixels
    shape = "x".join(str(side) for side in pixels.shape)
    raise RefusedError("cannot be decoded", allowed=f"{header.stored} as its header says", found=shape, fix=REPLACE)


def _format_of(start: bytes) -> str:
    if start.startswith(png.SIGNATURE):
        return "PNG"
    if start.startswith(jpeg.SIGNATURE):
        return "JPEG"
    if start.startswith(tiff.SIGNATURES):
        return "TIFF"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if start.startswith(b"BM"):
        return "BMP"
    raise RefusedError(
        "is not an image", allowed=KNOWN_FORMATS, found=f"a file that starts with {start[:8]!r}", fix=REPLACE
    )


def bands_of(pixels: npt.NDArray) -> tuple[str, ...]:
    """Names for the bands of (height, width) or (height, width, bands): grey, RGB, or RGB and numbers."""
    bands = 1 if pixels.ndim == 2 else pixels.shape[2]
    if bands in (1, 3):
        return GREY if bands == 1 else RGB
    first = RGB if bands > 3 else ()
    return (*first, *(f"band_{number}" for number in range(len(first) + 1, bands + 1)))
