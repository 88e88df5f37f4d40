"""GeoTIFF: rasters with masks of the same grid; frames are windows of them."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segwright.core import (
    Box,
    ClassTable,
    ConfigError,
    DataError,
    Listener,
    Problem,
    Size,
    few,
    raise_collected,
    tracked,
)
from segwright.data.class_files import CLASS_FILES, read_class_file
from segwright.data.dataset import Dataset, Frame
from segwright.data.extras import imported
from segwright.data.formats.format import Format, Options
from segwright.data.formats.geo_grid import Grid
from segwright.data.formats.pairs import Pairing, pair_by_folder, pair_by_name
from segwright.data.formats.volume_frames import value_mapping
from segwright.data.listing import Listing
from segwright.data.rasters import RasterFacts, RasterWindow, WindowLabels, facts_of
from segwright.data.workers import in_threads

_GEO_TAGS = (33550, 34264, 34735)  # ModelPixelScale, ModelTransformation, GeoKeyDirectory
_SMALLEST_PX = 16
_SNIFFED = 8
_APART_PX = 0.01


def recognise(listing: Listing) -> str | None:
    """Pairs of TIFF files whose images say where they lie on the map."""
    pairs = [pair for pair in _pairing(listing, {}).pairs.values() if _is_tiff(pair[0]) and _is_tiff(pair[1])]
    some = pairs[:: max(1, len(pairs) // _SNIFFED)]
    if not some or not all(_has_geo_tags(listing.path(image)) for image, _ in some):
        return None
    return f"{len(pairs)} rasters on the map with masks"


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of windows of `window_px`, or of whole rasters, with the columns raster, x, y (the centre) and crs.

    A mask must have its image's size and, where both say so, its place on the map. No data in the image is void.

    Raises:
        DataError: no pairs, damaged files, masks that lie elsewhere; all of them.
        ConfigError: no class table.
    """
    pairing = _pairing(listing, options)
    raise_collected(pairing.problems)
    if not pairing.pairs:
        raise DataError.of(
            str(listing.root),
            "has no raster with a mask",
            allowed="images/a.tif with masks/a.tif",
            found=f"{len(listing.images)} image files",
            fix="name the folders: `options: {images: FOLDER, masks: FOLDER}`",
        )
    window = _window_px(options)
    table = classes or _beside(listing)
    mapping = value_mapping(table, options)
    frames: list[Frame] = []
    problems: list[Problem] = []
    for stem, (image, mask) in pairing.pairs.items():
        try:
            facts, of_mask = facts_of(listing.path(image)), facts_of(listing.path(mask))
        except DataError as error:
            problems += error.problems
            continue
        wrong = list(_misfits(listing.path(mask), facts, of_mask))
        problems += wrong
        for box in () if wrong else windows(facts.grid.size, window):
            source = RasterWindow(listing.path(image), box, facts)
            name = stem if window is None else f"{stem}/y{box.top:06d}_x{box.left:06d}"
            labels = WindowLabels(listing.path(mask), box, listing.path(image), mapping)
            frames.append(Frame(name, source, labels, columns_of(stem, source.grid)))
    raise_collected(problems)
    return Dataset(listing.root, table, tuple(frames), "geotiff", tuple(pairing.notes()))


def windows(size: Size, window_px: int | None) -> Iterator[Box]:
    """The windows of a raster, row by row; those at the right and lower edge may be smaller. None: one of all."""
    step = window_px or max(size.height, size.width)
    for top in range(0, size.height, step):
        for left in range(0, size.width, step):
            yield Box(top, left, min(top + step, size.height), min(left + step, size.width))


def columns_of(raster: str, grid: Grid) -> dict[str, str]:
    """Which raster a window is of, and where on the map its centre lies, in the units of its crs."""
    centre = grid.to_world(np.array([[grid.size.width / 2, grid.size.height / 2]]))[0]
    columns = {"raster": raster, "x": f"{centre[0]:.10g}", "y": f"{centre[1]:.10g}"}
    return columns | ({"crs": grid.crs} if grid.crs else {})


def _pairing(listing: Listing, options: Options) -> Pairing:
    pairing = pair_by_folder(listing, options.get("images"), options.get("masks"))
    return pairing if pairing.pairs or "masks" in options else pair_by_name(listing)


def _is_tiff(name: str) -> bool:
    return name.lower().endswith((".tif", ".tiff"))


def _has_geo_tags(path: Path) -> bool:
    """Whether the first directory of a TIFF has a tag of GeoTIFF; needs no library. Source: TIFF 6.0, section 2."""
    try:
        with path.open("rb") as file:
            order = {b"II*\x00": "<", b"MM\x00*": ">", b"II+\x00": "<", b"MM\x00+": ">"}.get(file.read(4))
            if order is None:
                return False
            file.seek(2)
            big = struct.unpack(order + "H", file.read(2))[0] == 43
            file.seek(8 if big else 4)
            file.seek(struct.unpack(order + ("Q" if big else "I"), file.read(8 if big else 4))[0])
            (count,) = struct.unpack(order + ("Q" if big else "H"), file.read(8 if big else 2))
            entry = 20 if big else 12
            tags = (struct.unpack(order + "H", file.read(entry)[:2])[0] for _ in range(min(count, 4096)))
            return any(tag in _GEO_TAGS for tag in tags)
    except (OSError, struct.error):
        return False


