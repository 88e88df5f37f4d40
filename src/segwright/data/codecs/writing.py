"""Images and label maps to files: to a temporary name, then one rename."""

from __future__ import annotations

import io
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image as Pillow

from segwright.core import GREY, RGB, DataError, Image, LabelMap, Problem

_BY_OPENCV = (".png", ".jpg", ".jpeg", ".bmp", ".webp")


def write_image(path: Path | str, image: Image, *, jpeg_quality: int = 92) -> None:
    """Write an image in the format its suffix names; folders above it are made.

    PNG and TIFF are exact; TIFF alone holds float pixels and bands other than grey and RGB. JPEG keeps colour at full
    resolution (4:4:4).

    Raises:
        DataError: a suffix that cannot hold these pixels, or a full or read-only disk.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix in (".tif", ".tiff"):
        _replace(target, lambda name: Path(name).write_bytes(encode_tiff(image)))
    elif suffix in _BY_OPENCV and _fits(image, suffix):
        _replace(target, lambda name: Path(name).write_bytes(encode_image(image, suffix, jpeg_quality=jpeg_quality)))
    else:
        raise _misfit(str(path), image, suffix)


def encode_image(image: Image, suffix: str, *, jpeg_quality: int = 92) -> bytes:
    """The bytes of a file of this suffix (.png, .jpg, .bmp, .webp), for a picture that never becomes a file.

    Raises:
        DataError: a suffix that cannot hold these pixels.
    """
    if suffix not in _BY_OPENCV or not _fits(image, suffix):
        raise _misfit("picture", image, suffix)
    return _encoded(suffix, image.pixels[..., ::-1] if image.bands == RGB else image.pixels, jpeg_quality)


def encode_tiff(image: Image) -> bytes:
    """The bytes of a TIFF file, which holds any pixels and bands; names beyond grey and RGB are in its description."""
    colour = "rgb" if image.bands == RGB else "minisblack"
    pixels = image.pixels[..., 0] if len(image.bands) == 1 else image.pixels
    # Said in full: left to itself tifffile takes two bands, or more than four, for a stack of pictures.
    together = None if pixels.ndim == 2 else "contig"
    extra = None if colour == "rgb" or pixels.ndim == 2 else [0] * (pixels.shape[2] - 1)
    named = None if image.bands in (GREY, RGB) else json.dumps({"bands": image.bands})
    how: dict[str, Any] = {"photometric": colour, "planarconfig": together, "extrasamples": extra}
    with io.BytesIO() as file:
        tifffile.imwrite(file, pixels, description=named, metadata=None, compression="zlib", **how)
        return file.getvalue()


def bands_written(data: bytes) -> tuple[str, ...] | None:
    """The names of bands in a TIFF of `encode_tiff`; None where they are grey, RGB, or another program wrote it."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        try:
            return tuple(json.loads(file.pages.first.description)["bands"])
        except (ValueError, KeyError, TypeError):
            return None


def _fits(image: Image, suffix: str) -> bool:
    deepest = (np.uint8, np.uint16) if suffix == ".png" else (np.uint8,)
    return image.bands in (GREY, RGB) and image.pixels.dtype in deepest


def _misfit(place: str, image: Image, suffix: str) -> DataError:
    return DataError(
        Problem(
            place,
            f"cannot hold {image.pixels.dtype} pixels of bands {', '.join(image.bands)}",
            ".tif for anything; .png for 8 and 16 bit; .jpg, .bmp, .webp for 8 bit grey and RGB",
            suffix or "no suffix",
            "write to a .tif or .png name",
        )
    )


def write_label_map(path: Path | str, labels: LabelMap) -> None:
    """Write class ids as a grey PNG of 8 or 16 bits: value = class id, void = the table's void id.

    Raises:
        DataError: a name that does not end in .png, or a full or read-only disk.
    """
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise DataError.of(
            str(path),
            "is not a name for a mask",
            allowed=".png",
            found=target.suffix or "no suffix",
            fix=f"name it {target.with_suffix('.png').name}: PNG keeps every id as it is",
        )
    _replace(target, lambda name: Path(name).write_bytes(_encoded(".png", labels.ids, 0)))


def write_values(path: Path | str, values: npt.NDArray) -> None:
    """Write numbers (height, width), uint8 or uint16, as a grey PNG, or as TIFF where the name says so.

    Raises:
        DataError: a full or read-only disk.
    """
    target = Path(path)
    if target.suffix.lower() in (".tif", ".tiff"):
        _replace(target, lambda name: tifffile.imwrite(name, values, photometric="minisblack", compression="zlib"))
    else:
        _replace(target, lambda name: Path(name).write_bytes(_encoded(".png", values, 0)))


def write_palette(path: Path | str, values: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> None:
    """Write numbers (height, width) as a PNG whose palette (n, 3), RGB, gives each number its colour.

    Raises:
        DataError: a full or read-only disk.
    """
    picture = Pillow.fromarray(values)  # grey; the palette makes an index picture of it
    picture.putpalette(np.ascontiguousarray(palette).tobytes())
    _replace(Path(path), lambda name: picture.save(name, format="PNG"))


def write_colours(path: Path | str, colours: npt.NDArray[np.uint8]) -> None:
    """Write colours (height, width, 3), RGB, as they are, as PNG.

    Raises:
        DataError: a full or read-only disk.
    """
    _replace(Path(path), lambda name: Path(name).write_bytes(_encoded(".png", colours[..., ::-1], 0)))


def _encoded(suffix: str, pixels: npt.NDArray, jpeg_quality: int) -> bytes:
    # Without chroma subsampling: at half resolution a coloured line of two pixels would be a smear.
    jpeg = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality]
    jpeg += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    options = jpeg if suffix in (".jpg", ".jpeg") else []
    done, data = cv2.imencode(suffix, np.ascontiguousarray(pixels), options)
    if not done:
        raise OSError(f"OpenCV cannot write these pixels as {suffix}")
    return data.tobytes()


def _replace(target: Path, write) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write(str(temporary))
        temporary.replace(target)
    except OSError as error:
        with suppress(OSError):  # where the folder itself is the trouble, so is looking for the file
            temporary.unlink(missing_ok=True)
        found = error.strerror or str(error)
        raise DataError.of(
            str(target),
            "cannot be written",
            allowed="a folder with room and permission",
            found=found,
            fix="free space, or choose another folder",
        ) from error
