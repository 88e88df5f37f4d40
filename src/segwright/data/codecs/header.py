"""What an image file says about itself before anything is decoded."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from segwright.core import ConfigError, DataError, Size

Colour = Literal["grey", "grey_alpha", "rgb", "rgba", "palette", "cmyk", "bands"]
DEFAULT_LIMIT_PX = 2**28
LIMIT_VARIABLE = "SEGWRIGHT_MAX_PIXELS"
SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
KNOWN_FORMATS = "JPEG, PNG, TIFF, BMP, WebP, GIF"


class RefusedError(Exception):
    """Why a decoder will not read a file; the caller, who knows the path, turns it into a DataError."""

    def __init__(self, rule: str, *, allowed: str = "", found: str = "", fix: str = "") -> None:
        super().__init__(rule)
        self.rule, self.allowed, self.found, self.fix = rule, allowed, found, fix

    def at(self, place: str) -> DataError:
        """The same refusal with the place it happened."""
        return DataError.of(place, self.rule, allowed=self.allowed, found=self.found, fix=self.fix)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Size and kind of the pixels as they lie in the file.

    `orientation` is the EXIF number 1-8 that turns the stored pixels upright; `lossy` says that neighbouring pixel
    values were changed by the compression; `frames` counts pictures (pages, animation frames) in the file.
    """

    format: str
    stored: Size
    colour: Colour
    bits: int
    orientation: int = 1
    lossy: bool = False
    frames: int = 1

    @property
    def size(self) -> Size:
        """The upright size: height and width exchanged where the orientation turns by 90 degrees."""
        turned = self.orientation >= 5
        return Size(self.stored.width, self.stored.height) if turned else self.stored


Sniffer = Callable[[bytes], ImageHeader]


def size_of(height: int, width: int) -> Size:
    """A size from a file's own numbers; zero or negative numbers are a damaged header."""
    if height < 1 or width < 1:
        raise RefusedError("its header gives no pixels", allowed="at least 1x1", found=f"{width}x{height}", fix=REPLACE)
    return Size(height, width)


REPLACE = "copy the file again from its source, or remove it"


def check_limit(header: ImageHeader) -> None:
    """Refuse, before any memory is taken, a picture of more pixels than allowed, or of several frames."""
    limit = _limit_px()
    if header.stored.area_px > limit:
        raise RefusedError(
            f"would decode to {header.stored.area_px:,} pixels",
            allowed=f"up to {limit:,} pixels a frame, against decompression bombs",
            found=f"{header.stored} {header.format}",
            fix=f"if the frame is genuine, set {LIMIT_VARIABLE}={header.stored.area_px}",
        )
    if header.frames > 1:
        raise RefusedError(
            f"holds {header.frames} pictures",
            allowed="one picture a file",
            found=f"{header.format} with {header.frames} pages or animation frames",
            fix="write each picture to a file of its own",
        )


def _limit_px() -> int:
    text = os.environ.get(LIMIT_VARIABLE, str(DEFAULT_LIMIT_PX))
    if not text.isdigit():
        raise ConfigError.of(
            LIMIT_VARIABLE,
            "is not a number of pixels",
            allowed="such as 268435456",
            found=text,
            fix=f"unset {LIMIT_VARIABLE}, or give it a whole number",
        )
    return int(text)
