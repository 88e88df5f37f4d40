"""Where a frame's pixels come from: a file of its own, or a place inside a larger one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from segwright.core import DataError, Image
from segwright.data.codecs import FrameShape, decode_image, read_header, read_with_header
from segwright.data.codecs.header import RefusedError
from segwright.data.codecs.reading import file_bytes


@runtime_checkable
class ImageSource(Protocol):
    """The pixels of one frame. `str(source)` is the place that messages name: a path, or a path and where in it."""

    @property
    def name(self) -> str:
        """What the picture is called, suffix included: `0412.jpg`."""
        ...

    @property
    def path(self) -> Path | None:
        """The file that holds this picture and nothing else, as it is; None where there is no such file."""
        ...

    @property
    def digest(self) -> str:
        """A hash of the bytes that decide the pixels.

        Raises:
            DataError: they cannot be read.
        """
        ...

    def file_bytes(self) -> bytes | None:
        """The bytes of the image file this is, with the suffix of `name`; None where pixels have no file of their own.

        Raises:
            DataError: they cannot be read.
        """
        ...

    def read(self) -> tuple[Image, FrameShape]:
        """The picture, upright, and the shape that its labels must have.

        Raises:
            DataError: missing, damaged, too large, or not an image.
        """
        ...

    def shape(self) -> FrameShape:
        """The shape alone; no pixel is decoded.

        Raises:
            DataError: as `read`, but for damage that only decoding shows.
        """
        ...


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A picture that is a file of its own."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return file_digest(self.path)

    def file_bytes(self) -> bytes:
        """The file as it is."""
        try:
            return file_bytes(self.path)
        except RefusedError as refusal:
            raise refusal.at(str(self.path)) from refusal

    def read(self) -> tuple[Image, FrameShape]:
        """The file decoded once, and its shape."""
        image, header = read_with_header(self.path)
        return image, FrameShape(header.size, header.orientation)

    def shape(self) -> FrameShape:
        """What the file's header says."""
        header = read_header(self.path)
        return FrameShape(header.size, header.orientation)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError.of(str(path), "cannot be read", found=error.strerror or str(error), fix="restore it") from error


@dataclass(frozen=True)
class EmbeddedImage:
    """A picture inside a file of another kind; `data_of` gives the bytes of an image file, each time anew."""

    name: str
    place: str
    data_of: Callable[[], bytes]

    def __str__(self) -> str:
        return self.place

    @property
    def path(self) -> Path | None:
        """Nothing: no file holds this picture alone."""
        return None

    @property
    def digest(self) -> str:
        """SHA-256 of the picture's bytes."""
        return hashlib.sha256(self.data_of()).hexdigest()

    def file_bytes(self) -> bytes | None:
        """The bytes of the picture."""
        return self.data_of()

    def read(self) -> tuple[Image, FrameShape]:
        """The picture decoded, and its shape."""
        image, header = decode_image(self.data_of(), self.place)
        return image, FrameShape(header.size, header.orientation)

    def shape(self) -> FrameShape:
        """What the picture's header says."""
        return self.read()[1]
