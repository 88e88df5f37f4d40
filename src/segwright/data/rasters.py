"""Frames that are windows of a raster on the map: only the window is read, all bands and bits kept."""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import Box, ClassTable, DataError, Image, LabelMap, Size, adopt
from segwright.data.codecs import FrameShape
from segwright.data.codecs.header import REPLACE, ImageHeader, RefusedError, check_limit
from segwright.data.codecs.labels import labelled
from segwright.data.codecs.reading import bands_of
from segwright.data.extras import imported
from segwright.data.formats.geo_grid import Grid
from segwright.data.id_maps import whole_numbers
from segwright.data.images import file_digest

_OPENING = threading.Lock()
_DIGESTS: dict[tuple, str] = {}


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A raster, open for reading.

    Raises:
        DependencyMissing: rasterio is not installed.
        RefusedError: missing, damaged, or no raster.
    """
    rasterio = imported("rasterio", "geo", "rasters on the map")
    try:
        with _OPENING, warnings.catch_warnings():  # a raster without a place on the map is fine: a mask
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            raster = rasterio.open(str(path))
    except (OSError, rasterio.errors.RasterioError) as error:
        found = str(error)[:160]
        raise RefusedError("cannot be opened", allowed="a GeoTIFF", found=found, fix=REPLACE) from error
    try:
        with raster:
            yield raster
    except rasterio.errors.RasterioError as error:
        found = str(error)[:160]
        raise RefusedError("cannot be decoded", allowed="a whole GeoTIFF", found=found, fix=REPLACE) from error


@dataclass(frozen=True)
class RasterFacts:
    """What a raster says of itself; `nodata` is None where it says nothing."""

    grid: Grid
    bands: int
    kind: str
    nodata: float | None

    @property
    def on_map(self) -> bool:
        """Whether the file says where its pixels lie."""
        return self.grid.affine != (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def facts_of(path: Path) -> RasterFacts:
    """What a raster's header says.

    Raises:
        DataError: missing, damaged, or no raster.
    """
    try:
        with opened(path) as raster:
            affine = tuple(float(part) for part in raster.transform[:6])
            crs = raster.crs.to_string() if raster.crs else ""
            grid = Grid(affine, Size(raster.height, raster.width), crs)  # type: ignore[arg-type]
            return RasterFacts(grid, raster.count, raster.dtypes[0], raster.nodata)
    except RefusedError as refusal:
        raise refusal.at(str(path)) from refusal


def _window(box: Box) -> tuple[tuple[int, int], tuple[int, int]]:
    return (box.top, box.bottom), (box.left, box.right)


def _digest_of(path: Path) -> str:
    """SHA-256 of a file, computed once while it does not change: a raster has thousands of windows."""
    try:
        found = path.stat()
    except OSError as error:
        text = error.strerror or str(error)
        raise DataError.of(str(path), "cannot be read", found=text, fix="restore it") from error
    key = (str(path), found.st_mtime_ns, found.st_size)
    if key not in _DIGESTS:
        _DIGESTS[key] = file_digest(path)
    return _DIGESTS[key]


@dataclass(frozen=True)
class RasterWindow:
    """The pixels of a raster inside `box`. 8 and 16 bits without sign stay; everything else becomes float32.

    Pixels that are no numbers become 0 where the raster says they are no data, else are refused.
    """

    raster: Path
    box: Box
    facts: RasterFacts = field(compare=False)

    def __str__(self) -> str:
        return str(self.raster) if self._whole else f"{self.raster}, from row {self.box.top}, column {self.box.left}"

    @property
    def _whole(self) -> bool:
        return self.box == Box.of(self.facts.grid.size)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.raster.name

    @property
    def path(self) -> None:
        """None: what other tools would take for the picture lacks the place on the map, or holds more than it."""
        return

    @property
    def digest(self) -> str:
        """A hash of the raster's bytes and the window."""
        return hashlib.sha256(repr((_digest_of(self.raster), self.box)).encode()).hexdigest()

    @property
    def grid(self) -> Grid:
        """Where the window lies on the map."""
        a, b, c, d, e, f = self.facts.grid.affine
        left, top = self.box.left, self.box.top
        size = Size(self.box.height, self.box.width)
        moved = (a, b, a * left + b * top + c, d, e, d * left + e * top + f)
        return Grid(moved, size, self.facts.grid.crs)

    def file_bytes(self) -> None:
        """None: these pixels are no image file of their own."""
        return

    def read(self) -> tuple[Image, FrameShape]:
        """The window, all bands."""
        try:
            check_limit(ImageHeader("GeoTIFF", self.shape().size, "bands", 8))
            with opened(self.raster) as raster:
                pixels = raster.read(window=_window(self.box))
                valid = raster.dataset_mask(window=_window(self.box)) > 0
            pixels = _supported(np.ascontiguousarray(np.moveaxis(pixels, 0, 2)), valid)
        except RefusedError as refusal:
            raise refusal.at(str(self)) from refusal
        return Image(adopt(pixels), bands_of(pixels)), self.shape()

    def shape(self) -> FrameShape:
        """The window's size."""
        return FrameShape(Size(self.box.height, self.box.width))


def _supported(pixels: npt.NDArray, valid: npt.NDArray[np.bool_]) -> npt.NDArray:
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels
    if pixels.dtype.kind == "c":
        fix = "write magnitude and phase as two bands"
        raise RefusedError("has complex pixels", allowed="real numbers", found=str(pixels.dtype), fix=fix)
    pixels = pixels.astype(np.float32)
    wrong = ~np.isfinite(pixels)
    pixels[wrong & ~valid[..., None]] = 0
    bad = int(np.count_nonzero(wrong & valid[..., None]))
    if bad:
        fix = "name them in the file: gdal_translate -a_nodata nan, so that they are void"
        raise RefusedError(f"{bad} values are not numbers", allowed="finite numbers", found="NaN or infinity", fix=fix)
    return pixels


@dataclass(frozen=True)
class WindowLabels:
    """The class ids of a mask raster inside `box`; void where the image raster has no data.

    What the mask itself calls no data is void too, unless it is the id of a class.
    """

    raster: Path
    box: Box
    image: Path
    mapping: Mapping[int, int] = field(default_factory=dict)

    def read(self, shape: FrameShape, classes: ClassTable) -> LabelMap:
        """The window as class ids."""
        try:
            check_limit(ImageHeader("GeoTIFF", shape.size, "grey", 8))
            with opened(self.raster) as raster:
                values, nodata = raster.read(1, window=_window(self.box)), raster.nodata
            if nodata is not None and nodata not in classes.ids:
                missing = np.isnan(values) if np.isnan(nodata) else values == nodata
                values = np.where(missing, 0, values)
            else:
                missing = np.zeros(values.shape, bool)
            ids = labelled(whole_numbers(values), classes, self.mapping).ids.copy()
            with opened(self.image) as raster:
                missing |= raster.dataset_mask(window=_window(self.box)) == 0
        except RefusedError as refusal:
            raise refusal.at(str(self.raster)) from refusal
        ids[missing] = classes.void_id
        return LabelMap(adopt(ids), classes)

    @property
    def files(self) -> tuple[Path, ...]:
        """Nothing: a raster is hashed once, in `digest`, not once a window."""
        return ()

    @property
    def digest(self) -> str:
        """A hash of the mask's bytes, the window, and the names of values."""
        how = (_digest_of(self.raster), self.box, sorted(self.mapping.items()))
        return hashlib.sha256(repr(how).encode()).hexdigest()
