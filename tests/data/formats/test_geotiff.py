"""GeoTIFF: windows, no data, places on the map, pixel types."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from segwright.core import ClassTable, ConfigError, DataError, DependencyMissing, Size
from segwright.data import check, export_dataset, open_dataset
from segwright.data.formats.geo_grid import Grid
from segwright.data.formats.geotiff import windows, write_raster
from tests.data.pictures import index_folder

GRID = Grid((0.5, 0, 733601, 0, -0.5, 3725139), Size(20, 33), "EPSG:32616")
TABLE = ClassTable.of(["background", "building"])


def pixels(dtype: type = np.uint16, bands: int = 2) -> np.ndarray:
    values = (np.arange(bands * 20 * 33).reshape(bands, 20, 33) + 1).astype(dtype)
    values[:, :2, :3] = 0
    return values


def rasters(root: Path, image: np.ndarray | None = None, nodata: float | None = 0, grid: Grid = GRID) -> Path:
    mask = np.zeros((1, 20, 33), np.uint8)
    mask[0, 5:9, 10:30] = 1
    write_raster(root / "images" / "a.tif", pixels() if image is None else image, GRID, nodata)
    write_raster(root / "masks" / "a.tif", mask, grid, None)
    return root


def test_windows__cover_a_raster_once() -> None:
    covered = np.zeros((20, 33), int)
    for box in windows(Size(20, 33), 16):
        covered[box.slices] += 1
    assert (covered == 1).all()
    assert len(list(windows(Size(20, 33), None))) == 1


def test_read__whole_rasters(tmp_path: Path) -> None:
    dataset = open_dataset(rasters(tmp_path), classes=TABLE)
    frame = dataset.frames[0]
    assert (dataset.format, frame.stem) == ("geotiff", "a")
    labelled = dataset.read(frame)
    assert labelled.image.pixels.dtype == np.uint16
    assert labelled.image.bands == ("band_1", "band_2")
    assert labelled.labels.area_px("building") == 80
    assert (labelled.labels.ids[:2, :3] == 255).all()
    assert frame.columns == {"raster": "a", "x": "733609.25", "y": "3725134", "crs": "EPSG:32616"}


def test_read__windows(tmp_path: Path) -> None:
    root = rasters(tmp_path)
    whole = open_dataset(root, classes=TABLE)
    dataset = open_dataset(root, classes=TABLE, options={"window_px": 16})
    stems = [frame.stem for frame in dataset.frames]
    assert stems[:3] == ["a/y000000_x000000", "a/y000000_x000016", "a/y000000_x000032"]
    together = np.zeros((20, 33), np.uint8)
    for frame, box in zip(dataset.frames, windows(Size(20, 33), 16), strict=True):
        together[box.slices] = dataset.read_labels(frame).ids
        assert np.array_equal(dataset.read_image(frame).pixels, whole.read_image(whole.frames[0]).pixels[box.slices])
    assert np.array_equal(together, whole.read_labels(whole.frames[0]).ids)
    assert len({frame.image.digest for frame in dataset.frames}) == len(dataset)
    with pytest.raises(ConfigError, match="window_px: is no window"):
        open_dataset(root, classes=TABLE, options={"window_px": 3})


@pytest.mark.parametrize(("dtype", "kept"), [(np.uint8, np.uint8), (np.int16, np.float32), (np.float64, np.float32)])
def test_read__pixel_types(tmp_path: Path, dtype: type, kept: type) -> None:
    dataset = open_dataset(rasters(tmp_path, pixels(dtype), None), classes=TABLE)
    assert dataset.read_image(dataset.frames[0]).pixels.dtype == kept
    assert dataset.read_labels(dataset.frames[0]).void_fraction == 0


def test_read__numbers_that_are_none(tmp_path: Path) -> None:
    broken = pixels(np.float32)
    broken[:, 0, 0] = np.nan
    dataset = open_dataset(rasters(tmp_path / "a", broken, float("nan")), classes=TABLE)
    assert dataset.read_labels(dataset.frames[0]).ids[0, 0] == 255
    assert dataset.read_image(dataset.frames[0]).pixels[0, 0, 0] == 0
    dataset = open_dataset(rasters(tmp_path / "b", broken, None), classes=TABLE)
    with pytest.raises(DataError, match=r"(?s)2 values are not numbers.*a_nodata"):
        dataset.read_image(dataset.frames[0])


def test_read__masks_elsewhere(tmp_path: Path) -> None:
    moved = Grid((0.5, 0, 733602, 0, -0.5, 3725139), Size(20, 33), "EPSG:32616")
    with pytest.raises(DataError, match=r"(?s)lies elsewhere on the map.*gdalwarp"):
        open_dataset(rasters(tmp_path / "a", grid=moved), classes=TABLE)
    root = rasters(tmp_path / "b")
    write_raster(root / "masks" / "a.tif", np.zeros((2, 4, 4), np.uint8), Grid(GRID.affine, Size(4, 4), GRID.crs), None)
    with pytest.raises(DataError, match="has another size than its image") as caught:
        open_dataset(root, classes=TABLE)
    assert "has several bands" in str(caught.value)
    (root / "images" / "a.tif").write_bytes(b"II*\x00")
    with pytest.raises(DataError, match="cannot be opened"):
        open_dataset(root, format="geotiff", classes=TABLE)


def test_read__no_table_and_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = rasters(tmp_path)
    with pytest.raises(ConfigError, match="no class table"):
        open_dataset(root)
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(DependencyMissing, match=r"(?s)rasters on the map need it.*segwright\[geo\]"):
        open_dataset(root, classes=TABLE)


def test_write__windows_keep_their_place(tmp_path: Path) -> None:
    dataset = open_dataset(rasters(tmp_path / "in"), classes=TABLE, options={"window_px": 16})
    export_dataset(dataset, tmp_path / "out", "geotiff")
    again = open_dataset(tmp_path / "out")
    assert again.format == "geotiff"
    for frame in dataset.frames:
        theirs = again.frame(frame.stem)
        assert again.read_image(theirs) == dataset.read_image(frame)
        assert np.array_equal(again.read_labels(theirs).ids, dataset.read_labels(frame).ids)
        assert all(theirs.columns[name] == frame.columns[name] for name in ("x", "y", "crs"))
    with rasterio.open(tmp_path / "out" / "masks" / "a" / "y000000_x000016.tif") as raster:
        assert raster.transform[2] == 733601 + 8
        assert raster.nodata == 255


def test_write__pictures_have_no_place(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no place on the map"):
        export_dataset(open_dataset(index_folder(tmp_path / "in")), tmp_path / "out", "geotiff")


@pytest.mark.filterwarnings("ignore", category=NotGeoreferencedWarning)
def test_read__spacenet(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "remote_spacenet_sample"
    for part, name in (("images", "sample_geotiff"), ("masks", "sample_fp_mask")):
        (tmp_path / part).mkdir()
        (tmp_path / part / "a.tif").symlink_to(source / f"{name}.tif")
    dataset = open_dataset(tmp_path, classes=TABLE, options={"window_px": 300, "map": ["255=building"]})
    assert len(dataset) == 9
    assert check(dataset) == []
    with rasterio.open(source / "sample_geotiff.tif") as raster:
        stored = raster.read(1, window=((300, 600), (0, 300)))
    assert np.array_equal(dataset.read_image(dataset.frames[3]).pixels[..., 0], stored)
    labels = dataset.read_labels(dataset.frames[3])
    assert (labels.ids[stored == 0] == 255).all()
