"""Frames that are slices of a volume: one volume is decoded once and kept while its slices are read."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, Image, LabelMap, Size, adopt
from segwright.data.codecs import FrameShape
from segwright.data.codecs.header import RefusedError
from segwright.data.codecs.labels import labelled
from segwright.data.codecs.reading import bands_of
from segwright.data.id_maps import whole_numbers
from segwright.data.images import file_digest

_KEPT_BYTES = 2**30


class VolumeFile(Protocol):
    """A volume on disk; `str(volume)` is the place that messages name."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that hold it."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis, from the header; a fourth axis is channels."""
        ...

    @property
    def affine(self) -> npt.NDArray:
        """Voxel indices to millimetres (4, 4)."""
        ...

    def load(self) -> npt.NDArray:
        """All voxels, in the file's own axes; a fourth axis is channels.

        Raises:
            RefusedError: damaged, or not a volume.
        """
        ...


class _Kept:
    """The volumes decoded last, up to a gibibyte and at least one; each is decoded by one thread only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[tuple, threading.Lock] = {}
        self._volumes: OrderedDict[tuple, npt.NDArray] = OrderedDict()

    def get(self, volume: VolumeFile) -> npt.NDArray:
        key = (type(volume).__name__, *((str(path), _stamp(path)) for path in volume.paths))
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            with self._lock:
                if key in self._volumes:
                    self._volumes.move_to_end(key)
                    return self._volumes[key]
            voxels = adopt(volume.load())
            with self._lock:
                self._volumes[key] = voxels
                while len(self._volumes) > 1 and sum(one.nbytes for one in self._volumes.values()) > _KEPT_BYTES:
                    gone, _ = self._volumes.popitem(last=False)
                    self._locks.pop(gone, None)
            return voxels


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise RefusedError(
            "cannot be opened", allowed="a readable file", found=error.strerror or str(error), fix="restore the file"
        ) from error
    return found.st_mtime_ns, found.st_size


_KEPT = _Kept()
_DIGESTS: dict[tuple, str] = {}


def voxels_of(volume: VolumeFile) -> npt.NDArray:
    """The voxels of a volume, kept for the next slice.

    Raises:
        DataError: damaged, or not a volume.
    """
    try:
        return _KEPT.get(volume)
    except RefusedError as refusal:
        raise refusal.at(str(volume)) from refusal


def _digest_of(paths: tuple[Path, ...]) -> str:
    """A hash of the files' bytes, computed once while they do not change: a volume has hundreds of slices."""
    try:
        key = tuple((str(path), _stamp(path)) for path in paths)
    except RefusedError as refusal:
        raise refusal.at(str(paths[0])) from refusal
    if key not in _DIGESTS:
        _DIGESTS[key] = hashlib.sha256("".join(file_digest(path) for path in paths).encode()).hexdigest()
    return _DIGESTS[key]


def plane(voxels: npt.NDArray, axis: int, index: int) -> npt.NDArray:
    """A slice (height, width) or (height, width, channels): of the other axes the first runs across."""
    return np.ascontiguousarray(np.swapaxes(np.take(voxels, index, axis=axis), 0, 1))


def plane_size(shape: tuple[int, ...], axis: int) -> Size:
    """The size of the slices along `axis`."""
    across, down = (side for at, side in enumerate(shape[:3]) if at != axis)
    return Size(down, across)


@dataclass(frozen=True)
class VolumeSlice:
    """The picture at one place along an axis of a volume, or of several volumes that are its channels.

    8 and 16 bits without sign stay; everything else becomes float32, in the sensor's own unit.
    """

    volumes: tuple[VolumeFile, ...]
    axis: int
    index: int

    def __str__(self) -> str:
        return f"{self.volumes[0]}, slice {self.index} along axis {self.axis}"

    @property
    def name(self) -> str:
        """The file's name and the slice."""
        return f"{self.volumes[0].paths[0].name}_{self.index}"

    @property
    def path(self) -> None:
        """No file holds this picture alone."""
        return

    @property
    def digest(self) -> str:
        """A hash of the volumes' bytes and of the place in them."""
        paths = tuple(path for volume in self.volumes for path in volume.paths)
        return hashlib.sha256(repr((_digest_of(paths), self.axis, self.index)).encode()).hexdigest()

    def file_bytes(self) -> None:
        """None: these pixels are no image file of their own."""
        return

    def read(self) -> tuple[Image, FrameShape]:
        """The slice; voxels that are no numbers are refused."""
        planes = [plane(voxels_of(volume), self.axis, self.index) for volume in self.volumes]
        pixels = planes[0] if len(planes) == 1 else np.dstack(planes)
        if pixels.dtype not in (np.uint8, np.uint16):
            pixels = pixels.astype(np.float32)
            bad = int(np.count_nonzero(~np.isfinite(pixels)))
            if bad:
                raise RefusedError(
                    f"{bad} voxels are not numbers",
                    allowed="finite voxels",
                    found="NaN or infinity",
                    fix="fill the missing voxels, and paint them void in the labels",
                ).at(str(self))
        image = Image(adopt(pixels if pixels.ndim == 3 else pixels[..., None]), bands_of(pixels))
        return image, FrameShape(image.size)

    def shape(self) -> FrameShape:
        """The size, from the header."""
        return FrameShape(plane_size(self.volumes[0].shape, self.axis))


@dataclass(frozen=True)
class VolumeLabels:
    """The class ids at one place along an axis of a label volume; `mapping` renames values first."""

    volume: VolumeFile
    axis: int
    index: int
    mapping: Mapping[int, int] = field(default_factory=dict)

    def read(self, shape: FrameShape, classes: ClassTable) -> LabelMap:
        """The slice as class ids."""
        try:
            values = whole_numbers(plane(voxels_of(self.volume), self.axis, self.index))
            size = Size(values.shape[0], values.shape[1])
            if size != shape.size:
                fix = "export the labels on the grid of the image; they are never resized silently"
                raise RefusedError("has another size than its image", allowed=str(shape.size), found=str(size), fix=fix)
            return labelled(values, classes, self.mapping)
        except RefusedError as refusal:
            raise refusal.at(f"{self.volume}, slice {self.index} along axis {self.axis}") from refusal

    @property
    def files(self) -> tuple[Path, ...]:
        """Nothing: a volume is hashed once, in `digest`, not once a slice."""
        return ()

    @property
    def digest(self) -> str:
        """A hash of the label volume's bytes and of how it is read."""
        how = (_digest_of(self.volume.paths), self.axis, self.index, sorted(self.mapping.items()))
        return hashlib.sha256(repr(how).encode()).hexdigest()