def _misfits(place: Path, image: RasterFacts, mask: RasterFacts) -> Iterator[Problem]:
    if mask.grid.size != image.grid.size:
        fix = "burn the mask on the image's grid; masks are never resized silently"
        rule, allowed, found = "has another size than its image", str(image.grid.size), str(mask.grid.size)
        yield Problem(str(place), rule, allowed, found, fix)
    elif image.on_map and mask.on_map and not _same_place(image.grid, mask.grid):
        fix = "warp it to the image's grid: gdalwarp -t_srs, -te, -ts; nothing is moved silently"
        allowed, found = (f"{one.grid.crs} {one.grid.affine}" for one in (image, mask))
        yield Problem(str(place), "lies elsewhere on the map than its image", allowed, found, fix)
    if mask.bands != 1:
        fix = "write the class ids as one band"
        yield Problem(str(place), "has several bands", "one band of class ids", str(mask.bands), fix)


def _same_place(image: Grid, mask: Grid) -> bool:
    """Whether two grids of one size have one coordinate system, and corners that lie on each other."""
    corners = np.array([[0.0, 0.0], [mask.size.width, mask.size.height], [0.0, mask.size.height]])
    apart_px = float(np.abs(image.to_pixels(mask.to_world(corners)) - corners).max())
    return apart_px <= _APART_PX and mask.crs == image.crs


def _window_px(options: Options) -> int | None:
    value = options.get("window_px")
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= _SMALLEST_PX):
        return value
    fix = "set `options: {window_px: 512}`, or leave it out for whole rasters"
    allowed = f"a whole number from {_SMALLEST_PX}"
    raise ConfigError.of("options: window_px", "is no window", allowed=allowed, found=str(value), fix=fix)


def _beside(listing: Listing) -> ClassTable:
    path = next((listing.path(name) for name in CLASS_FILES if name in listing.files), None)
    if path is not None:
        return read_class_file(path)
    raise ConfigError.of(
        str(listing.root),
        "has no class table: nobody says what the values in the masks mean",
        allowed=f"`classes:` in segwright.yaml, or a file {CLASS_FILES[1]} with lines such as `0 background`",
        found=f"none of {few(list(CLASS_FILES))}",
        fix="write `classes: {names: {background: 0, building: 1}}`",
    )


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """images/STEM.tif and masks/STEM.tif on the frame's own grid; void is no data in the mask.

    Raises:
        DataError: frames that have no place on the map, all of them.
    """
    raise_collected(
        Problem(
            str(frame.image), "has no place on the map", "windows of GeoTIFF rasters", "a picture", "write index_png"
        )
        for frame in dataset.frames
        if not isinstance(frame.image, RasterWindow)
    )

    def placed(frame: Frame) -> None:
        source = frame.image
        if isinstance(source, RasterWindow):
            pixels = np.moveaxis(source.read()[0].pixels, 2, 0)
            write_raster(folder / "images" / f"{frame.stem}.tif", pixels, source.grid, source.facts.nodata)
            if frame.mask is not None:
                ids = dataset.read_labels(frame).ids[None]
                write_raster(folder / "masks" / f"{frame.stem}.tif", ids, source.grid, dataset.classes.void_id)

    for _ in tracked(in_threads(placed, dataset.frames), listener, "writing", len(dataset)):
        pass


def write_raster(path: Path, bands: npt.NDArray, grid: Grid, nodata: float | None) -> None:
    """Bands (n, height, width) as a GeoTIFF, to a temporary name, then one rename.

    Raises:
        DependencyMissing: rasterio is not installed.
        DataError: a full or read-only disk.
    """
    rasterio = imported("rasterio", "geo", "rasters on the map")
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part.tif")
    profile = {
        "driver": "GTiff",
        "count": bands.shape[0],
        "height": grid.size.height,
        "width": grid.size.width,
        "dtype": bands.dtype.name,
        "transform": rasterio.Affine(*grid.affine),
        "crs": grid.crs or None,
        "nodata": nodata,
        "compress": "deflate",
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with rasterio.open(str(temporary), "w", **profile) as raster:
            raster.write(bands)
        temporary.replace(path)
    except (OSError, rasterio.errors.RasterioError) as error:
        temporary.unlink(missing_ok=True)
        found, fix = str(error)[:160], "free space, or choose another folder"
        raise DataError.of(str(path), "cannot be written", allowed="room", found=found, fix=fix) from error


GEOTIFF = Format(
    recognise,
    read,
    {
        "window_px": "frames are windows of this many pixels a side; left out: whole rasters",
        "images": "folder of the rasters, where its name does not tell",
        "masks": "folder of the masks, where its name does not tell",
        "map": "values of the masks to rename: [9=void]",
    },
    write,
    frozenset({"void"}),
)
