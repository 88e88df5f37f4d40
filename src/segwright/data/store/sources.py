"""Frames whose pixels and labels lie in a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from segwright.core import (
    ClassTable,
    DataError,
    Image,
    InstanceSet,
    LabelMap,
    PanopticMap,
    Size,
    label_map_from_panoptic,
)
from segwright.data.codecs import FrameShape, bands_written, decode_image
from segwright.data.dataset import Frame
from segwright.data.lazy_frames import LazyFrames
from segwright.data.store import labels as codec
from segwright.data.store.blobs import Blobs
from segwright.data.store.rows import FrameRow, FrameTable


@dataclass(frozen=True, eq=False)
class StoredImage:
    """The picture of a frame, as the bytes of the file it came from."""

    blobs: Blobs
    row: FrameRow
    place: str

    def __str__(self) -> str:
        return f"{self.place}: {self.name}"

    @property
    def name(self) -> str:
        """The stem with the suffix of the file that was imported."""
        return f"{self.row.stem}{self.row.media}"

    @property
    def path(self) -> Path | None:
        """None: the bytes lie in the store."""
        return None

    @property
    def digest(self) -> str:
        """SHA-256 of the file that was imported."""
        return self.row.image

    def file_bytes(self) -> bytes:
        """The bytes of the file that was imported."""
        return self.blobs.read(self.row.image)

    def read(self) -> tuple[Image, FrameShape]:
        """The picture, upright, and its shape."""
        data = self.file_bytes()
        image, header = decode_image(data, str(self))
        bands = bands_written(data) if self.row.media == ".tif" else None
        image = image if bands is None or len(bands) != len(image.bands) else Image(image.pixels, bands)
        return image, FrameShape(header.size, header.orientation)

    def shape(self) -> FrameShape:
        """What the log says: no byte of the picture is read."""
        return FrameShape(Size(self.row.height, self.row.width), self.row.orientation)


@dataclass(frozen=True, eq=False)
class StoredIds:
    """Class ids of a frame."""

    blobs: Blobs
    content_hash: str
    kind: str
    place: str

    @property
    def files(self) -> tuple[Path, ...]:
        """Nothing: the labels lie in the store, and `digest` follows them."""
        return ()

    @property
    def digest(self) -> str:
        """The content hash of the labels."""
        return self.content_hash

    def stored(self, classes: ClassTable) -> codec.Stored:
        """The labels as they were kept.

        Raises:
            DataError: damaged, or ids that the class table does not know.
        """
        try:
            return codec.decode(self.kind, self.blobs.read(self.content_hash), classes, self.place)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError.of(
                self.place, "has damaged labels", allowed="the bytes that were written", found=str(error)[:200],
                fix="run `segwright data verify STORE`, then import the frame again",
            ) from error  # fmt: skip

    def read(self, shape: FrameShape, classes: ClassTable) -> LabelMap:
        """The class ids, upright."""
        found = self.stored(classes)
        if isinstance(found, LabelMap):
            return found
        return label_map_from_panoptic(found) if isinstance(found, PanopticMap) else found.read(shape, classes)


@dataclass(frozen=True, eq=False)
class StoredShapes(StoredIds):
    """Shapes of a frame, as they were drawn."""

    def read_instances(self, shape: FrameShape, classes: ClassTable) -> InstanceSet:
        """An object for each shape, or for the shapes of one object id."""
        found = self.stored(classes)
        if isinstance(found, LabelMap | PanopticMap):
            raise TypeError(f"stored shapes, got {type(found).__name__}")
        return found.read_instances(shape, classes)


@dataclass(frozen=True, eq=False)
class StoredSegments(StoredIds):
    """Segments of a frame."""

    def read_panoptic(self, shape: FrameShape, classes: ClassTable) -> PanopticMap:  # noqa: ARG002
        """The segments, upright."""
        found = self.stored(classes)
        if not isinstance(found, PanopticMap):
            raise TypeError(f"stored segments, got {type(found).__name__}")
        return found


SOURCES = {codec.IDS: StoredIds, codec.SHAPES: StoredShapes, codec.SEGMENTS: StoredSegments}


def stored_frame(blobs: Blobs, row: FrameRow, place: str) -> Frame:
    """The frame that a row describes."""
    labels = None
    if row.labels is not None and row.labels_kind is not None:
        labels = SOURCES[row.labels_kind](blobs, row.labels, row.labels_kind, f"{place}: {row.stem}")
    return Frame(row.stem, StoredImage(blobs, row, place), labels, dict(row.columns))


class StoredFrames(LazyFrames):
    """The frames of a version; rows stay columns of a table until one is asked for."""

    def __init__(self, blobs: Blobs, frames: FrameTable, place: str) -> None:
        super().__init__(frames.stems)
        self._blobs, self._frames, self._place = blobs, frames, place

    def columns(self, at: int) -> Mapping[str, str]:
        """What the log says of this frame."""
        return dict(self._frames.columns(at))

    def _make(self, at: int) -> Frame:
        return stored_frame(self._blobs, self._frames.row(at), self._place)

    def _make_block(self, start: int, stop: int) -> list[Frame]:
        return [stored_frame(self._blobs, row, self._place) for row in self._frames.rows_between(start, stop)]

    def __reduce__(self) -> tuple[type[StoredFrames], tuple[Blobs, FrameTable, str]]:
        return StoredFrames, (self._blobs, self._frames, self._place)
