"""The image files of a dataset that is written: copied as they are wherever that keeps the picture."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np

from segwright.core import GREY, RGB, DataError
from segwright.data.codecs import write_image
from segwright.data.dataset import Frame


def place_image(frame: Frame, folder: Path, suffixes: tuple[str, ...] = ()) -> str:
    """Put a frame's picture into `folder` under its stem; its path below `folder`, posix, suffix included.

    A file of its own that lies upright is copied byte for byte where its suffix is one of `suffixes` (any where none
    are given). A turned photograph is written upright, so that its mask cannot be misread; that and everything else
    becomes a PNG, or a TIFF where PNG cannot hold it.

    Raises:
        DataError: the picture cannot be read, or the disk is full.
    """
    suffix = PurePosixPath(frame.image.name).suffix
    data = frame.image.file_bytes() if not suffixes or suffix.lower() in suffixes else None
    if data is not None and frame.image.shape().orientation == 1:
        name = f"{frame.stem}{suffix}"
        place_bytes(folder / name, data)
        return name
    image = frame.image.read()[0]
    fits_png = image.bands in (GREY, RGB) and image.pixels.dtype in (np.uint8, np.uint16)
    name = f"{frame.stem}{'.png' if fits_png else '.tif'}"
    write_image(folder / name, image)
    return name


def place_bytes(target: Path, data: bytes) -> None:
    """Write a file; folders above it are made.

    Raises:
        DataError: it cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    except OSError as error:
        raise DataError.of(
            str(target),
            "cannot be written",
            allowed="a folder with room and permission",
            found=error.strerror or str(error),
            fix="free space, or choose another folder",
        ) from error
