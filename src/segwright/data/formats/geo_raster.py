"""What a raster says of its place on the map, and where it has no data. rasterio is imported when a TIFF is asked."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import DataError, DependencyMissing, Size
from segwright.data.codecs import image_size
from segwright.data.formats.geo_grid import Grid
from segwright.data.rasterise import Points

_SUFFIXES = (".tif", ".tiff")
_DEGREES = np.array([180.0, 90.0])
_LATITUDE_LONGITUDE = "OGC:CRS84"


def grid_of(path: Path) -> Grid:
    """Where the pixels of an image lie on the map; an image without a place lies with y down from its own corner.

    Raises:
        DataError: it cannot be read.
        DependencyMissing: it is a TIFF, and rasterio is not installed.
    """
    if path.suffix.lower() not in _SUFFIXES:
        return Grid((1.0, 0.0, 0.0, 0.0, 1.0, 0.0), image_size(path))
    with _opened(path) as raster:
        a, b, c, d, e, f = list(raster.transform)[:6]
        crs = raster.crs.to_string() if raster.crs else ""
        return Grid((a, b, c, d, e, f), Size(raster.height, raster.width), crs)


def no_data(path: Path) -> npt.NDArray[np.bool_] | None:
    """Where a raster has no data (height, width); None where it names no value for that. Its pixels are read.

    Raises:
        DataError: it cannot be read.
    """
    if path.suffix.lower() not in _SUFFIXES:
        return None
    with _opened(path) as raster:
        return None if raster.nodata is None else raster.dataset_mask() == 0


def projected(world: Points, crs: str | None, grid: Grid) -> Points:
    """World coordinates (n, 2) of the projection `crs` in that of a raster.

    None is longitude and latitude where the numbers can be and the raster is in another projection; else its own.

    Raises:
        DataError: a projection that nobody knows, or places that it cannot hold.
    """
    if crs is None:
        degrees = bool((np.abs(world) <= _DEGREES).all())
        crs = _LATITUDE_LONGITUDE if degrees and grid.crs else grid.crs
    if not crs or not grid.crs:
        return world
    from rasterio.crs import CRS
    from rasterio.errors import CRSError
    from rasterio.warp import transform

    try:
        source, target = CRS.from_user_input(crs), CRS.from_user_input(grid.crs)
        if source == target:
            return world
        moved = transform(source, target, world[:, 0].tolist(), world[:, 1].tolist())
    except CRSError as error:
        fix = "save the file in the projection of its raster"
        raise DataError.of(
            "crs", "is a projection that is not known", allowed="such as EPSG:32616", found=f"{crs}: {error}", fix=fix
        ) from error
    points = np.column_stack([moved[0], moved[1]])
    if not np.isfinite(points).all():
        fix = "save the file in the projection of its raster"
        raise DataError.of("crs", "cannot hold the coordinates", allowed=grid.crs, found=crs, fix=fix)
    return points


def _opened(path: Path) -> Any:
    try:
        import rasterio
        from rasterio.errors import NotGeoreferencedWarning, RasterioError
    except ImportError as error:
        raise DependencyMissing.of(
            str(path),
            "is a TIFF whose place on the map needs rasterio",
            allowed="rasterio 1.4 or newer",
            found="not installed",
            fix="pip install 'segwright[geo]'",
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return rasterio.open(path)
    except RasterioError as error:
        fix = "restore the file, or export it again"
        raise DataError.of(str(path), "cannot be read as a raster", found=str(error), fix=fix) from error
